"""The short way for entries without anything unusual, as nearly all are; it gives the same rows as the long way.

Reading the pages of a large project is mostly this, so it is written for speed: names are made of few different parts,
and each part is looked at once. What is not taken here is left to the long way; a test compares both.
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
_OPTIONAL = ("requires-python", "size", "upload-time")
_is_plain_folder = re.compile(r"https://[a-z0-9.-]++(?::[0-9]++)?(?:/[A-Za-z0-9_+~%-][A-Za-z0-9._+~%!-]*+)++/\Z").match
_is_sha256 = re.compile(r"[0-9a-f]{64}\Z").match


class PlainEntries:
    """Gives rows for the plain entries of one page.

    What was found out about a part is looked up by subscript, and `KeyError` says that a part is new, or that an entry
    lacks something: of all ways to ask, that is the fastest.
    """

    def __init__(self, base: str, project: str) -> None:
        self._base = base
        self._project = project
        self._names: dict[str, bool] = {}
        self._versions: dict[str, bool] = {}
        self._endings: dict[str, bool] = {}
        self._pythons: dict[str | None, str | None] = {None: None}
        self._places: dict[str, str | None] = {}

    def row(self, entry: dict[str, Any]) -> Row | None:
        """Give the row of an entry; None where it has to be looked at closely. Missing fields are filled in."""
        try:
            try:
                return self._row(entry)
            except KeyError:
                self._learn(entry)
                return self._row(entry)
        except (KeyError, TypeError, AttributeError, ValueError):
            return None

    def _row(self, entry: dict[str, Any]) -> Row | None:
        filename, url, hashes = entry["filename"], entry["url"], entry["hashes"]
        metadata, size, upload_time = entry["core-metadata"], entry["size"], entry["upload-time"]
        needs, provenance = entry["requires-python"], entry.get("provenance")
        if filename[-4:] == ".whl":
            name, version, ending = filename.split("-", 2)
            plain = self._endings[ending]
        else:
            name, _, version = filename[:-7].rpartition("-")
            plain = filename[-7:] == ".tar.gz"
        digest = hashes["sha256"]
        folder: str = url[: -len(filename)]
        place: str | None = folder
        if _is_plain_folder(folder) is None or len(url) > _MAX_ADDRESS:
            place = self._places[folder]  # relative ones are few, and the same for many files
        if metadata.__class__ is dict:
            plain = plain and len(metadata) == 1
            metadata = metadata["sha256"]
            plain = plain and _is_sha256(metadata) is not None
        elif metadata is False:
            metadata = None
        elif metadata is True:
            metadata = dict[str, str]()
        else:
            return None
        cleaned = self._pythons[needs]
        stated: str | dict[str, str] | None = metadata
        if (
            plain
            and self._names[name]
            and self._versions[version]
            and place is not None
            and url[-len(filename) :] == filename
            and len(hashes) == 1
            and _is_sha256(digest)
            and (cleaned is not None or needs is None)
            and entry["yanked"] is False
            and ((size.__class__ is int and size >= 0) or size is None)
            and (upload_time.__class__ is str or upload_time is None)
            and (provenance is None or provenance.__class__ is str)
            and len(filename) <= MAX_FILENAME
        ):
            return (filename, place, digest, size, cleaned or None, None, upload_time, stated, provenance)
        return None

    def _learn(self, entry: dict[str, Any]) -> None:
        """Find out about the parts that are new, and fill in what an entry may leave out."""
        for key in _OPTIONAL:
            entry.setdefault(key, None)
        entry.setdefault("yanked", False)
        if "core-metadata" not in entry:
            entry["core-metadata"] = entry.get("dist-info-metadata", entry.get("data-dist-info-metadata", False))
        filename, url, needs = entry["filename"], entry["url"], entry["requires-python"]
        if filename.endswith(".whl"):
            name, version, ending = filename.split("-", 2)
            if ending not in self._endings:
                self._endings[ending] = _ENDING.match(ending) is not None
        else:
            name, _, version = filename[:-7].rpartition("-")
        if name not in self._names:
            self._names[name] = len(name) <= 100 and name.isascii() and is_name_of(name, self._project)
        if version not in self._versions:
            self._versions[version] = _VERSION.match(version) is not None and valid_version(version)
        if needs not in self._pythons:
            self._pythons[needs] = clean_requires_python(needs)
        folder = url[: -len(filename)]
        if folder not in self._places:
            self._places[folder] = resolve_folder(self._base, folder) if len(url) <= _MAX_ADDRESS else None
