"""PubGrub: a conflict-driven solver that learns from each conflict, and proves what is impossible.

The state is one mask for each node: what it may still be (`Trail`). An *incompatibility* is a set of (node, mask) terms
that cannot all hold; when all but one hold, the last is ruled out. A conflict is traced back through what caused it until
the decision that is to blame (`learn`), which gives a new incompatibility and the level to go back to. The proof tree comes
for free.

Terms are masks with bit 0 for "absent", so "not P in S" is simply the complement of S, and every set operation is one
operation on integers.
"""

from __future__ import annotations

from collections.abc import Sequence

from envkit.errors import IndexAccessError
from envkit.resolve.agenda import Agenda
from envkit.resolve.dependencies import Unusable
from envkit.resolve.knowledge import Knowledge
from envkit.resolve.learning import learn
from envkit.resolve.node import ROOT, YES, Need, Node
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Bounds, Incompatibility, Solution
from envkit.resolve.trail import Trail
from envkit.resolve.versions import ABSENT

_AHEAD = 64
_PATIENCE = 3
"""How often the best candidate of a project may clash with one decision before the two take turns."""


class PubGrubSolver:
    """The conflict-driven solver. An instance keeps nothing between calls."""

    def solve(self, problem: Problem, bounds: Bounds) -> Solution:
        """Solve *problem*; see `Solver`."""
        return _Search(problem, bounds).run()


class _Search:
    def __init__(self, problem: Problem, bounds: Bounds) -> None:
        self.problem = problem
        self.bounds = bounds
        self.agenda = Agenda()
        self.trail = Trail(problem.nodes)
        self.masks = self.trail.masks
        self.decided = self.trail.decided
        self.knowledge = Knowledge(problem, self.trail, bounds)
        self.watch = self.knowledge.watch
        self.clashes: dict[int, int] = {}
        self.told: dict[int, int] = {}

    def run(self) -> Solution:
        self.bounds.best = {}  # of another solver, or of nodes that were forgotten
        self.knowledge.sync()
        self._assign(ROOT, YES, None)
        self.decided[ROOT] = 1
        for need in self.problem.root_needs():
            self.knowledge.sync()
            self.knowledge.depend(ROOT, YES, need)
        self._propagate(ROOT)
        while (node := self._pick()) is not None:
            self.bounds.round(self.problem, self.decided)
            self._decide(node)
        return {index: bit for index, bit in self.decided.items() if index != ROOT}

    # -- deciding

    def _pick(self) -> Node | None:
        while (index := self.agenda.next()) is not None:
            if index in self.decided or self.masks[index] & ABSENT:
                continue
            node = self.problem.nodes[index]
            if node.base >= 0 and node.base not in self.decided:
                self.agenda.open(index, self.masks[index])
                return self.problem.nodes[node.base]
            return node
        return None

    def _decide(self, node: Node) -> None:
        index = node.index
        bit = node.choose(self.masks[index])
        if node.base >= 0:
            clash = self._add_extra(node, self.decided[node.base])
        else:
            clash = self._add_needs(node, bit)
        if clash is None:
            self.trail.decide(index, bit)
            self._assign(index, 1 << bit, None)
            self.bounds.pinned(self.problem, node, bit, len(self.decided))
        else:
            self.agenda.open(index, self.masks[index])
            if node.base < 0:
                self._look_ahead(node, bit)
                self._take_turns(index, clash)
        self._propagate(index)

    def _add_needs(self, node: Node, bit: int) -> Incompatibility | None:
        """Take in what a project at *bit* needs, and give what of it cannot be, if anything."""
        needs = self.problem.needs(node, bit)
        self.knowledge.sync()
        if isinstance(needs, Unusable):
            return self.knowledge.exclude(node, bit, needs)
        clash: Incompatibility | None = None
        for need in needs:
            clash = self.knowledge.depend(node.index, 1 << bit, need) or clash
        for extra in tuple(node.extras.values()):
            if not self.masks[extra] & ABSENT:
                clash = self._add_extra(self.problem.nodes[extra], bit) or clash
        return clash

    def _add_extra(self, node: Node, bit: int) -> Incompatibility | None:
        needs = self.problem.extra_needs(node, bit)
        self.knowledge.sync()
        clash: Incompatibility | None = None
        for need in needs:
            clash = self.knowledge.depend(node.base, 1 << bit, need, extra=node.index) or clash
        return clash

    def _look_ahead(self, node: Node, bit: int) -> None:
        """Take in what the next candidates need as well: if they fail alike, they are ruled out all at once.

        How far grows with each clash, and does not depend on what is cached, so that the answer does not either.
        """
        index = node.index
        self.clashes[index] = self.clashes.get(index, 0) + 1
        told = self.told.get(index, 0)
        mask = node.beyond(self.trail.lasting(index), bit) & ~told
        bits = node.order(mask, min(1 << self.clashes[index], _AHEAD))
        if not self.bounds.patient:
            bits = [bit for bit in bits if self.problem.knows(node, bit)]
        self.problem.prefetch(node, bits)
        alike: dict[int, tuple[Sequence[Need], int]] = {}
        for other in bits:
            told |= 1 << other
            try:
                needs = self.problem.needs(node, other)
            except IndexAccessError:
                continue  # it may never be wanted; if it is, the error comes again then
            finally:
                self.knowledge.sync()
            if isinstance(needs, Unusable):
                self.knowledge.exclude(node, other, needs)
            else:
                # Versions with equal dependencies share one object.
                alike[id(needs)] = needs, alike.get(id(needs), (needs, 0))[1] | 1 << other
        self.told[index] = told
        for needs, mask in alike.values():
            for need in needs:
                self.knowledge.depend(index, mask, need)

    def _take_turns(self, index: int, clash: Incompatibility) -> None:
        """Undo the decision that keeps failing a project, once, so that the project is decided before it.

        Else the project would walk back through its versions, however old, for the sake of what was decided by chance
        before it; most often a slightly older version of the other lets it keep its newest.
        """
        if self.clashes[index] < _PATIENCE:
            return
        steps = [(self.trail.satisfier(node, mask).level, node) for node, mask in clash.terms if node != index]
        level = max(steps, default=(0, ROOT))[0]
        if not level:
            return
        other = next(node for node in self.decided if self._level(node) == level)
        if self.agenda.swap(index, other):
            self._back(level - 1)

    def _level(self, index: int) -> int:
        """Give the level at which a node was decided."""
        return self.trail.history[index][-1].level if index != ROOT else 0

    # -- propagating

    def _assign(self, index: int, mask: int, cause: Incompatibility | None) -> None:
        before = self.masks[index]
        self.trail.assign(index, mask, cause)
        if before & ABSENT and not mask & ABSENT:
            self.agenda.open(index, mask)

    def _propagate(self, start: int) -> None:
        masks = self.masks
        queue = [start]
        while queue:
            index = queue.pop()
            if not self.trail.level:
                self.knowledge.bury(index)
            for incompatibility in reversed(self.watch[index]):
                open_node = -1
                open_mask = 0
                for node, mask in incompatibility.terms:
                    have = masks[node]
                    if not have & ~mask:
                        continue
                    if open_node >= 0 or not have & mask:
                        break
                    open_node, open_mask = node, mask
                else:
                    if open_node >= 0:
                        self._assign(open_node, masks[open_node] & ~open_mask, incompatibility)
                        if open_node not in queue:
                            queue.append(open_node)
                        continue
                    queue = [self._learn(incompatibility)]
                    break

    def _learn(self, conflict: Incompatibility) -> int:
        """Go back before the decision that is to blame, rule out what was learned, and give the node that this is about."""
        for node, _ in conflict.terms:
            if node != ROOT:
                self.agenda.fought(node)
                self.bounds.conflict(self.problem.nodes[node])
        learned, level = learn(self.trail, self.problem.nodes, conflict)
        self._back(level)
        if learned is not conflict and level:
            self.knowledge.add(learned)  # what is assigned at level 0 is never undone
        for node, mask in learned.terms:
            if self.masks[node] & ~mask:
                self._assign(node, self.masks[node] & ~mask, learned)
                return node
        raise AssertionError("a learned incompatibility leaves one of its nodes open")

    def _back(self, level: int) -> None:
        if len(self.decided) > len(self.bounds.best):
            self.bounds.best = dict(self.decided)
        for index in self.trail.back(level):
            if not self.masks[index] & ABSENT and index not in self.decided:
                self.agenda.open(index, self.masks[index])
