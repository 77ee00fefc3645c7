"""What is believed of pages and metadata, what is kept apart, and how inputs are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from envkit.errors import NoCandidate, RequirementError, ResolutionImpossible, TransportError
from envkit.model.artifact import Artifact
from envkit.model.candidate import CoreMetadata, ProjectPage
from envkit.model.editable import Editable
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.resolver import Resolver
from envkit.resolve.rules import Rules
from envkit.resolve.selection import best_wheel, select
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET
from .test_semantics import URL, candidate, resolve

SOLVERS = pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])


@SOLVERS
@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ({"name": "other"}, "the metadata says other 2"),
        ({"version": "3"}, "the metadata says a 3"),
        ({"requires_python": "<3"}, "needs Python <3"),
        ({"requires_dist": ("b ;; c",)}, "invalid requirement"),
    ],
)
def test_a_version_whose_metadata_does_not_fit_is_passed_over(solver, lie, told):
    source = MemorySource({"a": {"1": [], "2": []}})

    def metadata(name, version, artifacts):
        found = MemorySource.metadata(source, name, version, artifacts)
        return replace(found, **lie) if str(version) == "2" else found

    source.metadata = metadata
    for _ in range(2):  # the second time from digests
        assert resolve(solver, source, ["a"]) == {"a": "1"}
        with pytest.raises(ResolutionImpossible) as caught:
            resolve(solver, source, ["a==2"])
        assert told in caught.value.message


@SOLVERS
@pytest.mark.parametrize("written", ["1.0", "1.0.0", "1.0+local"])
def test_metadata_may_write_the_version_in_another_way(solver, written):
    source = MemorySource({"a": {"1": []}})
    source.metadata = lambda name, version, artifacts: CoreMetadata(name="A", version=written)
    assert resolve(solver, source, ["a"]) == {"a": "1"}


@SOLVERS
def test_an_extra_that_is_provided_in_another_spelling_is_known(solver):
    source = MemorySource({"a": {"1": Release(extras=["Foo_Bar"])}})
    resolution = Resolver(TARGET, source, solver=solver).resolve(["a[foo.bar]"])
    assert resolution.pins["a"].extras == ("foo-bar",)
    assert not resolution.unknown_extras


@SOLVERS
def test_a_constraint_whose_marker_does_not_hold_is_none(solver):
    index = {"a": {"1": [], "2": []}}
    assert resolve(solver, index, ["a"], constraints=["a<2; sys_platform == 'win32'"]) == {"a": "2"}
    assert resolve(solver, index, ["a"], constraints=["a<2; sys_platform == 'linux'"]) == {"a": "1"}
    assert resolve(solver, index, ["a"], constraints=["a[x]<2"]) == {"a": "1"}


@SOLVERS
def test_preferences_that_cannot_be_met_are_left_alone_and_unclear_ones_refused(solver):
    index = {"a": {"1": [], "2": []}}
    installed = [SimpleNamespace(name="A", version="2004d-beta"), SimpleNamespace(name="b", version="1")]
    assert resolve(solver, index, ["a"], preferences=installed) == {"a": "2"}
    assert resolve(solver, index, ["a"], preferences=[SimpleNamespace(name="A", version="1")]) == {"a": "1"}
    for unclear in ("a==1,==1.0", "a==1.*", "a", "a>=1"):
        with pytest.raises(RequirementError):
            resolve(solver, index, ["a"], preferences=[unclear])


@SOLVERS
def test_a_place_without_a_name_has_extras_and_markers(solver, tmp_path):
    made = candidate(URL, requires=["b; extra == 'x-y'", "c; extra == 'z'"])
    path = tmp_path / "a"
    direct = {URL: made, path.as_uri(): made}
    index = {"b": {"1": []}, "c": {"1": []}}
    assert resolve(solver, index, [f"{URL}[X_y]"], direct=direct) == {"a": "5", "b": "1"}
    assert resolve(solver, index, [f"{URL}[z] ; os_name == 'posix'"], direct=direct) == {"a": "5", "c": "1"}
    assert resolve(solver, index, [f"{URL}[z] ; os_name == 'nt'"], direct=direct) == {}
    assert resolve(solver, index, [Editable(f"{path}[x.y]")], direct=direct) == {"a": "5", "b": "1"}
    assert resolve(solver, index, [Editable(path, marker="os_name == 'nt'")], direct=direct) == {}
    assert resolve(solver, index, [Editable(path, marker="os_name != 'nt'")], direct=direct) == {"a": "5"}
    assert resolve(solver, index, [Path(path)], direct=direct) == {"a": "5"}


def test_files_that_are_equally_good_are_in_one_order_whatever_the_page_says():
    names = ("a-1-py3-none-any.whl", "A-1-py3-none-any.whl", "a-1.0-py3-none-any.whl")
    files = [Artifact(filename=name, url=f"https://files.example/{name}") for name in names]
    orders = {
        tuple(one.filename for one in select(page(order), rules())[0].artifacts) for order in (files, files[::-1])
    }
    assert orders == {("A-1-py3-none-any.whl", "a-1-py3-none-any.whl", "a-1.0-py3-none-any.whl")}


def page(files):
    return ProjectPage(name="a", identity="i", artifacts=tuple(files))


def rules(policy=None, **facts):
    return Rules(**{"target": TARGET, "policy": policy or ResolutionPolicy(), "now": 0.0, **facts})


def test_metadata_is_read_from_what_tells_it_most_cheaply():
    def file(name, **facts):
        return Artifact(filename=name, url=f"https://files.example/{name}", **facts)

    sdist, bare, beside = file("a-1.tar.gz"), file("a-1-py3-none-any.whl"), file("a-1-1-py3-none-any.whl", metadata={})
    assert best_wheel((bare, beside, sdist)) is beside
    assert best_wheel((sdist, bare)) is bare
    assert best_wheel((sdist,)) is sdist


def test_rules_that_choose_other_files_have_other_fingerprints():
    different = [
        rules(),
        rules(ResolutionPolicy(only_binary=("A",))),
        rules(ResolutionPolicy(no_binary=("a",))),
        rules(ResolutionPolicy(builds="never")),
        rules(ResolutionPolicy(exclude_newer="2024-01-01")),
        rules(ResolutionPolicy(exclude_newer_by_project={"A": "2025-01-01"})),
        rules(ResolutionPolicy(require_hashes=True)),
        rules(ResolutionPolicy(requires_python=">=3.9")),
        rules(hashes={"a": ("sha256:1",)}),
        rules(hashes={"a": ("sha256:2",)}),
        rules(target=replace(TARGET, tags=TARGET.tags[:1])),
        rules(target=replace(TARGET, markers={**TARGET.markers, "os_name": "nt"})),
        rules(target=replace(TARGET, python="3.11.5")),
    ]
    texts = [one.fingerprint("a") for one in different]
    assert len(set(texts)) == len(texts)
    others = [one for one in different if one.target == TARGET and not one.policy.require_hashes][1:3]
    assert {one.fingerprint("b") for one in others} == {rules().fingerprint("b")}  # they are about another project


def test_builds_may_be_allowed_for_some_projects():
    index = {"a": {"1": [], "2": Release(files=["a-2.tar.gz"])}, "b": {"1": [], "2": Release(files=["b-2.tar.gz"])}}
    assert resolve("pubgrub", index, ["a", "b"], policy=ResolutionPolicy(builds=("A",))) == {"a": "2", "b": "1"}


@pytest.mark.parametrize(("floor", "expected"), [(None, "3"), (">=3.11", "3"), (">=3.9", "2"), (">=3.7,>=3.8", "1")])
def test_a_policy_may_begin_at_an_older_python(floor, expected):
    index = {
        "a": {
            "1": Release(requires_python=">=3.8"),
            "2": Release(requires_python=">=3.9"),
            "3": Release(requires_python=">=3.10"),
            "0": [],
        }
    }
    assert resolve("pubgrub", index, ["a"], policy=ResolutionPolicy(requires_python=floor)) == {"a": expected}
    with pytest.raises(NoCandidate, match=r"the policy starts at 3\.9"):
        resolve("pubgrub", index, ["a>2"], policy=ResolutionPolicy(requires_python=">=3.9"))


def test_a_cut_off_without_a_zone_is_in_utc_and_includes_its_moment():
    index = {
        "a": {
            "1": Release(upload_time="2024-01-01T00:00:00Z"),
            "2": Release(upload_time="2024-01-01T00:00:00.000001Z"),
            "3": Release(upload_time="2024-01-01T01:30:00+02:00"),
        }
    }
    for cutoff in ("2024-01-01", "2024-01-01T00:00:00", datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)):
        policy = ResolutionPolicy(exclude_newer=cutoff)
        assert resolve("pubgrub", index, ["a"], policy=policy) == {"a": "3"}
        assert resolve("pubgrub", index, ["a<3"], policy=policy) == {"a": "1"}


def test_the_answer_of_a_place_is_not_remembered():
    requires = []
    source = MemorySource({"b": {"1": []}})
    source.direct = lambda request: candidate(URL, requires=requires)
    assert set(Resolver(TARGET, source).resolve([URL]).pins) == {"a"}
    requires.append("b")
    assert set(Resolver(TARGET, source).resolve([URL]).pins) == {"a", "b"}


def test_a_wheel_with_several_tags_counts_by_its_best():
    many = "a-1-py3.cp311-none.cp311-any.manylinux_2_17_x86_64.whl"  # by name it would come second
    files = [Artifact(filename=name, url=f"https://files.example/{name}") for name in ("a-1-py3-none-any.whl", many)]
    assert [one.filename for one in select(page(files), rules())[0].artifacts] == [many, "a-1-py3-none-any.whl"]


@pytest.mark.parametrize("digits", [33, 5_000])
def test_a_build_tag_that_is_no_number_of_this_world_is_no_build_tag(digits):
    source = MemorySource({"a": {"1": [], "2": Release(files=[f"a-2-{'1' * digits}-py3-none-any.whl"])}})
    assert resolve("pubgrub", source, ["a"]) == {"a": "1"}


def test_an_index_that_fails_where_only_looking_ahead_asked_is_borne():
    source = MemorySource({"a": {str(at): ["b<2"] if at != 8 else [] for at in range(10)}, "b": {"1": [], "2": []}})
    failed = []

    def metadata(name, version, artifacts):
        if name == "a" and str(version) < "8":
            failed.append(version)
            raise TransportError("the server is busy")
        return MemorySource.metadata(source, name, version, artifacts)

    source.metadata = metadata
    assert resolve("pubgrub", source, ["a", "b>=2"]) == {"a": "8", "b": "2"}
    assert failed
