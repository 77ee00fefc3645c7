"""What is asked for in other words: overrides of places, names and versions in another spelling."""

from __future__ import annotations

import pytest

from envkit.model.policy import ResolutionPolicy
from envkit.testing.source import Release

from .test_semantics import URL, candidate, resolve

SOLVERS = pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])


@SOLVERS
def test_an_override_replaces_a_place_by_versions_and_versions_by_a_place(solver):
    index = {"a": {"9": []}, "b": {"1": ["a>=9"]}}
    direct = {URL: candidate(URL)}
    assert resolve(solver, index, [f"a @ {URL}"], overrides=["a==9"], direct=direct) == {"a": "9"}
    assert resolve(solver, index, ["b"], overrides=[f"a @ {URL}"], direct=direct) == {"a": "5", "b": "1"}
    gone = "a; sys_platform == 'win32'"
    assert resolve(solver, index, [f"a @ {URL}", "b"], overrides=[gone], direct=direct) == {"b": "1"}


@SOLVERS
def test_an_override_asks_for_no_project_that_nobody_needs(solver):
    index = {"a": {"1": ["b[x]>3"]}, "b": {"1": Release(requires=["c; extra == 'x'"], extras=["x"])}, "c": {"1": []}}
    assert resolve(solver, {"a": {"1": []}}, ["a"], overrides=["b==1"]) == {"a": "1"}
    assert resolve(solver, index, ["a"], overrides=["b==1"]) == {"a": "1", "b": "1", "c": "1"}


@SOLVERS
def test_of_overrides_with_markers_those_that_hold_count(solver):
    index = {"a": {"1": ["b"]}, "b": {"1": [], "2": []}}
    overrides = ["b==1; sys_platform == 'linux'", "b==2; sys_platform == 'win32'"]
    assert resolve(solver, index, ["a"], overrides=overrides) == {"a": "1", "b": "1"}


@SOLVERS
@pytest.mark.parametrize("preferred", ["a==1", "a==1.0.0", "A===1.0", "a==1.00"])
def test_a_preference_is_a_version_however_it_is_written(solver, preferred):
    index = {"a": {"1.0": [], "1.0+cpu": [], "2": []}}
    assert resolve(solver, index, ["a"], preferences=[preferred]) == {"a": "1.0"}
    assert resolve(solver, index, ["a"], preferences=["a==1+CPU"]) == {"a": "1.0+cpu"}


@SOLVERS
def test_a_project_is_told_apart_by_its_normalized_name_in_every_policy(solver):
    old, new = Release(upload_time="2020-01-01T00:00:00Z"), Release(upload_time="2030-01-01T00:00:00Z")
    index = {"my-tool": {"1": old, "2": new}}
    for policy in (
        ResolutionPolicy(exclude_newer="2025-01-01", exclude_newer_by_project={"My_Tool": None}),
        ResolutionPolicy(exclude_newer="2025-01-01", exclude_newer_by_project={"My.Tool": "2031-01-01"}),
    ):
        assert resolve(solver, index, ["my.tool"], policy=policy) == {"my-tool": "2"}
    policy = ResolutionPolicy(exclude_newer_by_project={"My_Tool": "2025-01-01"})
    assert resolve(solver, index, ["my.tool"], policy=policy) == {"my-tool": "1"}
