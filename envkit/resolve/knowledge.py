"""What cannot be together, as far as a search knows: incompatibilities, each watched by the nodes that it is about.

Facts come in when a candidate is looked at: what it needs, or that it cannot be used. What different versions need alike is
merged into one incompatibility about all of them, so that they are ruled out together.
"""

from __future__ import annotations

from envkit.resolve.dependencies import Unusable
from envkit.resolve.node import YES, Need, Node
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Bounds, Fact, Incompatibility
from envkit.resolve.trail import Trail
from envkit.resolve.versions import ABSENT

_FEW = 32


class Knowledge:
    """The incompatibilities of one search; ``watch[index]`` are those that a node is part of, some of them dead."""

    __slots__ = ("_bounds", "_limits", "_merged", "_problem", "_trail", "watch")

    def __init__(self, problem: Problem, trail: Trail, bounds: Bounds) -> None:
        self._problem = problem
        self._trail = trail
        self._bounds = bounds
        self._limits: list[int] = []
        self._merged: dict[tuple[int, int, int, int], Incompatibility] = {}
        self.watch: list[list[Incompatibility]] = []

    def sync(self) -> None:
        """Take in the nodes that the problem has made meanwhile, with what is fixed about each."""
        nodes = self._problem.nodes
        while len(self.watch) < len(nodes):
            node = nodes[len(self.watch)]
            self._trail.extend(node)
            self.watch.append([])
            self._limits.append(_FEW)
            off = node.full & ~ABSENT & ~node.eligible
            if off:
                self.add(Incompatibility(((node.index, off),), Fact("conditional", node.index)))
            barred = node.full & ~node.allowed
            if barred:
                self.add(Incompatibility(((node.index, barred),), Fact("constraint", node.index)))

    def add(self, incompatibility: Incompatibility) -> None:
        """Let its nodes watch an incompatibility."""
        for node, _ in incompatibility.terms:
            watch = self.watch[node]
            if len(watch) >= self._limits[node]:
                watch[:] = [one for one in watch if not one.dead]
                self._limits[node] = 2 * len(watch) + _FEW
            watch.append(incompatibility)

    def depend(self, index: int, bits: int, need: Need, extra: int = -1) -> Incompatibility | None:
        """Note that *index* at *bits* (with *extra*) needs *need*; give that where it cannot be while it is chosen."""
        on, allowed, _ = need
        key = (index, extra, on, allowed)
        known = self._merged.get(key)
        if known is not None and not known.dead:
            first = known.terms[0][1]
            if first | bits != first:
                known.terms = ((index, first | bits), *known.terms[1:])
        else:
            known = self._dependency(index, bits, need, extra)
            if known is None:
                return None
            if on != index:
                self._merged[key] = known
            self.add(known)
        masks = self._trail.masks
        for node, mask in known.terms[1:]:
            if masks[node] & ~mask:
                return None
        return known

    def _dependency(self, index: int, bits: int, need: Need, extra: int) -> Incompatibility | None:
        full = self._problem.nodes[need.node].full
        barred = full & ~need.mask
        if need.node == index:
            if not bits & barred:
                return None
            terms: tuple[tuple[int, int], ...] = ((index, bits & barred),)
        elif need.node == extra:
            return None
        else:
            terms = ((index, bits),) if barred == full else ((index, bits), (need.node, barred))
        if extra >= 0:
            terms = (*terms, (extra, YES))
        return Incompatibility(terms, need)

    def exclude(self, node: Node, bit: int, why: Unusable) -> Incompatibility:
        """Note that the candidate at *bit* cannot be used."""
        self._bounds.skipped(self._problem, node, bit, why.detail)
        fact = Fact("unusable", node.index, f"{why.reason}: {why.detail}")
        found = Incompatibility(((node.index, 1 << bit),), fact)
        self.add(found)
        return found

    def bury(self, index: int) -> None:
        """Stop watching what can never hold again: a term that is contradicted at level 0 stays so."""
        masks = self._trail.masks
        alive: list[Incompatibility] = []
        for incompatibility in self.watch[index]:
            if not incompatibility.dead:
                for node, mask in incompatibility.terms:
                    if not masks[node] & mask:
                        incompatibility.dead = True
                        break
                else:
                    alive.append(incompatibility)
        self.watch[index] = alive
