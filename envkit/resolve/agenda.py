"""What is decided next: what fought most first, and what stood in others' way last."""

from __future__ import annotations

import heapq
from typing import TypeAlias

_Rank: TypeAlias = tuple[int, int, bool, int]


class Agenda:
    """Nodes that wait for a decision, by rank; a node that waits no longer is left in and passed over when it comes up.

    Of nodes with equal rank the one that was met first comes first, so that the order depends on nothing but the problem.
    """

    __slots__ = ("_fights", "_heap", "_swapped", "_turn")

    def __init__(self) -> None:
        self._heap: list[tuple[_Rank, bool]] = []
        self._fights: dict[int, int] = {}
        self._turn: dict[int, int] = {}
        self._swapped: set[tuple[int, int]] = set()

    def _rank(self, index: int, single: bool) -> _Rank:  # noqa: FBT001
        return (self._turn.get(index, 0), -self._fights.get(index, 0), not single, index)

    def open(self, index: int, mask: int) -> None:
        """Let a node wait that may still be *mask*; one with a single candidate left comes before others like it."""
        single = mask & (mask - 1) == 0
        heapq.heappush(self._heap, (self._rank(index, single), single))

    def next(self) -> int | None:
        """Give the node that comes first, or None."""
        while self._heap:
            rank, single = heapq.heappop(self._heap)
            index = rank[3]
            now = self._rank(index, single)
            if now[0] <= rank[0]:
                return index
            heapq.heappush(self._heap, (now, single))  # its turn was moved back meanwhile
        return None

    def fought(self, index: int) -> None:
        """Note that a node was part of a conflict."""
        self._fights[index] = self._fights.get(index, 0) + 1

    def swap(self, early: int, late: int) -> bool:
        """Let *early* be decided before *late* from now on; false where that was done before: once has to be enough."""
        if (early, late) in self._swapped:
            return False
        self._swapped.add((early, late))
        self._turn[early] = -1
        self._turn[late] = 1
        return True
