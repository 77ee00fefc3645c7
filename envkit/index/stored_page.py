"""The form in which a page is kept: what a page says at once, and its files, which are read when somebody looks at one.

In an old form of marshal, which does not look for what it has written before: that takes longer than writing it again.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from envkit.model.listing import Columns, Files, columns_of

if TYPE_CHECKING:
    from envkit.index.simple_api import ParsedPage


class StoredFiles(Files):
    """The files of a stored page; they are read with the first look at one."""

    __slots__ = ("_count", "_data")

    def __init__(self, count: int, data: bytes) -> None:
        self._count = count
        self._data: bytes | None = data
        self._columns = None

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
    rows = marshal.dumps(columns_of(page.rows), 2)
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
        rows=StoredFiles(count, rows),
        rejected=rejected,
        tracks=tracks,
        alternates=alternates,
        versions=versions,
        status=status,
        status_reason=reason,
    )
