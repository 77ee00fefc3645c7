"""Secrets, and texts that must not hold any.

A secret has a type of its own whose text forms are masked; the value is reached by one deliberate call. Every URL that
goes into an error, an event, a file or a ``repr`` passes through `redact` first.
"""

from __future__ import annotations

import re
from typing import Any, final

MASK = "****"
_LONGEST_LINE = 500


@final
class Secret:
    """A text that shows itself only when asked by `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret cannot be pickled")


def strip_credentials(url: str) -> str:
    """Give *url* without its user information (PEP 610 wants it so); ``git@host`` user names of ssh stay."""
    if "@" not in url:
        return url
    from urllib.parse import urlsplit, urlunsplit  # takes as long as the rest of a warm resolution's addresses

    try:
        parts = urlsplit(url)
    except ValueError:
        return mask_credentials(url)
    if "@" not in parts.netloc:
        return url
    user, _, host = parts.netloc.rpartition("@")
    if parts.scheme.endswith("ssh") and ":" not in user:
        return url
    return urlunsplit(parts._replace(netloc=host))


_USER_INFO = r"(?<=//)[^/?#\s@]+(?:@[^/?#\s@]+)*(?=@)"


def mask_credentials(text: str) -> str:
    """Mask the user information of every URL inside *text*, for errors, events and logs."""
    return re.sub(_USER_INFO, MASK, text) if "@" in text else text


def last_lines(output: str, count: int) -> tuple[str, ...]:
    """Give the last lines of what a program said, fit for errors and logs: bounded, without credentials of URLs, and
    with nothing that steers a terminal.
    """
    end = output[-_LONGEST_LINE * count * 4 :]
    lines = [line for line in end.splitlines() if line.strip()][-count:]
    return tuple(mask_credentials(_plain(line)[:_LONGEST_LINE].rstrip()) for line in lines)


def _plain(line: str) -> str:
    return "".join(char if char.isprintable() else " " if char == "\t" else "?" for char in line)
