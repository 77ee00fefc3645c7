"""The form in which a page is kept: what a page says at once, and its files, which are read when somebody looks at one."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from envkit.index.simple_api import ParsedPage
    from envkit.model.listing import Row


class StoredRows(Sequence["Row"]):
    """The rows of a stored page; they are read with the first look at one."""

    __slots__ = ("_count", "_data", "_rows")

    def __init__(self, count: int, data: bytes) -> None:
        self._count = count
        self._data: bytes | None = data
        self._rows: tuple[Row, ...] | None = None

    def _read(self) -> tuple[Row, ...]:
        rows, data = self._rows, self._data
        if rows is None and data is not None:
            rows = marshal.loads(data)  # noqa: S302  private, and checked by the bucket's checksum
            self._rows = rows  # before the data goes, as another thread may look just now
            self._data = None
        return rows if rows is not None else self._read()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return iter(self._read())

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        return self._read()[at]


def pack(page: ParsedPage) -> bytes:
    """Give the stored form of a page."""
    rows = marshal.dumps(tuple(page.rows), 4)
    head = (page.rejected, page.tracks, page.alternates, page.versions, page.status, page.status_reason)
    return marshal.dumps((len(page.rows), rows, *head), 4)


def unpack(data: bytes) -> ParsedPage | None:
    """Read a stored form that the bucket's checksum vouches for; None where it is none."""
    from envkit.index.simple_api import ParsedPage

    try:
        content: Any = marshal.loads(data)  # noqa: S302
        count, rows, rejected, tracks, alternates, versions, status, reason = content
    except (ValueError, TypeError, EOFError):
        return None
    return ParsedPage(
        rows=StoredRows(count, rows),
        rejected=rejected,
        tracks=tracks,
        alternates=alternates,
        versions=versions,
        status=status,
        status_reason=reason,
    )
