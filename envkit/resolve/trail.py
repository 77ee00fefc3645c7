"""What a conflict-driven search knows at each moment: one mask for each node, and every step by which it came to be.

Steps are kept in the order in which they were taken, so that going back to a level is exact, and finding the step that
made something true is a bisection.
"""

from __future__ import annotations

from collections.abc import Sequence

from envkit.namedtuple import NamedTuple
from envkit.resolve.node import Node
from envkit.resolve.solver import Incompatibility


class Step(NamedTuple):
    """One change of a node's mask to *after*, at a *position* of the trail and a *level*; a decision has no *cause*."""

    after: int
    position: int
    level: int
    cause: Incompatibility | None


class Trail:
    """The masks of all nodes with their history; ``decided`` maps a node to its chosen bit."""

    __slots__ = ("_nodes", "_order", "decided", "history", "level", "masks")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._order: list[int] = []
        self.masks: list[int] = []
        self.history: list[list[Step]] = []
        self.decided: dict[int, int] = {}
        self.level = 0

    def extend(self, node: Node) -> None:
        """Take in the next node."""
        self.masks.append(node.full)
        self.history.append([])

    def assign(self, index: int, mask: int, cause: Incompatibility | None) -> None:
        """Narrow a node to *mask*."""
        self.masks[index] = mask
        self.history[index].append(Step(mask, len(self._order), self.level, cause))
        self._order.append(index)

    def decide(self, index: int, bit: int) -> None:
        """Choose a candidate, on a level of its own."""
        self.level += 1
        self.decided[index] = bit

    def back(self, level: int) -> list[int]:
        """Undo everything above *level* and give the nodes that it was about, in order."""
        history, masks, order = self.history, self.masks, self._order
        undone: set[int] = set()
        while order:
            index = order[-1]
            steps = history[index]
            step = steps[-1]
            if step.level <= level:
                break
            order.pop()
            steps.pop()
            if step.cause is None:
                del self.decided[index]
            masks[index] = steps[-1].after if steps else self._nodes[index].full
            undone.add(index)
        self.level = level
        return sorted(undone)

    def satisfier(self, index: int, mask: int) -> Step:
        """Find the step from which on a node, whose mask is within *mask* by now, was within it."""
        steps = self.history[index]
        low, high = 0, len(steps) - 1
        while low < high:
            middle = (low + high) // 2
            if steps[middle].after & ~mask:
                low = middle + 1
            else:
                high = middle
        return steps[low]

    def lasting(self, index: int) -> int:
        """Give what a node may be whatever is decided: its mask at level 0."""
        mask = self._nodes[index].full
        for step in self.history[index]:
            if step.level:
                break
            mask = step.after
        return mask
