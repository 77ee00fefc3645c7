"""Pages in the cache: an entry for each, with a head that is read alone, and the page, parsed.

The head is a small record, which says until when the page is fresh and what identifies its content, so that a warm caller
need not read the page. The page is what it says at once, and its files, which are read when somebody looks at one.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from envkit.model.fingerprint import fingerprint
from envkit.model.listing import Columns, Files, columns_of
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from envkit.cache import Cache
    from envkit.index.parsed_page import ParsedPage

_FORM = 3
_LASTING = 7
"""The fields of a record that are stored."""


class Record(NamedTuple):
    """*identity* is "" where the index does not have the project; times are seconds since the epoch.

    *linked* are the addresses of the same project elsewhere (PEP 708); *user* is who was told that there is no such
    project, as `Network.user` gives it; *kept* is false where headers forbid storing.
    """

    fetched: float
    expires: float
    identity: str
    etag: str | None
    modified: str | None
    linked: tuple[str, ...]
    user: str = ""
    kept: bool = True


class StoredPage(NamedTuple):
    """An entry of the cache: the record, and the page as `pack` gives it, and unpacked.

    Its page is None where the index does not have the project, as its identity is "".
    """

    record: Record
    packed: bytes
    page: ParsedPage | None


class PageStore:
    """The pages of one index, which is at *place*, by project."""

    def __init__(self, cache: Cache, place: str) -> None:
        self._bucket = cache.bucket("pages", 5)
        self._place = fingerprint(place, 20)

    def record(self, key: str) -> Record | None:
        """Give the record of a page, without the page; None where it is not there."""
        data = self._bucket.head(f"{key}/{self._place}")
        return _read_record(data) if data is not None else None

    def whole(self, key: str) -> StoredPage | None:
        """Give a page with its record; None where it is not there."""
        entry = self._bucket.whole(f"{key}/{self._place}")
        record = _read_record(entry[0]) if entry is not None else None
        if entry is None or record is None:
            return None
        if not record.identity:
            return StoredPage(record, b"", None)
        page = unpack(entry[1])
        return None if page is None else StoredPage(record, entry[1], page)

    def put(self, key: str, record: Record, page: ParsedPage | None, packed: bytes | None) -> bool:
        """Keep a page, or that there is none; *packed* is its stored form where that is known. False where that fails."""
        if packed is None:
            packed = pack(page) if page is not None else b""
        try:
            self._bucket.put(f"{key}/{self._place}", packed, head=marshal.dumps((_FORM, *record[:_LASTING]), 4))
        except OSError:
            return False  # a cache that cannot be written costs time and nothing else
        return True


def _read_record(data: bytes) -> Record | None:
    try:
        form, *fields = marshal.loads(data)  # noqa: S302  private, and checked by the bucket's checksum
        return Record(*fields) if form == _FORM and len(fields) == _LASTING else None
    except (ValueError, TypeError, EOFError):
        return None


class StoredFiles(Files):
    """The files of a stored page; they are read with the first look at one."""

    __slots__ = ("_count", "_data")

    def __init__(self, count: int, data: bytes) -> None:
        self._count = count
        self._data: bytes | None = data
        self._columns = None
        self._endings = None

    @property
    def columns(self) -> Columns:
        """The fields of all files."""
        columns, data = self._columns, self._data
        if columns is None and data is not None:
            columns = marshal.loads(data)  # noqa: S302  private, and checked by the bucket's checksum
            self._columns = columns  # before the data goes, as another thread may look just now
            self._data = None
        return columns if columns is not None else self.columns

    def __len__(self) -> int:
        return self._count


def pack(page: ParsedPage) -> bytes:
    """Give the stored form of a page."""
    rows = marshal.dumps(columns_of(page.rows), 4)
    head = (page.rejected, page.tracks, page.alternates, page.versions, page.status, page.status_reason)
    return marshal.dumps((len(page.rows), rows, *head), 4)


def unpack(data: bytes) -> ParsedPage | None:
    """Read a stored form that the bucket's checksum vouches for; None where it is none."""
    from envkit.index.parsed_page import ParsedPage

    try:
        content: Any = marshal.loads(data)  # noqa: S302
        count, rows, rejected, tracks, alternates, versions, status, reason = content
    except (ValueError, TypeError, EOFError):
        return None
    return ParsedPage(
        rows=StoredFiles(count, rows),
        rejected=rejected,
        tracks=tracks,
        alternates=alternates,
        versions=versions,
        status=status,
        status_reason=reason,
    )
