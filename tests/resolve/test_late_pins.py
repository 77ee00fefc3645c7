"""Who asks for exactly a yanked version, or for a place, is found wherever it is in the graph."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from envkit.errors import NoCandidate, ProjectNotFound, ResolutionImpossible, TransportError
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET
from .test_semantics import URL, candidate, resolve

SOLVERS = pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])
YANKED = Release(yanked="")


@SOLVERS
def test_a_pin_of_a_yanked_version_counts_wherever_it_is_met(solver):
    # Whoever comes first by name is looked at first: the one that needs the yanked version, or the one that pins it.
    for loose, way, pin in itertools.permutations(("a", "b", "c")):
        index = {
            loose: {"1": ["d"]},
            way: {"1": [pin]},
            pin: {"1": ["d==2"], "0": []},
            "d": {"1": YANKED, "2": YANKED},
        }
        assert resolve(solver, index, [loose, way]) == {loose: "1", way: "1", pin: "1", "d": "2"}
        index[pin]["1"] = Release(requires=["d==2; extra == 'x'"], extras=["x"])
        index[way]["1"] = [f"{pin}[x]"]
        assert resolve(solver, index, [loose, way]) == {loose: "1", way: "1", pin: "1", "d": "2"}
        index[way]["1"] = [pin]
        with pytest.raises(ResolutionImpossible, match=r"d \(all versions\) does not count: yanked"):
            resolve(solver, index, [loose, way])


@SOLVERS
@pytest.mark.parametrize("there", [{}, {"d": {"9": []}}])
def test_a_place_counts_wherever_it_is_met(solver, there):
    url = URL.replace("a-5", "d-5")
    direct = {url: replace(candidate(url), name="d")}
    for loose, way, pin in itertools.permutations(("a", "b", "c")):
        index = {loose: {"1": ["d<6"]}, way: {"1": [pin]}, pin: {"1": [f"d @ {url}"]}, **there}
        assert resolve(solver, index, [loose, way], direct=direct) == {loose: "1", way: "1", pin: "1", "d": "5"}
        assert resolve(solver, index, ["d<7", way], direct=direct) == {way: "1", pin: "1", "d": "5"}


def test_what_is_missing_is_still_missing_where_nobody_has_a_place_for_it():
    index = {"a": {"1": ["d"]}, "b": {"1": ["c"]}, "c": {"1": ["e"]}}
    with pytest.raises(ProjectNotFound):
        resolve("pubgrub", index, ["d", "b"])
    with pytest.raises(ResolutionImpossible, match="a 1 needs d, which no index knows"):
        resolve("pubgrub", index, ["a", "b"])
    with pytest.raises(NoCandidate, match="a pre-release, which the policy does not allow"):
        resolve("pubgrub", {"a": {"1a1": []}}, ["a"], policy=ResolutionPolicy(prereleases="disallow"))


def test_looking_for_pins_builds_nothing_and_bears_an_index_that_fails(monkeypatch):
    monkeypatch.setattr("envkit.resolve.scout.Scout.__call__", lambda self: None)  # it would read everything before
    index = {
        "a": {"1": ["d"]},
        "b": {"1": Release(requires=["d==1"], files=["b-1.tar.gz"])},
        "c": {"1": ["d==1"]},
        "d": {"1": YANKED},
    }
    source = MemorySource(index)

    def metadata(name, version, artifacts):
        if name == "c":
            raise TransportError("the server is busy")
        return MemorySource.metadata(source, name, version, artifacts)

    source.metadata = metadata
    with pytest.raises(ResolutionImpossible, match="d 1 does not count: yanked"):
        Resolver(TARGET, source).resolve(["a", "b", "c"])
    assert ("metadata", "b 1") not in source.calls
