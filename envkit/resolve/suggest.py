"""Suggestions that were tried: the smallest changes to what is asked for that do resolve."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from envkit.errors import EnvkitError
from envkit.events import Emitter
from envkit.model.policy import ResolutionPolicy
from envkit.model.values import Value
from envkit.resolve.catalog import Catalog
from envkit.resolve.inputs import Inputs
from envkit.resolve.node import ROOT
from envkit.resolve.problem import Problem, Restart
from envkit.resolve.pubgrub import PubGrubSolver
from envkit.resolve.solver import Bounds, Fact, Unsolvable

BUDGET = 3.0
"""Seconds for all suggestions of one error."""
ROUNDS = 20_000
ENOUGH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion(Value):
    """A change that resolves: *kind* is "relax", "drop", "constraint" or "policy"; *versions* is what comes of it."""

    kind: str
    change: str
    subject: str
    versions: tuple[tuple[str, str], ...] = ()


def suggest(problem: Problem, facts: list[tuple[int, Fact]], bounds: Bounds) -> tuple[Suggestion, ...]:
    """Try changes to what the proof rests on, one at a time, the mildest first, until the time is up."""
    until = min(time.monotonic() + BUDGET, bounds.deadline)
    found: list[Suggestion] = []
    helped: set[str] = set()
    for suggestion, inputs, policy in _changes(problem, facts):
        if len(found) >= ENOUGH or time.monotonic() > until or suggestion.subject in helped:
            continue
        bounds.emitter.check()
        versions = _try(problem, inputs, policy, until, bounds)
        if versions is not None:
            helped.add(suggestion.subject)
            found.append(replace(suggestion, versions=versions))
    return tuple(found)


def _changes(problem: Problem, facts: list[tuple[int, Fact]]) -> Iterator[tuple[Suggestion, Inputs, ResolutionPolicy]]:
    inputs, policy = problem.inputs, problem.catalog.rules.policy
    blamed = {fact.text for _, fact in facts if fact.node == ROOT}
    named = {problem.nodes[fact.node].name for _, fact in facts}
    roots = sorted({row for row in inputs.roots if row.text in blamed})
    for row in roots:
        if row.specifier and row.url is None:
            free = row._replace(specifier="")
            changed = replace(inputs, roots=tuple(free if one == row else one for one in inputs.roots))
            yield Suggestion(kind="relax", change=f"relax {row.text}", subject=row.text), changed, policy
    for row in sorted({row for row in inputs.constraints if row.name in named}):
        changed = replace(inputs, constraints=tuple(one for one in inputs.constraints if one != row))
        yield Suggestion(kind="constraint", change=f"drop the constraint {row.text}", subject=row.text), changed, policy
    if policy.prereleases == "disallow":
        allowed = replace(policy, prereleases="if-necessary")
        yield Suggestion(kind="policy", change="allow pre-releases", subject="prereleases"), inputs, allowed
    if policy.exclude_newer is not None:
        later = replace(policy, exclude_newer=None)
        yield Suggestion(kind="policy", change="drop exclude_newer", subject="exclude_newer"), inputs, later
    for row in roots:
        if len(inputs.roots) > 1:
            changed = replace(inputs, roots=tuple(one for one in inputs.roots if one != row))
            yield Suggestion(kind="drop", change=f"drop {row.text}", subject=row.text), changed, policy


def _try(
    problem: Problem, inputs: Inputs, policy: ResolutionPolicy, until: float, bounds: Bounds
) -> tuple[tuple[str, str], ...] | None:
    catalog = problem.catalog
    if policy is not catalog.rules.policy:
        catalog = Catalog(catalog.source, replace(catalog.rules, policy=policy))
    try:
        trial = Problem(catalog, inputs)
        # Nobody watches a trial, but cancelling ends it too.
        limits = Bounds(Emitter(cancel=bounds.emitter.cancel, kind="suggest"), until, ROUNDS)
        for _ in range(8):
            try:
                solution = PubGrubSolver().solve(trial, limits)
            except Restart:
                trial.reset()
                continue
            wanted = {row.name for row in problem.inputs.roots}
            return tuple(
                sorted(
                    (trial.nodes[index].name, trial.version(trial.nodes[index], bit))
                    for index, bit in solution.items()
                    if trial.nodes[index].base < 0 and trial.nodes[index].name in wanted
                )
            )
    except (Unsolvable, EnvkitError):
        bounds.emitter.check()
    return None
