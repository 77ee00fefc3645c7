"""One thing that a solver decides: what is known of it, and which of its candidates are wanted most.

A node is the root, a project, or an extra of a project. A project's bits are those of its `VersionLine`, followed by one
for each direct reference to it; an extra has one bit, "asked for", and no version of its own, so that a project is decided
once however many extras are wanted. Bit 0 always means "not in the solution".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from envkit.namedtuple import NamedTuple
from envkit.resolve.versions import ABSENT

if TYPE_CHECKING:
    from envkit.resolve.digest import Releases
    from envkit.resolve.ports import DirectRequest

ROOT = 0
YES = 2


class Need(NamedTuple):
    """*node* must be within *mask*, because of *text*."""

    node: int
    mask: int
    text: str


class Node:
    """One thing to decide. All integers are masks; *index* is also the order in which nodes were met.

    *eligible* candidates may be chosen at all, *usual* ones without anybody asking for exactly them; of those *stable* ones
    are wanted before the rest, and *preferred* ones before all; *later* ones only where nothing else is stable or preferred.
    *allowed* is what the constraints leave.
    """

    __slots__ = (
        "allowed", "base", "direct", "eligible", "extra", "extras", "full", "index", "later", "lowest", "name", "preferred",
        "releases", "stable", "usual",
    )  # fmt: skip

    def __init__(self, index: int, name: str, extra: str | None = None, base: int = -1) -> None:
        self.index = index
        self.name = name
        self.extra = extra
        self.base = base
        self.full = ABSENT | YES
        self.eligible = YES
        self.stable = YES
        self.usual = YES
        self.preferred = 0
        self.later = 0
        self.lowest = False
        self.releases: Releases | None = None
        self.direct: Sequence[DirectRequest] = ()
        self.extras: dict[str, int] = {}
        self.allowed = -1

    @property
    def label(self) -> str:
        """The name, with the extra in brackets."""
        return f"{self.name}[{self.extra}]" if self.extra is not None else self.name

    @property
    def conditional(self) -> int:
        """The candidates of a project that count only where exactly they are asked for."""
        assert self.releases is not None
        return self.releases.yanked | (self.full & ~self.releases.line.full)

    def request(self, bit: int) -> DirectRequest | None:
        """Give the direct request behind *bit*, or None for a version of an index."""
        if not self.direct:
            return None
        assert self.releases is not None
        at = bit - 1 - len(self.releases.line.texts)
        return self.direct[at] if at >= 0 else None

    def choose(self, mask: int) -> int:
        """Give the position of the most wanted bit among *mask*, or 0 where no candidate counts."""
        mask &= self.eligible
        if mask & ~self.later & (self.stable | self.preferred):
            mask &= ~self.later
        wanted = mask & self.preferred or mask & self.stable or mask & self.usual or mask
        if not wanted:
            return 0
        return self._lowest(wanted) if self.lowest else wanted.bit_length() - 1

    def _lowest(self, wanted: int) -> int:
        bit = (wanted & -wanted).bit_length() - 1
        if self.releases is None or not self.releases.line.has_local or bit > len(self.releases.line.texts):
            return bit
        # A local version lies below its public twin, which is preferred also from below.
        texts = self.releases.line.texts
        public = texts[bit - 1].partition("+")[0]
        for at in range(bit, len(texts)):
            if texts[at].partition("+")[0] != public:
                break
            if texts[at] == public and wanted >> (at + 1) & 1:
                return at + 1
        return bit

    def order(self, mask: int, limit: int) -> list[int]:
        """Give the positions of *mask* that count, the most wanted first, at most *limit*."""
        found: list[int] = []
        while len(found) < limit and (bit := self.choose(mask)):
            found.append(bit)
            mask &= ~(1 << bit)
        return found

    def beyond(self, mask: int, bit: int) -> int:
        """Give the part of *mask* that lies beyond *bit* in the direction in which versions are tried."""
        return mask & -(2 << bit) if self.lowest else mask & ((1 << bit) - 1)
