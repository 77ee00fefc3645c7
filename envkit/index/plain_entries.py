"""The short way for entries without anything unusual, as nearly all are; it gives the same rows as the long way, or None.

Reading the pages of a large project is mostly this, so it is written for speed; a test compares both ways.
"""

from __future__ import annotations

import re
from typing import Any

from envkit.index.entries import PLAIN_ADDRESS, Row, resolve_folder
from envkit.index.filenames import clean_requires_python, is_name_of, valid_version

_FILE = re.compile(
    r"([A-Za-z0-9_.]{1,100})-([0-9][a-z0-9.]{0,40})(?:\.tar\.gz|-[\w.]{2,60}-[\w.]{2,60}-[\w.]{2,100}\.whl)\Z", re.ASCII
)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def plain_row(entry: Any, base: str, project: str) -> Row | None:
    """Give the row of one file of a JSON page; None where it has to be looked at closely."""
    try:
        get = entry.get
        filename, url, hashes = entry["filename"], entry["url"], entry["hashes"]
        match = _FILE.match(filename)
        if match is None or len(hashes) != 1 or _SHA256.match(hashes["sha256"]) is None or not url.endswith(filename):
            return None
        metadata: Any = get("core-metadata")
        if metadata is None:
            metadata = get("dist-info-metadata")
        if metadata is True:
            metadata = {}
        elif metadata is False:
            metadata = None
        elif metadata is not None and (len(metadata) != 1 or _SHA256.match(metadata["sha256"]) is None):
            return None
    except (KeyError, TypeError, AttributeError):
        return None
    if not is_name_of(match[1], project) or not valid_version(match[2]) or get("yanked", False) is not False:
        return None
    if not url.startswith("https://") or PLAIN_ADDRESS.match(url) is None:
        folder = resolve_folder(base, url[: -len(filename)])
        if folder is None:
            return None
        url = folder + filename
    size, upload_time, provenance = get("size"), get("upload-time"), get("provenance")
    requires_python = get("requires-python")
    if requires_python is not None:
        if type(requires_python) is not str:
            return None
        requires_python = clean_requires_python(requires_python)
        if requires_python is None:
            return None
    if (
        (size is not None and (type(size) is not int or size < 0))
        or (upload_time is not None and type(upload_time) is not str)
        or (provenance is not None and type(provenance) is not str)
        or "data-dist-info-metadata" in entry
        or ("core-metadata" in entry and entry["core-metadata"] is None)
    ):
        return None
    return (filename, url, hashes, size, requires_python or None, None, upload_time, metadata, provenance)
