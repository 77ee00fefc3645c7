"""Local places behind ``file:`` URLs."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit


def file_url_to_path(url: str) -> str | None:
    """Give the absolute local path of a ``file:`` URL, or None where it names another machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme != "file" or (parts.netloc not in ("", "localhost") and os.name != "nt"):
        return None
    path = unquote(parts.path)
    if os.name == "nt":
        path = f"\\\\{parts.netloc}{path}" if parts.netloc not in ("", "localhost") else path.lstrip("/")
    return os.path.normpath(path) if os.path.isabs(path) and "\0" not in path else None
