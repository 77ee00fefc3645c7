"""Where things of an artifact are in the cache, and what its URL says."""

from __future__ import annotations

import hashlib
import os

from envkit.errors import TransportError
from envkit.index.verify import strongest
from envkit.model.candidate import Artifact
from envkit.model.identity import normalize
from envkit.model.sdist_names import sdist_suffix


def group_of(filename: str) -> str:
    """Give the group of cache entries of a file: its project, as near as the name tells."""
    if filename.endswith(".whl"):
        return normalize(filename.partition("-")[0])
    stem = filename.removesuffix(sdist_suffix(filename))
    return "unnamed" if stem == filename else normalize(stem.rpartition("-")[0] or "unnamed")


def cache_key(artifact: Artifact) -> str:
    """Give the key of what belongs to *artifact*: by its strongest hash, else by its address."""
    best = strongest(artifact.hashes)
    if best is not None:
        return f"{group_of(artifact.filename)}/{best[0]}:{best[1]}"
    return f"{group_of(artifact.filename)}/url:{hashlib.sha256(artifact.url.encode()).hexdigest()}"


def local_path(url: str) -> str | None:
    """Give the path of a ``file:`` URL, None for any other. Raises `TransportError` for one on another host."""
    if not url.startswith("file:"):
        return None
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname  # loads http.client and email: only where a path is asked for

    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        if os.name != "nt":
            raise TransportError(f"{url}: a file address names another host")
        return url2pathname("//" + parts.netloc + parts.path)
    path = url2pathname(parts.path) if os.name == "nt" else unquote(parts.path)
    if "\0" in path:
        raise TransportError("a file address holds a null character")
    return path


def file_url(path: str) -> str:
    """Give the ``file:`` URL of a path."""
    from urllib.request import pathname2url

    return "file://" + pathname2url(os.path.abspath(path))
