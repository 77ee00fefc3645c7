"""Pre-releases, yanked files and the wish for the newest, on random graphs against brute force."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from envkit.errors import NoCandidate, ProjectNotFound, ResolutionImpossible
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.resolver import Resolver

from . import graphs

SOLVERS = ("pubgrub", "resolvelib")
MODES = st.sampled_from(("if-necessary", "allow", "disallow"))
POLICIES = st.builds(
    lambda mode, by_project: ResolutionPolicy(prereleases=mode, prereleases_by_project=by_project),
    MODES,
    st.dictionaries(st.sampled_from(graphs.NAMES), MODES, max_size=2),
)
ROOTS = st.lists(graphs.requirements(), min_size=1, max_size=3)


def mode_of(policy, name):
    return policy.prereleases_by_project.get(name, policy.prereleases)


def allowed(index, policy):
    """Give the index without the pre-releases that a policy forbids."""
    return {
        name: {
            version: release
            for version, release in versions.items()
            if mode_of(policy, name) != "disallow" or not Version(version).is_prerelease
        }
        for name, versions in index.items()
    }


def solve(solver, index, roots, policy):
    try:
        resolution = Resolver(graphs.TARGET, graphs.source(index), policy, solver).resolve(roots)
    except (ResolutionImpossible, NoCandidate, ProjectNotFound):
        return None
    return {name: str(pin.version) for name, pin in resolution.pins.items()}


def solvable(index, roots, yanks):
    """Whether anything solves it; projects without versions are left out, as nothing can choose them."""
    return graphs.solvable({name: versions for name, versions in index.items() if versions}, roots, yanks)


def wanted_more(index, policy, name, version):
    """Give the versions of a project that are wanted more than *version*, if they can be had."""
    mine = Version(version)
    for text, release in index[name].items():
        other = Version(text)
        if release.yanked is not None:
            continue
        if mode_of(policy, name) == "if-necessary" and other.is_prerelease != mine.is_prerelease:
            if mine.is_prerelease:
                yield text
        elif other > mine:
            yield text


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=150)
@given(index=graphs.indexes(yanked=False), roots=ROOTS, policy=POLICIES)
def test_every_policy_for_prereleases_agrees_with_brute_force(solver, index, roots, policy):
    outcome = solve(solver, index, roots, policy)
    usable = allowed(index, policy)
    if outcome is None:
        assert not solvable(usable, roots, set())
    else:
        assert not list(graphs.problems(index, roots, outcome, set()))
        assert all(version in usable[name] for name, version in outcome.items())


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=150)
@given(index=graphs.indexes(), roots=ROOTS, policy=POLICIES)
def test_policies_and_yanked_files_together(solver, index, roots, policy):
    # Which yanked versions count may depend on a pin that is not chosen in the end: soundness is judged with all pins.
    outcome = solve(solver, index, roots, policy)
    usable = allowed(index, policy)
    yanks = graphs.pinned_yanks(index, roots)
    if outcome is None:
        assert not solvable(usable, roots, graphs.pinned_yanks({}, roots) & yanks)
    else:
        assert not list(graphs.problems(index, roots, outcome, yanks))
        assert all(version in usable[name] for name, version in outcome.items())


@settings(max_examples=300)
@given(index=graphs.indexes(), roots=ROOTS, policy=POLICIES)
def test_no_pin_could_be_better_with_all_others_as_they_are(index, roots, policy):
    # For "if-necessary" this says: no pre-release where a stable version would do.
    outcome = solve("pubgrub", index, roots, policy)
    usable = allowed(index, policy)
    yanks = graphs.pinned_yanks(index, roots)
    for name, version in (outcome or {}).items():
        for better in wanted_more(usable, policy, name, version):
            if index[name][version].yanked is None:
                assert list(graphs.problems(index, roots, {**outcome, name: better}, yanks)), (name, version, better)
