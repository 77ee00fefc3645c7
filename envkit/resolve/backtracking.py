"""The ``resolvelib`` solver: the library that pip uses, on the same problem.

Two of its checks look at every project in every round. Both are replaced here, in the one place that touches what
resolvelib keeps to itself (`_Resolution`); a test runs it against the oldest and newest version that is allowed.

Backjumping can skip the only solution there is, so its "impossible" is no proof: whoever calls asks PubGrub then.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import resolvelib
from resolvelib.resolvers import Resolution as LibraryResolution

from envkit.namedtuple import NamedTuple
from envkit.resolve.dependencies import Unusable
from envkit.resolve.node import Need, Node
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Bounds, Solution, Unsolvable
from envkit.resolve.versions import ABSENT


class _Ask(NamedTuple):
    """A requirement: *node* within *mask*. For an extra the mask is over the versions of its project."""

    node: int
    mask: int


class _Try(NamedTuple):
    """A candidate: *node* at *bit*; an extra is tried at a bit of its project."""

    node: int
    bit: int


class BacktrackingSolver:
    """The resolvelib solver. An instance keeps nothing between calls."""

    def solve(self, problem: Problem, bounds: Bounds) -> Solution:
        """Solve *problem*; see `Solver`. The `Unsolvable` that it raises has no proof."""
        provider = _Provider(problem, bounds)
        resolution = _Resolution(provider, _Reporter(problem, bounds))
        try:
            state = resolution.resolve(provider.asks(problem.root_needs()), max_rounds=bounds.max_rounds + 1)
        except resolvelib.ResolutionImpossible:
            raise Unsolvable(None) from None
        except resolvelib.ResolutionTooDeep:
            raise bounds.too_deep("no answer within the rounds", problem, {}) from None
        return {
            index: tried.bit if problem.nodes[index].base < 0 else 1 for index, tried in sorted(state.mapping.items())
        }


class _Provider(resolvelib.AbstractProvider[_Ask, _Try, int]):
    def __init__(self, problem: Problem, bounds: Bounds) -> None:
        self.problem = problem
        self.bounds = bounds
        self._known: dict[_Try, tuple[_Ask, ...]] = {}

    def identify(self, requirement_or_candidate: _Ask | _Try) -> int:
        return requirement_or_candidate[0]

    def asks(self, needs: Iterable[Need]) -> tuple[_Ask, ...]:
        """Give needs as requirements."""
        return tuple(_Ask(need.node, self._versions(need)) for need in needs)

    def _versions(self, need: Need) -> int:
        node = self.problem.nodes[need.node]
        return need.mask if node.base < 0 else self.problem.nodes[node.base].full & ~ABSENT

    def find_matches(
        self,
        identifier: int,
        requirements: Mapping[int, Iterator[_Ask]],
        incompatibilities: Mapping[int, Iterator[_Try]],
    ) -> Callable[[], Iterator[_Try]]:
        node = self.problem.nodes[identifier]
        base = node if node.base < 0 else self.problem.nodes[node.base]
        mask = base.full & base.allowed & ~ABSENT
        for ask in requirements[identifier]:
            mask &= ask.mask
        if node is not base and base.index in requirements:
            for ask in requirements[base.index]:
                mask &= ask.mask
        for tried in incompatibilities[identifier]:
            mask &= ~(1 << tried.bit)
        return functools.partial(self._tries, base, identifier, mask & base.eligible)

    def _tries(self, base: Node, identifier: int, mask: int) -> Iterator[_Try]:
        """Give the candidates of *mask* in the order of preference, made only as far as they are looked at."""
        while bit := base.choose(mask):
            mask &= ~(1 << bit)
            yield _Try(identifier, bit)

    def is_satisfied_by(self, requirement: _Ask, candidate: _Try) -> bool:
        return requirement.mask >> candidate.bit & 1 == 1

    def get_dependencies(self, candidate: _Try) -> Iterable[_Ask]:
        known = self._known.get(candidate)
        if known is None:
            known = self._known[candidate] = self._dependencies(candidate)
        return known

    def _dependencies(self, candidate: _Try) -> tuple[_Ask, ...]:
        node = self.problem.nodes[candidate.node]
        if node.base >= 0:
            needs = self.problem.extra_needs(node, candidate.bit)
            return (_Ask(node.base, 1 << candidate.bit), *self.asks(needs))
        needs_or_not = self.problem.needs(node, candidate.bit)
        if isinstance(needs_or_not, Unusable):
            self.bounds.skipped(self.problem, node, candidate.bit, needs_or_not.detail)
            return (_Ask(candidate.node, 0),)  # what cannot be met makes the library take the next candidate
        return self.asks(needs_or_not)

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[int],
        resolutions: Mapping[int, _Try],  # noqa: ARG002
        candidates: Mapping[int, Iterator[_Try]],  # noqa: ARG002
        information: Mapping[int, Iterator[Any]],  # noqa: ARG002
        backtrack_causes: Sequence[Any],
    ) -> Iterable[int]:
        """Choose in one pass: what just conflicted, then what conflicted most, then what was met first."""
        causes = {cause.requirement.node for cause in backtrack_causes}
        causes.update(cause.parent.node for cause in backtrack_causes if cause.parent is not None)
        fights, nodes = self.bounds.conflicts, self.problem.nodes
        return [min(identifiers, key=lambda index: (index not in causes, -fights[nodes[index].name], index))]

    def get_preference(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        identifier: int,
        resolutions: Mapping[int, _Try],  # noqa: ARG002
        candidates: Mapping[int, Iterator[_Try]],  # noqa: ARG002
        information: Mapping[int, Iterator[Any]],  # noqa: ARG002
        backtrack_causes: Sequence[Any],  # noqa: ARG002
    ) -> Any:
        return identifier


class _Resolution(LibraryResolution[_Ask, _Try, int]):
    """The library's loop, with the check "does the pin still fit" answered from one mask for each criterion."""

    _masks: dict[int, tuple[Any, int]]

    def _is_current_pin_satisfying(self, name: int, criterion: Any) -> bool:
        pin = self.state.mapping.get(name)
        if pin is None:
            return False
        try:
            masks = self._masks
        except AttributeError:
            masks = self._masks = {}
        known = masks.get(id(criterion))
        if known is None:
            mask = -1
            for ask in criterion.iter_requirement():
                mask &= ask.mask
            # The criterion is kept, so that its id cannot come back for another one.
            known = masks[id(criterion)] = (criterion, mask)
        pinned: _Try = pin
        return bool(known[1] >> pinned.bit & 1)


class _Reporter(resolvelib.BaseReporter[_Ask, _Try, int]):
    def __init__(self, problem: Problem, bounds: Bounds) -> None:
        self.problem = problem
        self.bounds = bounds
        self.pins: dict[int, int] = {}

    def starting_round(self, index: int) -> None:  # noqa: ARG002
        self.bounds.round(self.problem, self.pins)

    def ending_round(self, index: int, state: Any) -> None:  # noqa: ARG002
        if self.bounds.rounds & 63 == 0:
            self.pins = {index: tried.bit for index, tried in state.mapping.items()}

    def pinning(self, candidate: _Try) -> None:
        node = self.problem.nodes[candidate.node]
        self.bounds.pinned(self.problem, node, candidate.bit, self.bounds.rounds)

    def rejecting_candidate(self, criterion: Any, candidate: _Try) -> None:
        self.bounds.conflict(self.problem.nodes[candidate.node])
        ask: _Ask = criterion.information[-1].requirement
        self.bounds.conflict(self.problem.nodes[ask.node])
