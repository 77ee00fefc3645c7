"""How long an answer may be used without asking again (RFC 9111, for a private cache)."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_SECONDS = 600.0
"""For answers without any header about it: ten minutes, what PyPI itself says."""
MAX_SECONDS = 24 * 3600.0
"""A page is asked for again after a day, whatever its headers say: new releases must be seen."""


def lifetime(headers: Mapping[str, str]) -> float | None:
    """Give the seconds for which an answer is fresh; 0 means ask each time, None means do not keep it."""
    directives = _directives(headers.get("cache-control", ""))
    if "no-store" in directives:
        return None
    if "no-cache" in directives or headers.get("vary", "").strip() == "*":
        return 0.0
    age = _number(headers.get("age")) or 0.0
    allowed = _number(directives.get("max-age"))
    if allowed is None and "expires" in headers:
        allowed = _until(headers["expires"], headers.get("date"))
    if allowed is None:
        return DEFAULT_SECONDS
    return max(0.0, min(allowed - age, MAX_SECONDS))


def _directives(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _number(text: str | None) -> float | None:
    if text is not None and text.strip().isdecimal() and len(text) < 16:
        return float(text)
    return None


def _until(expires: str, date: str | None) -> float:
    import time
    from email.utils import parsedate_to_datetime

    try:
        start = parsedate_to_datetime(date).timestamp() if date else time.time()
        return parsedate_to_datetime(expires).timestamp() - start
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return 0.0
