"""Whether two direct references, however they are spelled, name the same thing."""

from __future__ import annotations

import functools
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

_Place: TypeAlias = tuple[tuple[str, ...], frozenset[tuple[str, str]]]
_HASHES = frozenset(("md5", "sha1", "sha224", "sha256", "sha384", "sha512"))


def meets(asked: str, given: str) -> bool:
    """Whether what is fetched from *given* is what *asked* names.

    Case of scheme and host, credentials, escapes, a slash at the end, ``.git`` and ``egg`` make no difference; folder
    (``subdirectory``), query and revision do. Every hash that *asked* wants has to be wanted of *given* as well, so that
    it is checked.
    """
    if asked == given:
        return True
    try:
        (wanted, hashes), (have, checked) = _read(asked), _read(given)
    except ValueError:
        return False
    return wanted == have and hashes <= checked


@functools.lru_cache(maxsize=1_024)
def _read(url: str) -> _Place:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    path, revision = parts.path, ""
    if "+" in parts.scheme:
        head, at, tail = path.rpartition("@")
        path, revision = (head, unquote(tail)) if at else (path, "")
        path = path.rstrip("/").removesuffix(".git")
    # Taken apart before escapes are read: an escaped separator separates nothing.
    steps = tuple(unquote(step) for step in path.split("/") if step not in ("", "."))
    settings = dict(parse_qsl(parts.fragment))
    hashes = frozenset((key, value.lower()) for key, value in settings.items() if key in _HASHES)
    folder = settings.get("subdirectory", "").strip("/")
    host = "" if host == "localhost" and parts.scheme == "file" else host
    return (parts.scheme, host, revision, parts.query, folder, *steps), hashes


def by_knowledge(url: str) -> tuple[bool, bool, str]:
    """Order references to the same thing: one that says which hash to expect, or how to log in, after one that does not."""
    try:
        return bool(_read(url)[1]), "@" in urlsplit(url).netloc, url
    except ValueError:
        return False, False, url
