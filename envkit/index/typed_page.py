"""Read a JSON page with msgspec, where it is installed: straight into small typed records that no garbage collector visits.

A third of the time of the standard library's reader, and nothing is made of fields that nobody asks for. Whatever is not
as records have it (a field of another type, a hash besides the sha256, a number without measure) is left to that reader,
which is tolerant; a test compares both.
"""

from __future__ import annotations

import functools
import importlib
import sys
from operator import attrgetter
from types import GenericAlias
from typing import Any

from envkit.index.plain_entries import Fields
from envkit.namedtuple import NamedTuple

_WORTH_LOADING = 2 * 1024 * 1024
"""Bytes of pages: loading msgspec takes as long as it saves with twice as many."""


class TypedPage(NamedTuple):
    """What a page says besides its *files*, and these as records."""

    content: dict[str, Any]
    files: list[Any]

    def fields(self) -> Fields:
        """Give the fields of all files."""
        reader, files = _reader(), self.files
        assert reader is not None
        told: list[Any] = list(map(attrgetter("core_metadata"), files))
        if reader.unset in set(map(type, told)):
            told = [reader.told_of_metadata(file) for file in files]
        digest = reader.digest
        return Fields(
            filenames=list(map(attrgetter("filename"), files)),
            urls=list(map(attrgetter("url"), files)),
            digests=list(map(attrgetter("hashes.sha256"), files)),
            sizes=list(map(attrgetter("size"), files)),
            needs=list(map(attrgetter("requires_python"), files)),
            yanks=list(map(attrgetter("yanked"), files)),
            times=list(map(attrgetter("upload_time"), files)),
            metadata=[one.sha256 if one.__class__ is digest else {} if one is True else None for one in told],
            provenance=list(map(attrgetter("provenance"), files)),
        )

    def entry(self, at: int) -> Any:
        """Give one file as the standard library reads it."""
        reader = _reader()
        assert reader is not None
        return reader.to_builtins(self.files[at])


class _Reader:
    """msgspec, and the types of records."""

    def __init__(self, msgspec: Any) -> None:
        # By calls, as classes of a base that may not be there would have no types for a checker.
        define: Any = functools.partial(msgspec.defstruct, gc=False)
        text, unset = str | None, msgspec.UNSET
        self.unset: Any = msgspec.UnsetType
        self.digest: Any = define("Digest", [("sha256", str)], forbid_unknown_fields=True)
        metadata: Any = self.digest | bool | None | self.unset
        record: type = define(
            "File",
            [
                ("filename", str),
                ("url", str),
                ("hashes", self.digest),
                ("size", int | float | None, None),
                ("requires_python", text, None),
                ("yanked", bool | text, None),
                ("upload_time", text, None),
                ("core_metadata", metadata, unset),
                ("dist_info_metadata", metadata, unset),
                ("data_dist_info_metadata", metadata, unset),
                ("provenance", text, None),
            ],
            rename="kebab",
        )
        said = [(name, Any, None) for name in ("meta", "versions", "alternate_locations", "project_status")]
        page = define("Page", [("files", GenericAlias(list, (record,))), *said], rename="kebab")
        self.decode: Any = msgspec.json.Decoder(page).decode
        self.to_builtins: Any = msgspec.to_builtins
        self.refused: tuple[type[Exception], ...] = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

    def told_of_metadata(self, file: Any) -> Any:
        told = (file.core_metadata, file.dist_info_metadata, file.data_dist_info_metadata)
        return next((one for one in told if one.__class__ is not self.unset), None)


@functools.cache
def _reader() -> _Reader | None:
    try:
        return _Reader(importlib.import_module("msgspec"))
    except ImportError:
        return None


class _Seen:
    """How many bytes of pages this process has read, and about how many have arrived."""

    size = 0
    arrived = 0


def note_arrival(size: int) -> None:
    """Learn that a page of about *size* bytes is there: many arrive before the first one is read."""
    _Seen.arrived += size  # by several threads, of which one may be missed: it is an estimate anyway


def read_typed(data: bytes) -> TypedPage | None:
    """Read a page; None where the standard library has to: msgspec is missing or not worth loading, or it refuses."""
    _Seen.size += len(data)
    reader = _reader() if max(_Seen.size, _Seen.arrived) > _WORTH_LOADING or "msgspec" in sys.modules else None
    if reader is None:
        return None
    try:
        # As text where it is not ASCII: what msgspec passes over in bytes it does not look at.
        page = reader.decode(data if data.isascii() else str(data, "utf-8"))
    except reader.refused:
        return None
    content = {
        "meta": page.meta,
        "versions": page.versions,
        "alternate-locations": page.alternate_locations,
        "project-status": page.project_status,
    }
    return TypedPage(content, page.files)
