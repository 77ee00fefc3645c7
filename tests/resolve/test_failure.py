"""What is said when there is no solution."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from packaging.version import Version

from envkit.errors import (
    NoCandidate,
    ProjectNotFound,
    ResolutionError,
    ResolutionImpossible,
    ResolutionTooDeep,
    TransportError,
    WheelBuildError,
)
from envkit.events import Emitter
from envkit.host import limits
from envkit.model.candidate import CoreMetadata
from envkit.model.policy import ResolutionPolicy
from envkit.model.source import Origin
from envkit.resolve import solver, suggest
from envkit.resolve.names import near_misses
from envkit.resolve.ports import DirectCandidate
from envkit.resolve.proof import Derivation
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET

INDEX = {
    "flask": {"3.0": ["werkzeug>=3"], "3.1": ["werkzeug>=3.1"], "2.0": ["werkzeug>=2"]},
    "werkzeug": {"3.1": [], "3.0": [], "2.0": []},
}


def impossible(index, roots, policy=None, **options):
    with pytest.raises(ResolutionImpossible) as caught:
        Resolver(TARGET, MemorySource(index), policy).resolve(roots, **options)
    json.dumps(caught.value.to_dict())  # plain data
    return caught.value


def test_the_account_names_who_wants_what():
    error = impossible(INDEX, ["flask>=3", "werkzeug<3"])
    assert error.context["account"] == (
        "you ask for flask>=3",
        "you ask for werkzeug<3",
        "flask 3.0 to 3.1 needs werkzeug>=3 or werkzeug>=3.1",
    )


def test_a_derivation_ends_in_facts_and_is_data():
    derivation = impossible(INDEX, ["flask>=3", "werkzeug<3"]).derivation
    assert derivation.steps[-1].conclusion == "there is no solution"
    assert all(cause < at for at, step in enumerate(derivation.steps) for cause in step.causes)
    assert {step.kind for step in derivation.facts} == {"root", "dependency"}
    assert Derivation.from_dict(derivation.to_dict()) == derivation


def test_suggestions_were_tried_and_resolve():
    error = impossible(INDEX, ["flask>=3", "werkzeug<3"])
    assert [one.change for one in error.suggestions] == ["relax flask>=3", "relax werkzeug<3"]
    assert error.suggestions[0].versions == (("flask", "2.0"), ("werkzeug", "2.0"))
    assert "it works if you relax flask>=3" in error.hint
    assert Resolver(TARGET, MemorySource(INDEX)).resolve(["flask", "werkzeug<3"])


def test_a_requirement_is_dropped_where_relaxing_does_not_help():
    error = impossible({"a": {"1": ["c<2"]}, "b": {"1": ["c>=2"]}, "c": {"1": [], "2": []}}, ["a", "b"])
    assert [one.change for one in error.suggestions] == ["drop a", "drop b"]


def test_constraints_and_policies_are_suggested():
    error = impossible(INDEX, ["flask>=3"], constraints=["werkzeug<3"])
    assert "drop the constraint werkzeug<3" in [one.change for one in error.suggestions]


def test_policies_are_suggested():
    newer = {"a": {"1": Release(upload_time="2020-01-01T00:00:00Z"), "2": Release(upload_time="2024-01-01T00:00:00Z")}}
    error = nothing_fits(newer, ["a>=2"], ResolutionPolicy(exclude_newer="2022-01-01"))
    assert [one["change"] for one in error.context["suggestions"]] == ["relax a>=2", "drop exclude_newer"]
    assert [one.reason for one in error.rejections] == ["too-new"]
    error = nothing_fits({"a": {"1": [], "2a1": []}}, ["a>1"], ResolutionPolicy(prereleases="disallow"))
    assert "allow pre-releases" in [one["change"] for one in error.context["suggestions"]]


def nothing_fits(index, roots, policy=None):
    with pytest.raises(NoCandidate) as caught:
        Resolver(TARGET, MemorySource(index), policy).resolve(roots)
    json.dumps(caught.value.to_dict())
    return caught.value


def test_a_requirement_that_nothing_fits_says_so():
    error = nothing_fits(INDEX, ["flask>=9"])
    assert "you ask for flask>=9, and no version fits (there are 2.0 to 3.1)" in error.message
    below = impossible({"a": {"1": ["b>5"]}, "b": {"2": []}}, ["a"])
    assert below.context["account"][-1] == "a 1 needs b>5, and no version fits (there is 2)"
    unknown = impossible({"a": {"1": ["nowhere"]}}, ["a"])
    assert unknown.context["account"][-1] == "a 1 needs nowhere, which no index knows"


def test_many_versions_make_few_lines_and_no_deep_recursion():
    count = 500
    index = {
        "a": {str(n): [f"b=={n}"] for n in range(count)},
        "b": {str(n): ["c<1"] for n in range(count)},
        "c": {"1": []},
    }
    error = impossible(index, ["a", "c"])
    assert len(error.context["account"]) < 8
    assert error.to_dict()
    Derivation.from_dict(error.derivation.to_dict())


def test_rejected_files_are_part_of_the_account():
    index = {"a": {"1": [], "2": Release(requires_python=">=3.13")}}
    error = nothing_fits(index, ["a>=2"])
    assert "a-2-py3-none-any.whl: needs Python >=3.13" in error.message
    below = impossible({**index, "b": {"1": ["a>=2"]}}, ["b"])
    assert "a-2-py3-none-any.whl: needs Python >=3.13" in below.context["account"][-1]


def test_many_ranges_are_told_as_one():
    index = {
        "a": {str(n): [f"b>={n},<{n + 2}"] for n in range(1, 20)},
        "b": {str(n): [] for n in range(1, 30)},
    }
    error = impossible(index, ["a>=5", "b<3"])
    assert error.context["account"][-1].startswith("a 5 to 19 needs b 5 to 20 (each in one of 15 ranges, such as b<")


def test_files_that_could_not_have_helped_are_not_mentioned():
    index = {
        **INDEX,
        "werkzeug": {
            **INDEX["werkzeug"],
            "2.5": Release(files=["werkzeug-2.5-py3-none-any.whl", "werkzeug-2.5-cp39-cp39-win32.whl"]),
            "4.0": Release(files=["werkzeug-4.0-cp39-cp39-win32.whl"]),
        },
    }
    account = impossible(index, ["flask>=3", "werkzeug<3"]).context["account"]
    assert not [line for line in account if "cannot be used" in line]
    account = impossible(index, ["flask>=3", "werkzeug!=3.0,!=3.1"]).context["account"]
    assert account[-1] == "werkzeug 4.0 cannot be used: werkzeug-4.0-cp39-cp39-win32.whl: built for another platform"


def test_the_file_that_is_shown_is_one_for_this_platform():
    files = [f"a-1-cp39-cp39-{platform}.whl" for platform in ("macosx_11_0_arm64", "manylinux_2_17_x86_64", "win32")]
    error = nothing_fits({"a": {"1": Release(files=files)}}, ["a"])
    assert "a-1-cp39-cp39-manylinux_2_17_x86_64.whl: built for another Python" in error.message
    assert error.message.count(".whl") == 1


@pytest.mark.parametrize(
    ("release", "python"),
    [
        (Release(requires_python=">=3.13"), "3.13"),
        (Release(requires_python="<3.10"), "3.9"),
        (Release(files=["a-2-cp310-cp310-manylinux_2_17_x86_64.whl"]), "3.10"),
        (Release(files=["a-2-cp312-cp312-manylinux_2_17_x86_64.whl"]), "3.12"),
    ],
)
def test_another_python_is_suggested_where_that_helps(release, python):
    error = nothing_fits({"a": {"1": [], "2": release}}, ["a>=2"])
    assert [one["change"] for one in error.context["suggestions"]] == ["relax a>=2", f"take Python {python}"]
    index = {"a": {"1": [], "2": release}, "b": {"1": ["a>=2"]}}
    assert f"take Python {python}" in [one.change for one in impossible(index, ["b", "a"]).suggestions]


def test_what_is_read_for_a_suggestion_is_kept_for_the_next_time():
    old, new = Release(upload_time="2020-01-01T00:00:00Z"), Release(upload_time="2030-01-01T00:00:00Z")
    source = MemorySource(
        {"a": {"1": old, "2": new}, "b": {"1": Release(requires=["a>=2"], upload_time="2020-01-01T00:00:00Z")}}
    )
    resolver = Resolver(TARGET, source, ResolutionPolicy(exclude_newer="2025-01-01"))
    for unused in ("c", "d"):  # another question, so that nothing is answered from memory
        with pytest.raises(ResolutionImpossible) as caught:
            resolver.resolve(["a", "b"], constraints=[unused])
        assert [one.change for one in caught.value.suggestions] == ["drop exclude_newer", "drop b"]
    read = [what for what in source.calls if what[0] == "metadata"]
    assert len(read) == len(set(read)) + 1  # of b for either rules, of the newer a for one


def test_no_advice_is_sought_from_an_index_that_fails():
    source = MemorySource({
        "a": {str(version): ["b>=2"] for version in range(1, 41)}, "b": {"1": [], "2": []}, "c": {"1": []},
    })  # fmt: skip
    failed = []

    def metadata(name, version, artifacts):
        if name == "a" and version < Version("21"):
            failed.append(version)
            raise TransportError("the server is busy")
        return MemorySource.metadata(source, name, version, artifacts)

    source.metadata = metadata
    with pytest.raises(NoCandidate) as caught:
        Resolver(TARGET, source).resolve(["a", "b<2", "c>=2"])
    assert "c>=2" in caught.value.message
    assert 0 < len(failed) <= 4


def test_advice_opens_no_sdist():
    source = MemorySource(
        {
            "a": {"1": ["c<2"], "2": Release(requires=["c>=2"], files=["a-2.tar.gz"])},
            "b": {"1": ["c>=2"]},
            "c": {"1": [], "2": []},
        }
    )
    with pytest.raises(ResolutionImpossible) as caught:
        Resolver(TARGET, source).resolve(["a<2", "b"])
    assert ("metadata", "a 2") not in source.calls
    assert [one.change for one in caught.value.suggestions] == ["drop a<2", "drop b"]


def test_advice_reads_no_more_than_a_bounded_number_of_files(monkeypatch):
    monkeypatch.setattr(suggest, "READS", 4)
    chain = {f"p{at}": {"1": [f"p{at + 1}"]} for at in range(30)}
    source = MemorySource(
        {"a": {"1": ["c<2"], "2": ["p0"]}, "b": {"1": ["c>=2"]}, "c": {"1": [], "2": []}, **chain, "p30": {"1": []}}
    )
    with pytest.raises(ResolutionImpossible) as caught:
        Resolver(TARGET, source).resolve(["a<2", "b"])
    read = [what for kind, what in source.calls if kind == "metadata" and what.startswith(("p", "a 2"))]
    assert read == ["a 2", "p0 1", "p1 1"]  # and a version of c
    assert "relax a<2" not in [one.change for one in caught.value.suggestions]


def test_advice_looks_ahead_only_at_what_is_at_hand():
    newer = {str(version): ["c<2"] for version in range(2, 40)}
    source = MemorySource({"a": {"1": ["c<2"], **newer}, "b": {"1": ["c>=2"]}, "c": {"1": [], "2": []}})
    with pytest.raises(ResolutionImpossible):
        Resolver(TARGET, source).resolve(["a==1", "b"])
    read = [what for kind, what in source.calls if kind == "metadata" and what.startswith("a ")]
    assert 1 < len(read) < suggest.READS


def test_the_deadline_holds_where_each_version_takes_long_to_fail(monkeypatch):
    source = MemorySource({"a": {str(version): [] for version in range(1, 41)}})
    clock = SimpleNamespace(now=0.0)

    def metadata(name, version, artifacts):
        clock.now += 60
        raise WheelBuildError(f"{name} {version}: there is no compiler")

    source.metadata = metadata
    monkeypatch.setattr(solver, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + clock.now))
    with pytest.raises(ResolutionTooDeep):
        Resolver(TARGET, source, ResolutionPolicy(deadline=100)).resolve(["a"])
    assert clock.now <= 180


@pytest.mark.parametrize("error", [WheelBuildError, ResolutionError])
def test_a_build_that_the_deadline_ends_says_nothing_about_its_version(monkeypatch, error):
    source = MemorySource({"a": {"2": Release(files=["a-2.tar.gz"]), "1": []}, "b": {"1": ["a"]}})
    clock = SimpleNamespace(now=0.0)
    ask = source.metadata

    def metadata(name, version, artifacts):
        if str(version) != "2":
            return ask(name, version, artifacts)
        assert 0 < limits.left() <= 3600
        clock.now += 3600  # the hook runs until it is ended
        raise error("a 2: the hook was still running", context={"subject": "a 2"})

    source.metadata = metadata
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + clock.now))
    with pytest.raises(ResolutionTooDeep, match="deadline of 3600 seconds: a 2: the hook") as caught:
        Resolver(TARGET, source, ResolutionPolicy(deadline=3600)).resolve(["b"])
    assert (caught.value.context["subject"], caught.value.context["deadline"]) == ("a 2", 3600)
    assert limits.left() == float("inf")


def test_advice_from_a_slow_index_ends_in_time(monkeypatch):
    chain = {f"p{number}": {"1": [f"p{number + 1}"]} for number in range(1, 40)}
    source = MemorySource({"a": {"1": Release(requires_python=">=3.13", requires=["p1"])}, **chain, "p40": {"1": []}})
    clock = SimpleNamespace(now=0.0)

    def metadata(name, version, artifacts):
        clock.now += 1
        return MemorySource.metadata(source, name, version, artifacts)

    source.metadata = metadata
    for module in (suggest, solver):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + clock.now))
    with pytest.raises(NoCandidate):
        Resolver(TARGET, source).resolve(["a"])
    assert 0 < clock.now <= suggest.LEAST + 2  # the answer itself took no time


@pytest.mark.parametrize(("took", "given"), [(0, suggest.LEAST), (2, 2), (60, suggest.BUDGET)])
def test_advice_may_take_as_long_as_the_answer_took(monkeypatch, took, given):
    monkeypatch.setattr(suggest, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    bounds = solver.Bounds(Emitter(kind="resolve"), 5000.0, 1)
    bounds.began = 1000.0 - took
    assert suggest.time_for_advice(bounds) == 1000 + given
    bounds.deadline = 1000.5
    assert suggest.time_for_advice(bounds) == 1000.5


def test_no_other_python_is_suggested_where_it_does_not_help():
    index = {"a": {"1": [], "2": Release(requires_python=">=3.13", requires=["b>1"])}, "b": {"1": []}}
    error = nothing_fits(index, ["a>=2"])
    assert [one["change"] for one in error.context["suggestions"]] == ["relax a>=2"]


def test_wrong_hashes_are_told_with_version_expectation_and_find():
    index = {"a": {"1": Release(hashes={"sha256": "11" * 32}), "2": []}}
    with pytest.raises(NoCandidate) as caught:
        Resolver(TARGET, MemorySource(index)).resolve(["a==1"], hashes={"a": ["sha256:" + "22" * 32]})
    assert caught.value.message == (
        "no file of a 1 has a hash that was asked for: "
        f"a-1-py3-none-any.whl: expected sha256:{'22' * 32}, found sha256:{'11' * 32}"
    )
    assert "find out why" in caught.value.hint
    with pytest.raises(NoCandidate, match="no hash was given for it, and every file needs one"):
        Resolver(TARGET, MemorySource(index), ResolutionPolicy(require_hashes=True)).resolve(["a==1"])


def test_no_candidate_says_why_for_each_file():
    index = {"a": {"1": Release(requires_python=">=3.13"), "2": Release(files=["a-2-cp39-cp39-win_amd64.whl"])}}
    with pytest.raises(NoCandidate) as caught:
        Resolver(TARGET, MemorySource(index)).resolve(["a"])
    assert {one.subject: one.reason for one in caught.value.rejections} == {
        "a-1-py3-none-any.whl": "requires-python",
        "a-2-cp39-cp39-win_amd64.whl": "wrong-tag",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sklearn", "scikit-learn"), ("reqeusts", "requests"), ("yaml", "pyyaml"), ("zzzzzz", None), ("mytol", "mytool")],
)
def test_near_misses(name, expected):
    assert next(iter(near_misses(name, ["mytool"])), None) == expected


def test_no_secret_is_told():
    with pytest.raises(ProjectNotFound) as caught:
        Resolver(TARGET, MemorySource({})).resolve(["a @ https://user:hunter2@files.example/a-1-py3-none-any.whl"])
    assert "hunter2" not in str(caught.value)
    url = "https://user:hunter2@files.example/a-1-py3-none-any.whl"
    candidate = DirectCandidate(
        name="a",
        version=Version("1"),
        origin=Origin(url="https://files.example/a-1-py3-none-any.whl", kind="archive"),
        metadata=CoreMetadata(name="a", version="1"),
    )
    source = MemorySource({"b": {"1": ["a>1"]}, "c": {"1": ["a>=1"]}}, direct={url: candidate})
    with pytest.raises(ResolutionImpossible) as conflict:
        Resolver(TARGET, source).resolve([f"a @ {url}", "b"])
    assert "hunter2" not in str(conflict.value.to_dict()) + str(conflict.value.derivation)
    resolution = Resolver(TARGET, source).resolve([f"a @ {url}", "c"])
    assert "hunter2" not in str(resolution.to_dict())
    assert str(resolution.pins["a"].version) == "1"
