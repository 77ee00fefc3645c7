"""What requirements mean: extras, markers, constraints, overrides, pre-releases, yanked files, local versions, and more."""

from __future__ import annotations

import random

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envkit.errors import (
    Cancelled,
    NoCandidate,
    ProjectNotFound,
    RequirementError,
    ResolutionImpossible,
    ResolutionTooDeep,
    WheelBuildError,
)
from envkit.events import CancelToken, CandidatePinned, ExtraUnknown
from envkit.model.candidate import CoreMetadata
from envkit.model.policy import ResolutionPolicy
from envkit.model.source import Origin
from envkit.resolve.ports import DirectCandidate
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET

pytestmark = pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])


def resolve(solver, index, roots, *, policy=None, direct=None, reporter=None, cancel=None, **options):
    source = index if isinstance(index, MemorySource) else MemorySource(index, direct=direct)
    resolver = Resolver(TARGET, source, policy, solver, reporter, cancel)
    resolution = resolver.resolve(roots, **options)
    return {name: str(pin.version) for name, pin in resolution.pins.items()}


def test_the_graph_that_backjumping_calls_impossible(solver):
    index = {
        "p0": {"2": ["p2==2"]},
        "p1": {"2": ["p0==2"], "1": [], "3": ["p9"]},
        "p2": {"2": ["p1==3"], "1": ["p1>=1,<3"]},
        "p9": {},
    }
    assert resolve(solver, index, ["p2"]) == {"p1": "1", "p2": "1"}


def test_extras_bring_their_requirements_and_no_others(solver):
    index = {"a": {"1": Release(requires=["b; extra == 'x'", "c; extra == 'y'"], extras=["x", "y"])}, "b": {"1": []}}
    assert resolve(solver, index, ["a[X]"]) == {"a": "1", "b": "1"}


def test_extras_may_refer_to_their_own_project(solver):
    requires = ["a[x,y]; extra == 'all'", "b; extra == 'x'", "c; extra == 'y'"]
    index = {"a": {"1": Release(requires=requires, extras=["x", "y", "all"])}, "b": {"1": []}, "c": {"1": []}}
    assert resolve(solver, index, ["a[all]"]) == {"a": "1", "b": "1", "c": "1"}


def test_an_unknown_extra_is_an_event(solver):
    events = []
    assert resolve(solver, {"a": {"1": []}}, ["a[nope]"], reporter=events.append) == {"a": "1"}
    unknown = [event for event in events if isinstance(event, ExtraUnknown)]
    assert [(event.project, event.version, event.extra) for event in unknown] == [("a", "1", "nope")]
    assert any(isinstance(event, CandidatePinned) for event in events)


def test_markers_are_those_of_the_target(solver):
    index = {"a": {"1": ["b; sys_platform == 'win32'", "c; python_version >= '3.8'"]}, "c": {"1": []}}
    assert resolve(solver, index, ["a", "d; os_name == 'nt'"]) == {"a": "1", "c": "1"}


def test_constraints_narrow_only_what_is_pulled_in(solver):
    index = {"a": {"1": ["b"]}, "b": {"1": [], "2": []}, "c": {"1": []}}
    assert resolve(solver, index, ["a"], constraints=["b<2", "c==1"]) == {"a": "1", "b": "1"}


def test_overrides_replace_also_what_conflicts(solver):
    index = {"a": {"1": ["b>=5", "c"]}, "b": {"1": [], "2": []}, "c": {"1": ["b[x]<1"]}}
    assert resolve(solver, index, ["a"], overrides=["b==1"]) == {"a": "1", "b": "1", "c": "1"}
    assert resolve(solver, index, ["a"], overrides=["b; sys_platform == 'win32'"]) == {"a": "1", "c": "1"}


def test_exclusions_are_dropped(solver):
    index = {"a": {"1": ["b"]}}
    assert resolve(solver, index, ["a"], policy=ResolutionPolicy(excluded=("B",))) == {"a": "1"}


@pytest.mark.parametrize(
    ("root", "versions", "expected"),
    [
        ("a", ["1", "2a1"], "1"),
        ("a>=1.5", ["1", "2a1"], "2a1"),
        ("a>=1a1", ["1", "2a1"], "1"),
        ("a", ["2a1"], "2a1"),
        ("a<0.2", ["0.1", "0.2a1"], "0.1"),
        ("a", ["1!1", "2"], "1!1"),
        ("a", ["1", "1.post1"], "1.post1"),
        ("a>1", ["1", "1.post1", "0"], None),
        ("a==1.0", ["1.0+cpu"], "1.0+cpu"),
        ("a==1.0", ["1.0", "1.0+cpu"], "1.0"),
        ("a", ["1.0", "1.0+cpu"], "1.0"),
        ("a==1.0+cpu", ["1.0", "1.0+cpu"], "1.0+cpu"),
        ("a===1.0", ["1.0", "1.0+cpu"], "1.0"),
        ("a~=1.4", ["1.3", "1.9", "2.0"], "1.9"),
        ("a==1.*", ["1.3", "1.10", "2.0"], "1.10"),
    ],
)
def test_versions_as_pep_440_says(solver, root, versions, expected):
    index = {"a": {version: [] for version in versions}}
    if expected is None:
        with pytest.raises(NoCandidate):
            resolve(solver, index, [root])
    else:
        assert resolve(solver, index, [root]) == {"a": expected}


def test_a_prerelease_is_taken_only_when_every_stable_one_is_rejected(solver):
    index = {"a": {"1": ["b<1"], "2rc1": ["b"]}, "b": {"1": []}}
    assert resolve(solver, index, ["a", "b"]) == {"a": "2rc1", "b": "1"}


@pytest.mark.parametrize(("mode", "expected"), [("allow", "2a1"), ("if-necessary", "1"), ("disallow", "1")])
def test_prereleases_by_policy(solver, mode, expected):
    index = {"a": {"1": [], "2a1": []}}
    assert resolve(solver, index, ["a"], policy=ResolutionPolicy(prereleases=mode)) == {"a": expected}
    by_project = ResolutionPolicy(prereleases_by_project={"A": mode})
    assert resolve(solver, index, ["a"], policy=by_project) == {"a": expected}


def test_disallowed_prereleases_are_no_candidates(solver):
    with pytest.raises(NoCandidate):
        resolve(solver, {"a": {"1": [], "2a1": []}}, ["a>1"], policy=ResolutionPolicy(prereleases="disallow"))


def test_yanked_files_need_an_exact_pin_or_a_preference(solver):
    index = {"a": {"1": [], "2": Release(yanked="broken")}, "b": {"1": ["a==2"]}, "c": {"1": ["a>=1"]}}
    assert resolve(solver, index, ["a"]) == {"a": "1"}
    with pytest.raises(NoCandidate):
        resolve(solver, index, ["a>=2"])
    assert resolve(solver, index, ["a==2"]) == {"a": "2"}
    assert resolve(solver, index, ["c", "b"]) == {"a": "2", "b": "1", "c": "1"}
    assert resolve(solver, index, ["a"], preferences=["a==2"]) == {"a": "2"}
    assert resolve(solver, index, ["a"], constraints=["a==2"]) == {"a": "2"}


def test_a_pin_that_is_not_chosen_makes_no_yanked_version_count(solver):
    index = {
        "a": {"1": [], "2": Release(yanked="")},
        "b": {"2": ["a==2", "d"], "1": []},
        "c": {"1": ["a>=1"]},
        "d": {"1": ["b<2"]},
    }
    assert resolve(solver, index, ["b", "c"]) == {"a": "1", "b": "1", "c": "1"}


def test_requires_python_is_judged_by_file(solver):
    index = {"a": {"1": [], "2": Release(requires_python=">=3.12"), "1.5": Release(requires_python=">=3.6.*")}}
    assert resolve(solver, index, ["a"]) == {"a": "1.5"}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("highest", {"a": "2", "b": "2"}),
        ("lowest", {"a": "1", "b": "1"}),
        ("lowest-direct", {"a": "1", "b": "2"}),
    ],
)
def test_strategies(solver, strategy, expected):
    index = {"a": {"1": ["b"], "2": ["b"]}, "b": {"1": [], "2": []}}
    assert resolve(solver, index, ["a"], policy=ResolutionPolicy(strategy=strategy)) == expected


def test_lowest_prefers_the_public_version_too(solver):
    index = {"a": {"1.0": [], "1.0+cpu": [], "2": []}}
    assert resolve(solver, index, ["a"], policy=ResolutionPolicy(strategy="lowest")) == {"a": "1.0"}


def test_preferences_are_kept_where_they_fit(solver):
    index = {"a": {"1": ["b"], "2": ["b>=2"]}, "b": {"1": [], "2": [], "3": []}}
    first = Resolver(TARGET, MemorySource(index)).resolve(["a<2", "b<3"])
    assert resolve(solver, index, ["a", "b"], preferences=first.pins.values()) == {"a": "1", "b": "2"}
    assert resolve(solver, index, ["a>1", "b"], preferences=["a==1", "b==1"]) == {"a": "2", "b": "3"}


def candidate(url, version="5", requires=()):
    return DirectCandidate(
        name="a",
        version=Version(version),
        origin=Origin(url=url, kind="archive"),
        metadata=CoreMetadata(name="a", version=version, requires_dist=tuple(requires)),
    )


URL = "https://files.example/a-5-py3-none-any.whl"


def test_a_direct_reference_is_a_pin(solver):
    direct = {URL: candidate(URL, requires=["b"])}
    index = {"a": {"9": []}, "b": {"1": []}, "c": {"1": ["a>=2"]}}
    assert resolve(solver, index, [f"a @ {URL}", "c"], direct=direct) == {"a": "5", "b": "1", "c": "1"}
    with pytest.raises(ResolutionImpossible):
        resolve(solver, index, [f"a @ {URL}", "a>5"], direct=direct)


def test_a_direct_reference_below_and_as_a_constraint(solver):
    direct = {URL: candidate(URL)}
    index = {"a": {"9": []}, "b": {"1": [f"a @ {URL}"]}, "c": {"1": ["a"]}}
    assert resolve(solver, index, ["c", "b"], direct=direct) == {"a": "5", "b": "1", "c": "1"}
    assert resolve(solver, index, ["c"], constraints=[f"a @ {URL}"], direct=direct) == {"a": "5", "c": "1"}
    assert resolve(solver, index, ["c"], direct=direct) == {"a": "9", "c": "1"}


def test_a_path_is_a_requirement(solver, tmp_path):
    url = (tmp_path / "a").absolute().as_uri()
    assert resolve(solver, {}, [tmp_path / "a"], direct={url: candidate(url)}) == {"a": "5"}


def test_unknown_projects_and_projects_without_files(solver):
    with pytest.raises(ProjectNotFound) as unknown:
        resolve(solver, {"flask": {"1": []}}, ["flaskk"])
    assert unknown.value.hint == "did you mean flask?"
    with pytest.raises(NoCandidate) as none:
        resolve(solver, {"a": {"1": Release(files=["a-1-cp39-cp39-win_amd64.whl"])}}, ["a"])
    assert [one.reason for one in none.value.rejections] == ["wrong-tag"]


def test_an_unknown_project_below_only_rules_out_who_needs_it(solver):
    index = {"a": {"2": ["nowhere"], "1": []}}
    assert resolve(solver, index, ["a"]) == {"a": "1"}


def test_unreadable_metadata_rules_out_one_version(solver):
    index = {"a": {"2": ["b ;;; nonsense"], "1": []}}
    assert resolve(solver, index, ["a"]) == {"a": "1"}


def test_the_order_of_the_input_does_not_matter(solver):
    index = {
        "a": {"1": ["c"], "2": ["c<2"]},
        "b": {"1": ["c"], "2": ["c>=2", "d"]},
        "c": {"1": [], "2": ["d<2"], "3": ["d"]},
        "d": {"1": [], "2": []},
    }
    roots = ["a", "b", "d>=1", "c"]
    expected = resolve(solver, index, roots)
    for seed in range(10):
        random.Random(seed).shuffle(roots)
        assert resolve(solver, index, roots) == expected


def test_what_is_cached_does_not_matter(solver):
    index = {"a": {str(n): [f"b=={n}"] for n in range(1, 30)}, "b": {str(n): ["c<3"] for n in range(1, 30)}}
    index["c"] = {"3": [], "5": []}
    index["b"]["2"] = []
    cold = resolve(solver, index, ["a", "c"])
    source = MemorySource(index)
    assert resolve(solver, source, ["a", "c"]) == cold == {"a": "2", "b": "2", "c": "5"}
    source.calls.clear()
    assert resolve(solver, source, ["a", "c"]) == cold
    assert source.calls == []  # digests told everything


def test_bounds_end_in_an_error_that_tells(solver):
    index = {"a": {str(n): ["b"] for n in range(50)}, "b": {"1": ["c"]}, "c": {"1": []}}
    with pytest.raises(ResolutionTooDeep) as deep:
        resolve(solver, index, ["a"], policy=ResolutionPolicy(max_rounds=2))
    assert deep.value.context["rounds"] == 3
    with pytest.raises(ResolutionTooDeep):
        resolve(solver, index, ["a"], policy=ResolutionPolicy(deadline=1e-9))


def test_cancelling(solver):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        resolve(solver, {"a": {"1": []}}, ["a"], cancel=cancel)


def test_requirement_objects_and_bad_ones(solver):
    assert resolve(solver, {"a": {"1": []}}, [Requirement("a")]) == {"a": "1"}
    with pytest.raises(RequirementError):
        resolve(solver, {"a": {"1": []}}, ["a ==== 1"])
    with pytest.raises(RequirementError):
        resolve(solver, {"a": {"1": []}}, ["a"], preferences=["a>1"])


def test_hashes_restrict_files(solver):
    index = {"a": {"1": Release(hashes={"sha256": "11" * 32}), "2": Release(hashes={"sha256": "22" * 32})}}
    assert resolve(solver, index, ["a"], hashes={"A": ["sha256:" + "11" * 32]}) == {"a": "1"}
    with pytest.raises(NoCandidate):
        resolve(solver, index, ["a"], policy=ResolutionPolicy(require_hashes=True))


def test_the_same_question_is_answered_from_memory_until_a_page_changes(solver):
    source = MemorySource({"a": {"1": ["b"]}, "b": {"1": []}})
    first = Resolver(TARGET, source, None, solver).resolve(["a"])
    again = Resolver(TARGET, source, None, solver).resolve(iter(["a"]))
    assert again is first
    assert Resolver(TARGET, source, ResolutionPolicy(prereleases="allow"), solver).resolve(["a"]) is not first
    source.change("b", {"1": [], "2": []})
    changed = Resolver(TARGET, source, None, solver).resolve(["a"])
    assert str(changed.pins["b"].version) == "2"


def test_what_is_impossible_is_answered_from_memory_until_a_page_changes(solver):
    source = MemorySource({"a": {"1": ["b>=2"], "0": ["b>=2", "c"]}, "b": {"1": []}, "c": {"1": []}})

    def error(**options):
        with pytest.raises(ResolutionImpossible) as caught:
            Resolver(TARGET, source, None, solver).resolve(["a", "b"], **options)
        return caught.value

    first = error()
    asked = len(source.calls)
    first.add_note("of the first caller")
    again = error()
    assert len(source.calls) == asked
    assert again.to_dict() == first.to_dict() and again.derivation == first.derivation
    assert again is not first and not hasattr(again, "__notes__") and again.__context__ is None
    assert error().__traceback__ is not again.__traceback__
    source.change("b", {"1": [], "0": []})
    assert "0 to 1" in error().message
    source.change("b", {"2": []})
    assert str(Resolver(TARGET, source, None, solver).resolve(["a", "b"]).pins["b"].version) == "2"


def test_impossible_is_remembered_only_where_it_rests_on_pages_alone(solver):
    source = MemorySource({"a": {"1": ["b"]}, "b": {"1": []}, "c": {"1": ["unknown"]}})
    broken = True

    def metadata(name, version, artifacts):
        if name == "b" and broken:
            raise WheelBuildError("the compiler crashed")
        return MemorySource.metadata(source, name, version, artifacts)

    source.metadata = metadata
    resolver = Resolver(TARGET, source, None, solver)
    for root in ("a", "c"):
        with pytest.raises(ResolutionImpossible):
            resolver.resolve([root])
    broken = False
    source.change("unknown", {"1": []})
    assert resolver.resolve(["a"]).pins.keys() == {"a", "b"}
    assert resolver.resolve(["c"]).pins.keys() == {"c", "unknown"}


def test_unknown_extras_are_told_every_time(solver):
    source = MemorySource({"a": {"1": []}})
    for _ in range(2):
        events = []
        Resolver(TARGET, source, None, solver, events.append).resolve(["a[nope]"])
        assert any(isinstance(event, ExtraUnknown) for event in events)


SDIST, BOTH = Release(files=["a-3.tar.gz"]), Release(files=["a-2.tar.gz", "a-2-py3-none-any.whl"])


@pytest.mark.parametrize(
    ("index", "roots", "expected"),
    [
        ({"3": SDIST, "2": BOTH, "1": []}, ["a"], "2"),
        ({"3": SDIST, "2": BOTH, "1": []}, ["a>2"], "3"),
        ({"3": SDIST}, ["a"], "3"),
        ({"3": SDIST, "2.5rc1": []}, ["a"], "3"),  # a pre-release is no choice beside a final one
    ],
)
def test_a_wheel_is_worth_more_than_a_newer_version(solver, index, roots, expected):
    source = MemorySource({"a": index})
    for _ in range(2):  # the second time from digests
        assert resolve(solver, source, roots, policy=ResolutionPolicy(prefer_binary=True)) == {"a": expected}
    assert resolve(solver, source, ["a"]) == {"a": "3"}


def test_what_is_preferred_is_kept_though_only_another_version_has_a_wheel(solver):
    index = {"a": {"3": SDIST, "2": BOTH}}
    policy = ResolutionPolicy(prefer_binary=True)
    assert resolve(solver, index, ["a"], policy=policy, preferences=["a==3"]) == {"a": "3"}
