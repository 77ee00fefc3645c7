"""Both solvers against brute force, on thousands of small graphs with everything that real ones have."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.errors import NoCandidate, ProjectNotFound, ResolutionImpossible
from envkit.resolve.resolver import Resolver

from . import graphs

SOLVERS = ("pubgrub", "resolvelib")


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=250)
@given(index=graphs.indexes(yanked=False), roots=st.lists(graphs.requirements(), min_size=1, max_size=3))
def test_agrees_with_brute_force(solver, index, roots):
    agrees(solver, index, roots)


def agrees(solver, index, roots):
    yanks = graphs.pinned_yanks(index, roots)
    try:
        resolution = Resolver(graphs.TARGET, graphs.source(index), solver=solver).resolve(roots)
    except (ResolutionImpossible, NoCandidate, ProjectNotFound):
        assert not graphs.solvable(index, roots, yanks)
    else:
        choice = {name: str(pin.version) for name, pin in resolution.pins.items()}
        assert not list(graphs.problems(index, roots, choice, yanks))
