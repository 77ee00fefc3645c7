"""The short way for entries without anything unusual, as nearly all are; it gives the same rows as the long way.

Reading the pages of a large project is mostly this, so it is written for speed: it sees each object as soon as it is
read, so that thousands of them need not be kept, and it looks once at the parts that names are made of. Whatever it does
not take stays as it is, for the long way; a test compares both.
"""

from __future__ import annotations

import re
from typing import Any

from envkit.index.entries import resolve_folder
from envkit.index.filenames import MAX_FILENAME, clean_requires_python, is_name_of, valid_version
from envkit.model.listing import Row

_VERSION = re.compile(r"[0-9][a-z0-9.+]{0,60}\Z", re.ASCII)
_ENDING = re.compile(r"[\w.]{2,60}-[\w.]{2,60}-[\w.]{2,100}\.whl\Z", re.ASCII)
_MAX_ADDRESS = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_PLAIN_FOLDER = re.compile(r"https://[a-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9_+~%-][A-Za-z0-9._+~%!-]*)+/\Z")


class PlainEntries:
    """Gives rows for the plain entries of one page: an object hook for `json`."""

    def __init__(self, base: str, project: str) -> None:
        self._base = base
        self._project = project
        self._names: dict[str, bool] = {}
        self._versions: dict[str, bool] = {}
        self._endings: dict[str, bool] = {}
        self._pythons: dict[str, str | None] = {}

    def __call__(self, entry: dict[str, Any]) -> Any:
        """Give the row, or *entry* itself where it is no file, or has to be looked at closely."""
        if "filename" not in entry:
            return entry
        try:
            row = self._row(entry)
        except (KeyError, TypeError, AttributeError, ValueError):
            return entry
        return entry if row is None else row

    def _row(self, entry: dict[str, Any]) -> Row | None:
        get = entry.get
        filename, url, digest = entry["filename"], entry["url"], _digest(entry["hashes"])
        if digest is None or not url.endswith(filename) or len(filename) > MAX_FILENAME or len(url) > _MAX_ADDRESS:
            return None
        if not self._is_plain_name(filename):
            return None
        place = url[: -len(filename)]
        if _PLAIN_FOLDER.match(place) is None:
            place = resolve_folder(self._base, place)
            if place is None:
                return None
        metadata: Any = get("core-metadata", get("dist-info-metadata", get("data-dist-info-metadata", False)))
        if metadata is True:
            metadata = {}
        elif metadata is False:
            metadata = None
        else:
            metadata = _digest(metadata)
            if metadata is None:
                return None
        needs = get("requires-python")
        if needs is not None:
            needs = self._pythons.get(needs) or self._clean(needs)
            if needs is None:
                return None
        size, upload_time, provenance = get("size"), get("upload-time"), get("provenance")
        if (
            get("yanked", False) is not False
            or (size is not None and (type(size) is not int or size < 0))
            or (upload_time is not None and type(upload_time) is not str)
            or (provenance is not None and type(provenance) is not str)
        ):
            return None
        return (filename, place, digest, size, needs or None, None, upload_time, metadata, provenance)

    def _is_plain_name(self, filename: str) -> bool:
        if filename.endswith(".whl"):
            name, version, ending = filename.split("-", 2)
            known = self._endings.get(ending)
            if known is None:
                known = self._endings[ending] = _ENDING.match(ending) is not None
            if not known:
                return False
        elif filename.endswith(".tar.gz"):
            name, _, version = filename[:-7].rpartition("-")
        else:
            return False
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = len(name) <= 100 and name.isascii() and is_name_of(name, self._project)
        if not known:
            return False
        known = self._versions.get(version)
        if known is None:
            known = self._versions[version] = _VERSION.match(version) is not None and valid_version(version)
        return known

    def _clean(self, needs: Any) -> str | None:
        cleaned = clean_requires_python(needs) if type(needs) is str else None
        if cleaned is not None:
            self._pythons[needs] = cleaned
        return cleaned


def _digest(given: Any) -> str | None:
    """Give the sha256 that stands alone. Raises `KeyError` or `TypeError` where there is something else."""
    hashes: dict[str, str] = given
    if type(given) is not dict or len(hashes) != 1:
        return None
    digest = hashes["sha256"]
    return digest if _SHA256.match(digest) else None
