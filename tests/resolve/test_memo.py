"""What is answered from memory, and what must not be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from envkit.errors import ResolutionImpossible
from envkit.model.policy import ResolutionPolicy
from envkit.resolve import resolver
from envkit.resolve.pubgrub import PubGrubSolver
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET


def test_an_age_moves_with_the_clock(monkeypatch):
    start = datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp()
    clock = SimpleNamespace(now=start)
    monotonic = resolver.time.monotonic
    monkeypatch.setattr(resolver, "time", SimpleNamespace(time=lambda: clock.now, monotonic=monotonic))
    source = MemorySource(
        {"a": {"1": Release(upload_time="2024-04-01T00:00:00Z"), "2": Release(upload_time="2024-04-28T00:00:00Z")}}
    )
    for policy in (
        ResolutionPolicy(exclude_newer=timedelta(days=7)),
        ResolutionPolicy(exclude_newer_by_project={"A": timedelta(days=7)}),
    ):
        found = []
        for days in (0, 3, 5):
            clock.now = start + days * 86_400
            found.append(str(Resolver(TARGET, source, policy).resolve(["a"]).pins["a"].version))
        assert found == ["1", "1", "2"]


def test_another_solver_is_another_question():
    asked = []

    class Own(PubGrubSolver):
        def solve(self, problem, bounds):
            asked.append(problem)
            return super().solve(problem, bounds)

    source = MemorySource({"a": {"1": []}})
    first = Resolver(TARGET, source, solver="pubgrub").resolve(["a"])
    assert Resolver(TARGET, source, solver=Own()).resolve(["a"]) == first
    assert len(asked) == 1


@pytest.mark.parametrize("stale", ["a", "b"])
def test_what_is_impossible_is_not_remembered_where_a_page_has_to_be_asked_for_again(stale):
    class Stale(MemorySource):
        def page_identity(self, name):
            return None if name == stale else super().page_identity(name)

    source = Stale({"a": {"1": ["b>1"]}, "b": {"1": []}})
    for _ in range(2):
        source.calls.clear()
        with pytest.raises(ResolutionImpossible):
            Resolver(TARGET, source).resolve(["a"])
        assert ("page", stale) in source.calls


def test_a_project_that_no_index_knows_is_asked_for_again():
    source = MemorySource({"a": {"1": ["unknown"]}})
    for _ in range(2):
        source.calls.clear()
        with pytest.raises(ResolutionImpossible):
            Resolver(TARGET, source).resolve(["a"])
        assert ("page", "unknown") in source.calls


def test_questions_that_differ_in_one_argument_are_different():
    source = MemorySource({"a": {"1": Release(hashes={"sha256": "11" * 32}), "2": [], "3": []}, "b": {"1": ["a"]}})

    def version(*roots, policy=None, **options):
        return str(Resolver(TARGET, source, policy).resolve(roots, **options).pins["a"].version)

    for _ in range(2):
        assert version("a") == "3"
        assert version("a", "b", constraints=["a<3"]) == "2"
        assert version("a", "b", overrides=["a<3"]) == "2"
        assert version("a", "b", preferences=["a==1"]) == "1"
        assert version("a", hashes={"a": ["sha256:" + "11" * 32]}) == "1"
        assert version("a", policy=ResolutionPolicy(strategy="lowest")) == "1"
