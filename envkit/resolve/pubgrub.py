"""PubGrub: a conflict-driven solver that learns from each conflict, and proves what is impossible.

The state is one mask for each node: what it may still be. An *incompatibility* is a set of (node, mask) terms that cannot
all hold; when all but one hold, the last is ruled out. A conflict is traced back through what caused it until the decision
that is to blame, which gives a new incompatibility and the level to go back to. The proof tree comes for free.

Terms are masks with bit 0 for "absent", so "not P in S" is simply the complement of S, and every set operation is one
operation on integers.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from envkit.errors import IndexAccessError
from envkit.resolve.dependencies import Unusable
from envkit.resolve.node import ROOT, YES, Need, Node
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Bounds, Fact, Incompatibility, Solution, Unsolvable
from envkit.resolve.versions import ABSENT

_AHEAD = 64


class _Step(NamedTuple):
    """One change of a node's mask to *after*, at a *position* of the trail and a *level*; a decision has no *cause*."""

    after: int
    position: int
    level: int
    cause: Incompatibility | None


class PubGrubSolver:
    """The conflict-driven solver. An instance keeps nothing between calls."""

    def solve(self, problem: Problem, bounds: Bounds) -> Solution:
        """Solve *problem*; see `Solver`."""
        return _Search(problem, bounds).run()


class _Search:
    def __init__(self, problem: Problem, bounds: Bounds) -> None:
        self.problem = problem
        self.bounds = bounds
        self.masks: list[int] = []
        self.history: list[list[_Step]] = []
        self.watch: list[list[Incompatibility]] = []
        self.limits: list[int] = []
        self.trail: list[int] = []
        self.decided: dict[int, int] = {}
        self.level = 0
        self.merged: dict[tuple[int, int, int, int], Incompatibility] = {}
        self.heap: list[tuple[int, int, int]] = []
        self.fights: dict[int, int] = {}
        self.clashes: dict[int, int] = {}
        self.told: dict[int, int] = {}

    def run(self) -> Solution:
        self._sync()
        self._assign(ROOT, YES, None)
        self.decided[ROOT] = 1
        for need in self.problem.root_needs():
            self._sync()
            self._depend(ROOT, YES, need)
        self._propagate(ROOT)
        while (node := self._pick()) is not None:
            self.bounds.round(self.problem, self.decided)
            self._decide(node)
        return {index: bit for index, bit in self.decided.items() if index != ROOT}

    # -- deciding

    def _pick(self) -> Node | None:
        """Take the open node that fought most, then the one that was met first."""
        while self.heap:
            _, _, index = heapq.heappop(self.heap)
            if index in self.decided or self.masks[index] & ABSENT:
                continue
            node = self.problem.nodes[index]
            if node.base >= 0 and node.base not in self.decided:
                self._open(index)
                return self.problem.nodes[node.base]
            return node
        return None

    def _open(self, index: int) -> None:
        mask = self.masks[index]
        single = mask & (mask - 1) == 0
        heapq.heappush(self.heap, (-self.fights.get(index, 0), not single, index))

    def _decide(self, node: Node) -> None:
        index = node.index
        bit = node.choose(self.masks[index])
        clash = False
        if node.base >= 0:
            at = self.decided[node.base]
            clash = self._add_extra(node, at)
        else:
            needs = self.problem.needs(node, bit)
            self._sync()
            if isinstance(needs, Unusable):
                self._exclude(node, bit, needs)
                clash = True
            else:
                for need in needs:
                    clash |= self._depend(index, 1 << bit, need)
                for extra in tuple(node.extras.values()):
                    if not self.masks[extra] & ABSENT:
                        clash |= self._add_extra(self.problem.nodes[extra], bit)
        if clash:
            self._open(index)
            if node.base < 0:
                self._look_ahead(node, bit)
        else:
            self.level += 1
            self.decided[index] = bit
            self._assign(index, 1 << bit, None)
            self.bounds.pinned(self.problem, node, bit, len(self.decided))
        self._propagate(index)

    def _look_ahead(self, node: Node, bit: int) -> None:
        """Take in what the next candidates need as well: if they fail alike, they are ruled out all at once.

        How far grows with each clash, and does not depend on what is cached, so that the answer does not either.
        """
        index = node.index
        ahead = self.clashes[index] = min(2 * self.clashes.get(index, 1), _AHEAD)
        lasting = [step.after for step in self.history[index] if step.level == 0]
        mask = node.beyond(lasting[-1] if lasting else node.full, bit)
        bits = node.order(mask & ~self.told.get(index, 0), ahead)
        self.problem.prefetch(node, bits)
        alike: dict[int, tuple[Sequence[Need], int]] = {}
        for other in bits:
            self.told[index] = self.told.get(index, 0) | 1 << other
            try:
                needs = self.problem.needs(node, other)
            except IndexAccessError:
                continue  # it may never be wanted; if it is, the error comes again then
            finally:
                self._sync()
            if isinstance(needs, Unusable):
                self._exclude(node, other, needs)
            else:
                # Versions with equal dependencies share one object.
                alike[id(needs)] = needs, alike.get(id(needs), (needs, 0))[1] | 1 << other
        for needs, mask in alike.values():
            for need in needs:
                self._depend(index, mask, need)

    def _exclude(self, node: Node, bit: int, why: Unusable) -> None:
        self.bounds.skipped(self.problem, node, bit, why.detail)
        fact = Fact("unusable", node.index, f"{why.reason}: {why.detail}")
        self._add(Incompatibility(((node.index, 1 << bit),), fact))

    def _add_extra(self, node: Node, bit: int) -> bool:
        needs = self.problem.extra_needs(node, bit)
        self._sync()
        clash = False
        for need in needs:
            clash |= self._depend(node.base, 1 << bit, need, extra=node.index)
        return clash

    def _depend(self, index: int, bits: int, need: Need, extra: int = -1) -> bool:
        """Note that *index* at *bits* (with *extra*) needs *need*; true where that cannot be while it is chosen."""
        on, allowed, _ = need
        key = (index, extra, on, allowed)
        known = self.merged.get(key)
        if known is not None and not known.dead:
            first = known.terms[0][1]
            if first | bits != first:
                known.terms = ((index, first | bits), *known.terms[1:])
        else:
            known = self._dependency(index, bits, need, extra)
            if known is None:
                return False
            if on != index:
                self.merged[key] = known
            self._add(known)
        masks = self.masks
        clash = True  # plain bits: a generator would cost more than the loop
        for node, mask in known.terms[1:]:
            if masks[node] & ~mask:
                clash = False
        return clash

    def _dependency(self, index: int, bits: int, need: Need, extra: int) -> Incompatibility | None:
        full = self.problem.nodes[need.node].full
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
        return Incompatibility(terms, Fact("dependency", index, need.text, need.node))

    # -- knowing

    def _sync(self) -> None:
        """Take in the nodes that the problem has made meanwhile, with what is fixed about each."""
        nodes = self.problem.nodes
        while len(self.masks) < len(nodes):
            node = nodes[len(self.masks)]
            self.masks.append(node.full)
            self.history.append([])
            self.watch.append([])
            self.limits.append(32)
            off = node.full & ~ABSENT & ~node.eligible
            if off:
                self._add(Incompatibility(((node.index, off),), Fact("conditional", node.index)))
            barred = node.full & ~node.allowed
            if barred:
                self._add(Incompatibility(((node.index, barred),), Fact("constraint", node.index)))

    def _add(self, incompatibility: Incompatibility) -> None:
        for node, _ in incompatibility.terms:
            watch = self.watch[node]
            if len(watch) >= self.limits[node]:
                watch[:] = [one for one in watch if not one.dead]
                self.limits[node] = 2 * len(watch) + 32
            watch.append(incompatibility)

    def _assign(self, index: int, mask: int, cause: Incompatibility | None) -> None:
        before = self.masks[index]
        self.masks[index] = mask
        self.history[index].append(_Step(mask, len(self.trail), self.level, cause))
        self.trail.append(index)
        if before & ABSENT and not mask & ABSENT:
            self._open(index)

    def _propagate(self, start: int) -> None:
        masks = self.masks
        queue = [start]
        while queue:
            index = queue.pop()
            if not self.level:
                self._bury(index)
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
                    learned = self._learn(incompatibility)
                    # After going back all its terms hold but one.
                    for node, mask in learned.terms:
                        if masks[node] & ~mask:
                            self._assign(node, masks[node] & ~mask, learned)
                            queue = [node]
                            break
                    break

    def _bury(self, index: int) -> None:
        """Stop watching what can never hold again: a term that is contradicted at level 0 stays so."""
        masks = self.masks
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

    # -- learning

    def _learn(self, incompatibility: Incompatibility) -> Incompatibility:
        """Trace a conflict back to a decision, go back before it, and give what was learned."""
        fresh = False
        self._count(incompatibility)
        while True:
            node, step, level = self._blame(incompatibility)
            if node == ROOT or not incompatibility.terms:
                raise Unsolvable(incompatibility)
            if step.cause is None or level < step.level:
                self._back(level)
                if fresh and level:
                    self._add(incompatibility)  # what is assigned at level 0 is never undone
                return incompatibility
            incompatibility = self._resolvent(incompatibility, step.cause, node)
            fresh = True

    def _blame(self, incompatibility: Incompatibility) -> tuple[int, _Step, int]:
        """Find the step that made the last term hold, and the level at which all else held already."""
        blamed = ROOT
        blamed_mask = 0
        best: _Step | None = None
        level = 0
        for node, mask in incompatibility.terms:
            step = self._satisfier(node, mask)
            if best is None or step.position > best.position:
                if best is not None and best.level > level:
                    level = best.level
                blamed, blamed_mask, best = node, mask, step
            elif step.level > level:
                level = step.level
        if best is None:
            raise Unsolvable(incompatibility)
        if best.cause is not None:
            # The step may have needed what was known of the same node before.
            ruled_out = dict(best.cause.terms)[blamed]
            without = blamed_mask | ruled_out
            full = self.problem.nodes[blamed].full
            if full & ~without:
                level = max(level, self._satisfier(blamed, without).level)
        return blamed, best, level

    def _satisfier(self, node: int, mask: int) -> _Step:
        steps = self.history[node]
        low, high = 0, len(steps) - 1
        while low < high:
            middle = (low + high) // 2
            if steps[middle].after & ~mask:
                low = middle + 1
            else:
                high = middle
        return steps[low]

    def _resolvent(self, one: Incompatibility, other: Incompatibility, on: int) -> Incompatibility:
        """Combine two on a node: there they are joined, elsewhere both have to hold."""
        terms = dict(one.terms)
        for node, mask in other.terms:
            have = terms.get(node)
            if have is None:
                terms[node] = mask
            elif node == on:
                terms[node] = have | mask
            else:
                terms[node] = have & mask
        if terms[on] == self.problem.nodes[on].full:
            del terms[on]
        return Incompatibility(tuple(terms.items()), (one, other))

    def _count(self, incompatibility: Incompatibility) -> None:
        for node, _ in incompatibility.terms:
            if node != ROOT:
                self.fights[node] = self.fights.get(node, 0) + 1
                self.bounds.conflict(self.problem.nodes[node])

    def _back(self, level: int) -> None:
        """Undo everything above *level*."""
        history, masks, trail = self.history, self.masks, self.trail
        undone: set[int] = set()
        while trail:
            index = trail[-1]
            step = history[index][-1]
            if step.level <= level:
                break
            trail.pop()
            history[index].pop()
            if step.cause is None:
                del self.decided[index]
            masks[index] = history[index][-1].after if history[index] else self.problem.nodes[index].full
            undone.add(index)
        self.level = level
        for index in sorted(undone):
            if not masks[index] & ABSENT and index not in self.decided:
                self._open(index)
