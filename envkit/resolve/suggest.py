"""Suggestions that were tried: the smallest changes to what is asked for that do resolve."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from envkit.dataclass import dataclass, replace
from envkit.errors import EnvkitError, IndexAccessError
from envkit.events import Emitter
from envkit.model.identity import normalize
from envkit.model.policy import ResolutionPolicy
from envkit.model.target import Target
from envkit.model.values import Value
from envkit.resolve.catalog import Allowance
from envkit.resolve.inputs import Inputs
from envkit.resolve.node import ROOT
from envkit.resolve.passed_over import PassedOver, other_pythons
from envkit.resolve.problem import Problem, Restart, in_order
from envkit.resolve.proof import facts_of
from envkit.resolve.pubgrub import PubGrubSolver
from envkit.resolve.rules import Rules
from envkit.resolve.solver import Bounds, Fact, Incompatibility, Unsolvable

BUDGET = 3.0
"""Seconds for all suggestions of one error: as long as the answer took, but no more than these"""
LEAST = 1.5
"""and no less than these: a busy machine has to find them too, and nobody wants to wait twice for an index."""
ROUNDS = 20_000
READS = 40
"""How often metadata may be read for all suggestions of one error: most trials need a few new versions each."""
FAILURE = 10
"""How many of them an index that fails takes away: waiting for it costs more than reading."""
ENOUGH = 4
PYTHONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion(Value):
    """A change that resolves: *kind* is "relax", "drop", "constraint", "override", "policy" or "python"; "both" for two.

    *versions* are those of what was asked for in the resolution that was found; one that reads more may find newer ones.
    """

    kind: str
    change: str
    subject: str
    versions: tuple[tuple[str, str], ...] = ()


_Rule = TypeVar("_Rule")
_Change: TypeAlias = tuple[Suggestion, Inputs, Rules]
_Left: TypeAlias = tuple[Suggestion, Problem, Incompatibility]
_Stuck: TypeAlias = tuple[Problem, Incompatibility]
"""A trial that did not resolve, and why."""


def suggest(
    problem: Problem, facts: Sequence[tuple[int, Fact]], overs: Sequence[PassedOver], bounds: Bounds
) -> tuple[Suggestion, ...]:
    """Try changes to what the proof rests on, one at a time, the mildest first, until the time is up.

    Where none of them is enough, and what is left is another conflict, try a second change to what that one rests on.
    """
    until = time_for_advice(bounds)
    problem.catalog.scout = None  # it would walk for what was asked, and that is known to be impossible
    problem.catalog.allowance = allowance = Allowance(READS)
    wanted = frozenset(row.name for row in problem.inputs.roots)
    trials = _Trials(wanted, until, bounds, allowance)
    found, left = trials.run(problem, _changes(problem, facts, overs))
    if not found:
        for first, trial, proof in left[:ENOUGH]:
            more, _ = trials.run(trial, _changes(trial, facts_of(proof), ()), first)
            found += more
    return tuple(found[:ENOUGH])


class _Trials:
    """Trials of changes within the bounds of one error."""

    def __init__(self, wanted: frozenset[str], until: float, bounds: Bounds, allowance: Allowance) -> None:
        self._wanted = wanted
        self._until = until
        self._bounds = bounds
        self._allowance = allowance
        self._tried: set[frozenset[str]] = set()

    def run(
        self, problem: Problem, changes: Iterable[_Change], first: Suggestion | None = None
    ) -> tuple[list[Suggestion], list[_Left]]:
        """Give the changes that resolve *problem*, behind *first* where given, and what is left of the others."""
        found: list[Suggestion] = []
        left: list[_Left] = []
        helped: set[str] = {first.subject} if first is not None else set()
        for suggestion, inputs, rules in changes:
            if len(found) >= ENOUGH or time.monotonic() > self._until or suggestion.subject in helped:
                continue
            self._bounds.emitter.check()
            both = _joined(first, suggestion)
            pair = frozenset((suggestion.change, first.change if first is not None else ""))
            if pair in self._tried:
                continue  # the other way round
            self._tried.add(pair)
            outcome = _try(problem, inputs, rules, self._until, self._bounds, self._allowance)
            if isinstance(outcome, tuple):
                left.append((both, *outcome))
            elif outcome is not None:
                helped.add(suggestion.subject)
                versions = tuple(sorted(one for one in outcome if one[0] in self._wanted))
                found.append(replace(both, versions=versions))
        return found, left


def _joined(first: Suggestion | None, second: Suggestion) -> Suggestion:
    if first is None:
        return second
    subject = f"{first.subject} and {second.subject}"
    return Suggestion(kind="both", change=f"{first.change} and {second.change}", subject=subject)


def time_for_advice(bounds: Bounds) -> float:
    """Give the moment at which advice on what *bounds* bounded has to end."""
    now = time.monotonic()
    return min(now + min(BUDGET, max(LEAST, now - bounds.began)), bounds.deadline)


def _changes(problem: Problem, facts: Sequence[tuple[int, Fact]], overs: Sequence[PassedOver]) -> Iterator[_Change]:
    inputs, rules = problem.inputs, problem.catalog.rules
    blamed = {fact.text for _, fact in facts if fact.node == ROOT}
    named = {problem.nodes[fact.node].name for _, fact in facts}
    roots = sorted({row for row in inputs.roots if row.text in blamed}, key=in_order)
    for row in roots:
        if row.specifier and row.url is None:
            free = row._replace(specifier="")
            changed = inputs._replace(roots=tuple(free if one == row else one for one in inputs.roots))
            yield Suggestion(kind="relax", change=f"relax {row.text}", subject=row.text), changed, rules
    for row in sorted({row for row in inputs.constraints if row.name in named}, key=in_order):
        changed = inputs._replace(constraints=tuple(one for one in inputs.constraints if one != row))
        yield Suggestion(kind="constraint", change=f"drop the constraint {row.text}", subject=row.text), changed, rules
    named |= {problem.nodes[fact.need].name for _, fact in facts if fact.need >= 0}
    for name in sorted(named & inputs.overrides.keys()):
        changed = inputs._replace(overrides={key: rows for key, rows in inputs.overrides.items() if key != name})
        texts = ", ".join(row.text for row in inputs.overrides[name])
        change = f"drop the override {texts}" if texts else f"drop the override of {name}"
        yield Suggestion(kind="override", change=change, subject=name), changed, rules
    yield from _policies(problem, named)
    for minor in other_pythons(problem, overs)[:PYTHONS]:
        python = rules._replace(target=with_python(rules.target, minor))
        yield Suggestion(kind="python", change=f"take Python 3.{minor}", subject="python"), inputs, python
    for row in roots:
        if len(inputs.roots) > 1:
            changed = inputs._replace(roots=tuple(one for one in inputs.roots if one != row))
            yield Suggestion(kind="drop", change=f"drop {row.text}", subject=row.text), changed, rules


def _policies(problem: Problem, named: Iterable[str]) -> Iterator[_Change]:
    """Lift what the policy forbids: for all projects, and for those that it is said of alone."""
    policy = problem.catalog.rules.policy
    if policy.prereleases == "disallow":
        yield _lifted(problem, "prereleases", replace(policy, prereleases="if-necessary"))
    if policy.exclude_newer is not None:
        yield _lifted(problem, "exclude_newer", replace(policy, exclude_newer=None))
    for name in sorted(named):
        if name in {normalize(key) for key, mode in policy.prereleases_by_project.items() if mode == "disallow"}:
            modes = _without(policy.prereleases_by_project, name)
            allowed = replace(policy, prereleases_by_project={**modes, name: "if-necessary"})
            yield _lifted(problem, "prereleases", allowed, name)
        if name in {normalize(key) for key, value in policy.exclude_newer_by_project.items() if value is not None}:
            times = _without(policy.exclude_newer_by_project, name)
            yield _lifted(
                problem, "exclude_newer", replace(policy, exclude_newer_by_project={**times, name: None}), name
            )


def _lifted(problem: Problem, option: str, policy: ResolutionPolicy, name: str = "") -> _Change:
    change = ("allow pre-releases" if option == "prereleases" else "drop exclude_newer") + (
        f" of {name}" if name else ""
    )
    suggestion = Suggestion(kind="policy", change=change, subject=f"{option} of {name}" if name else option)
    return suggestion, problem.inputs, problem.catalog.rules._replace(policy=policy)


def _without(given: Mapping[str, _Rule], name: str) -> dict[str, _Rule]:
    return {key: value for key, value in given.items() if normalize(key) != name}


def with_python(target: Target, minor: int) -> Target:
    """Give the machine of *target* with CPython 3.*minor* instead of its Python, as far as tags can tell."""
    old = "".join(target.python.split(".")[:2])
    tags = [tag.replace(f"cp{old}", f"cp3{minor}").replace(f"py{old}", f"py3{minor}") for tag in target.tags]
    newer = tuple(f"{kind}3{later}-" for later in range(minor + 1, 40) for kind in ("cp", "py"))
    full = f"3.{minor}.0"
    markers = {**target.markers, "python_version": f"3.{minor}", "python_full_version": full}
    if target.markers.get("implementation_name") == "cpython":
        markers["implementation_version"] = full
    kept = dict.fromkeys(tag for tag in tags if not tag.startswith(newer))
    return Target(python=full, markers=markers, tags=tuple(kept))


def _try(
    problem: Problem, inputs: Inputs, rules: Rules, until: float, bounds: Bounds, allowance: Allowance
) -> list[tuple[str, str]] | _Stuck | None:
    """Give the versions of all projects that come of a change; why none do, where that is known."""
    catalog = problem.catalog
    if rules is not catalog.rules:
        catalog = catalog.under(rules)
    trial = Problem(catalog, inputs)
    try:
        # Nobody watches a trial, but cancelling ends it too.
        limits = Bounds(Emitter(cancel=bounds.emitter.cancel, kind="suggest"), until, ROUNDS, patient=False)
        for _ in range(8):
            try:
                solution = PubGrubSolver().solve(trial, limits)
            except Restart:
                trial.reset()
                continue
            return [
                (trial.nodes[index].name, trial.version(trial.nodes[index], bit))
                for index, bit in solution.items()
                if trial.nodes[index].base < 0
            ]
    except Unsolvable as error:
        return (trial, error.proof) if error.proof is not None else None
    except EnvkitError as error:
        bounds.emitter.check()
        if isinstance(error, IndexAccessError):
            allowance.reads -= FAILURE  # the next trial may wait for the same one
    finally:
        if catalog is not problem.catalog:
            catalog.save()  # or every page would be judged anew by the changed rules the next time
    return None
