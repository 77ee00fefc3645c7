"""A page of the simple API as it was read: apart from the readers, which a page that is stored does not need."""

from __future__ import annotations

from collections.abc import Sequence

from envkit.dataclass import dataclass
from envkit.model.candidate import Reason, Rejection
from envkit.model.listing import Listing, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPage:
    """The files of one project, as plain tuples that can be stored; the texts of PEP 700, 708 and 792."""

    rows: Sequence[Row]
    rejected: tuple[tuple[str, Reason, str], ...] = ()
    tracks: tuple[str, ...] = ()
    alternates: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    status: str = "active"
    status_reason: str = ""

    def artifacts(self, index: str | None) -> Listing:
        """Give the files as values that are made when they are looked at."""
        return Listing((self.rows, index))

    def rejections(self) -> tuple[Rejection, ...]:
        """Give the files that were passed over, with reasons."""
        return tuple(Rejection(subject=name, reason=reason, detail=detail) for name, reason, detail in self.rejected)
