"""Both solvers against brute force, on thousands of small graphs with everything that real ones have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from envkit.errors import NoCandidate, ProjectNotFound, ResolutionImpossible, ResolutionTooDeep
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.backtracking import BacktrackingSolver
from envkit.resolve.resolver import Resolver
from envkit.resolve.solver import Unsolvable

from . import graphs

ROOT = Path(__file__).resolve().parents[2]
SOLVERS = ("pubgrub", "resolvelib")


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=150)
@given(index=graphs.indexes(yanked=False), roots=st.lists(graphs.requirements(), min_size=1, max_size=3))
def test_agrees_with_brute_force(solver, index, roots):
    agrees(solver, index, roots)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=4000)
@given(index=graphs.indexes(yanked=False), roots=st.lists(graphs.requirements(), min_size=1, max_size=3))
def test_agrees_with_brute_force_for_long(solver, index, roots):
    agrees(solver, index, roots)


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=150)
@given(index=graphs.indexes(), roots=st.lists(graphs.requirements(), min_size=1, max_size=3))
def test_agrees_with_brute_force_on_yanked_files(solver, index, roots):
    # Which yanked versions count may depend on a pin that is not chosen in the end: soundness is judged with all pins.
    yanks = graphs.pinned_yanks(index, roots)
    outcome = solve(solver, index, roots)
    if outcome is not None:
        assert not list(graphs.problems(index, roots, outcome, yanks))
    else:
        assert not graphs.solvable(index, roots, graphs.pinned_yanks({}, roots) & yanks)


@pytest.mark.parametrize("patience", [0, 1])
def test_taking_turns_early_changes_no_truth(patience, monkeypatch):
    monkeypatch.setattr("envkit.resolve.pubgrub._PATIENCE", patience)

    @settings(max_examples=100)
    @given(index=graphs.indexes(yanked=False), roots=st.lists(graphs.requirements(), min_size=1, max_size=3))
    def small(index, roots):
        agrees("pubgrub", index, roots)

    small()
    for seed in range(60):
        index, roots = larger(seed)
        outcome = solve("pubgrub", index, roots)
        assert (outcome is None) == (solve("resolvelib", index, roots) is None), seed
        if outcome is not None:
            check(index, roots, outcome)


def agrees(solver, index, roots):
    outcome = solve(solver, index, roots)
    if outcome is None:
        assert not graphs.solvable(index, roots, set())
    else:
        assert not list(graphs.problems(index, roots, outcome, set()))


def solve(solver, index, roots):
    try:
        resolution = Resolver(graphs.TARGET, graphs.source(index), solver=solver).resolve(roots)
    except (ResolutionImpossible, NoCandidate, ProjectNotFound):
        return None
    return {name: str(pin.version) for name, pin in resolution.pins.items()}


def larger(seed):
    """Give a random graph of a dozen projects, too large for brute force, and often without a solution."""
    random = Random(seed)
    names = [f"p{number}" for number in range(random.randint(6, 14))]
    index = {
        name: {
            str(version): [
                f"{other}{random.choice(('<', '<=', '>=', '==', '!='))}{random.randint(1, 6)}"
                for other in random.sample(names, random.randint(0, 4))
                if other != name
            ]
            for version in range(1, random.randint(3, 7))
        }
        for name in names
    }
    return index, random.sample(names, 5)


def check(index, roots, outcome):
    for text in (*roots, *(text for name, version in outcome.items() for text in index[name][version])):
        requirement = Requirement(text)
        assert requirement.specifier.contains(outcome[requirement.name])


def test_the_solvers_agree_on_larger_graphs():
    solved = 0
    for seed in range(120):
        index, roots = larger(seed)
        outcomes = [solve(solver, index, roots) for solver in SOLVERS]
        assert (outcomes[0] is None) == (outcomes[1] is None), seed
        for outcome in outcomes:
            if outcome is not None:
                solved += 1
                check(index, roots, outcome)
    assert 40 < solved < 200  # both kinds are met often


def test_a_resolvelib_that_calls_everything_impossible_is_not_believed(monkeypatch):
    def give_up(self, problem, bounds):
        raise Unsolvable(None)

    monkeypatch.setattr(BacktrackingSolver, "solve", give_up)
    assert solve("resolvelib", {"a": {"1": []}}, ["a"]) == {"a": "1"}


def test_a_resolvelib_that_finds_everything_too_deep_is_not_believed(monkeypatch):
    def give_up(self, problem, bounds):
        raise bounds.too_deep("too many rounds", problem, {})

    monkeypatch.setattr(BacktrackingSolver, "solve", give_up)
    assert solve("resolvelib", {"a": {"1": []}}, ["a"]) == {"a": "1"}
    with pytest.raises(ResolutionTooDeep):  # no time is left for a second opinion
        Resolver(graphs.TARGET, graphs.source({"a": {}}), ResolutionPolicy(deadline=1e-9), "resolvelib").resolve(["a"])


def test_what_takes_resolvelib_too_many_rounds_is_solved_within_the_same_bound(monkeypatch):
    index, roots = larger(107)  # resolvelib takes 36 rounds for it
    policy = ResolutionPolicy(max_rounds=12)
    resolution = Resolver(graphs.TARGET, graphs.source(index), policy, "resolvelib").resolve(roots)
    check(index, roots, {name: str(pin.version) for name, pin in resolution.pins.items()})
    monkeypatch.setattr("envkit.resolve.resolver.PubGrubSolver", BacktrackingSolver)  # nobody is asked
    with pytest.raises(ResolutionTooDeep):
        Resolver(graphs.TARGET, graphs.source(index), policy, "resolvelib").resolve(roots)


SCRIPT = """
from tests.resolve.test_brute_force import larger, solve
print([solve("pubgrub", *larger(seed)) for seed in range(20)])
"""


def test_the_hash_seed_does_not_matter():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(outputs) == 1
