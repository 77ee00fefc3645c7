"""Universal locks: what they select is a valid resolution in every environment of their range."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from envkit.errors import EnvkitError, LockError, NoCandidate, RequirementError, ResolutionImpossible
from envkit.formats.lock import Lock
from envkit.model.identity import normalize
from envkit.model.listing import artifact_of
from envkit.model.policy import ResolutionPolicy
from envkit.model.requirement import parse_requirement
from envkit.model.target import Target
from envkit.resolve.lock_files import Files, original, presented
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

_PLATFORMS = [
    ("linux", "posix", "Linux"),
    ("darwin", "posix", "Darwin"),
    ("win32", "nt", "Windows"),
]
_MACHINES = ["x86_64", "arm64"]
_IMPLEMENTATIONS = [("cpython", "CPython"), ("pypy", "PyPy")]
PYTHONS = [f"3.{minor}.{micro}" for minor in range(8, 15) for micro in (0, 1, 3, 5, 7)]


def target(python: str, platform, machine: str, implementation) -> Target:
    short = ".".join(python.split(".")[:2])
    return Target(
        python=python,
        markers={
            "python_full_version": python, "python_version": short, "sys_platform": platform[0], "os_name": platform[1],
            "platform_system": platform[2], "platform_machine": machine, "implementation_name": implementation[0],
            "platform_python_implementation": implementation[1], "implementation_version": python,
            "platform_release": "1", "platform_version": "1",
        },
        tags=("py3-none-any",),
    )  # fmt: skip


TARGETS = [target(*parts) for parts in itertools.product(PYTHONS, _PLATFORMS, _MACHINES, _IMPLEMENTATIONS)]


def in_range(requires_python: str) -> list[Target]:
    return [one for one in TARGETS if SpecifierSet(requires_python).contains(one.python)]


SOME = in_range(">=3.9")[:3]


def check_everywhere(found: Lock, projects, roots, *, targets=None, extras=(), groups=()) -> None:
    """Assert that what the lock selects is what the requirements need, no more and no less, on each target."""
    for one in targets if targets is not None else in_range(found.requires_python or ""):
        pins = {name: str(pin.version) for name, pin in found.select(one, extras=extras, groups=groups).pins.items()}
        needed: set[str] = set()
        waiting = [(text, "") for text in roots]
        seen: set[tuple[str, str]] = set()
        while waiting:
            text, extra = waiting.pop()
            requirement = parse_requirement(text)
            if requirement.marker and not requirement.marker.evaluate({**one.markers, "extra": extra}):
                continue
            name = normalize(requirement.name)
            assert name in pins, (one.markers, text, pins)
            assert requirement.specifier.contains(pins[name], prereleases=True), (one.markers, text, pins)
            needed.add(name)
            release = projects[name][pins[name]]
            requires, python = (
                (release.requires, release.requires_python) if isinstance(release, Release) else (release, None)
            )
            assert python is None or SpecifierSet(python).contains(one.python), (one.python, name, pins)
            for wanted in ("", *map(normalize, requirement.extras)):
                if (name, wanted) not in seen:
                    seen.add((name, wanted))
                    waiting += [(text, wanted) for text in requires]
        assert needed == set(pins), (one.markers, needed, pins)


def R(*requires, python=None, extras=()):
    return Release(requires=requires, requires_python=python, extras=extras)


def lock(source, roots, *, policy=None, **options) -> Lock:
    return Resolver(TARGETS[0], source, policy).lock(roots, **options)


def locked(projects, roots, **options) -> Lock:
    return lock(MemorySource(projects), roots, **options)


def versions(found: Lock) -> dict[str, list[tuple[str, str | None]]]:
    table: dict[str, list[tuple[str, str | None]]] = {}
    for package in found.packages:
        table.setdefault(package.name, []).append((str(package.version), package.marker))
    return table


def test_one_resolution_serves_all():
    projects = {
        "app": {"1": R("tomli; python_version < '3.11'", "colorama; sys_platform == 'win32'", "core>=1")},
        "tomli": {"2": []}, "colorama": {"0.4": []}, "core": {"1": [], "2": R("colorama")},
    }  # fmt: skip
    found = locked(projects, ["app"])
    assert versions(found) == {
        "app": [("1", None)], "core": [("2", None)], "colorama": [("0.4", None)],
        "tomli": [("2", 'python_version < "3.11"')],
    }  # fmt: skip
    check_everywhere(found, projects, ["app"])


def test_the_same_version_for_all_pythons_where_there_is_one():
    projects = {"x": {"1": R(python=">=3.8"), "2": R(python=">=3.11")}}
    assert versions(locked(projects, ["x"])) == {"x": [("1", None)]}


def test_a_fork_where_no_version_serves_all():
    projects = {"x": {"1": R(python="<3.11"), "2": R(python=">=3.11")}}
    found = locked(projects, ["x"])
    assert versions(found) == {"x": [("1", 'python_version < "3.11"'), ("2", 'python_version >= "3.11"')]}
    check_everywhere(found, projects, ["x"])


def test_a_fork_where_requirements_exclude_each_other():
    projects = {
        "app": {"1": R("x<2; sys_platform=='win32'", "x>=2; sys_platform!='win32'", "y"), "0": []},
        "x": {"1": R("y<3"), "2": []}, "y": {"2": [], "3": []},
    }  # fmt: skip
    found = locked(projects, ["app"])
    assert versions(found)["app"] == [("1", None)]
    assert versions(found)["x"] == [("1", 'sys_platform == "win32"'), ("2", 'sys_platform != "win32"')]
    check_everywhere(found, projects, ["app"])
    roots = ["x<2; os_name == 'nt'", "x>=2; os_name != 'nt'"]
    check_everywhere(locked(projects, roots), projects, roots)


def test_a_fork_where_projects_exclude_each_other():
    projects = {
        "a": {"1": R("x<2; sys_platform=='win32'")}, "b": {"1": R("x>=2; sys_platform=='linux'")}, "x": {"1": [], "2": []}
    }  # fmt: skip
    found = locked(projects, ["a", "b"])
    check_everywhere(found, projects, ["a", "b"])


def test_a_cap_divides_only_where_nothing_serves_all():
    projects = {"x": {"1": R(), "2": R(python=">=3.9,<3.12")}}
    assert versions(locked(projects, ["x"])) == {"x": [("1", None)]}
    found = locked(projects, ["x", "x>=2; python_version<'3.12'"])
    assert versions(found) == {"x": [("1", 'python_version >= "3.12"'), ("2", 'python_version < "3.12"')]}
    check_everywhere(found, projects, ["x"])


def test_what_only_newer_pythons_need_may_need_them():
    """Neither is the older parent taken, nor the range divided, where a dependency is asked for by new Pythons alone."""
    projects = {
        "app": {"1": R(), "2": R("x>=2; python_version>='3.11'", "backport; python_version<'3.11'")},
        "x": {"1": R(), "2": R(python=">=3.11")}, "backport": {"1": R(python=">=3.8,<3.11")},
    }  # fmt: skip
    found = locked(projects, ["app"])
    assert versions(found) == {
        "app": [("2", None)], "x": [("2", 'python_version >= "3.11"')], "backport": [("1", 'python_version < "3.11"')],
    }  # fmt: skip
    check_everywhere(found, projects, ["app"])


def test_an_open_range_is_for_the_pythons_that_there_are():
    projects = {"x": {"1": R(python=">=3.8,<4.0")}}
    assert versions(locked(projects, ["x"])) == {"x": [("1", None)]}


def test_the_files_of_every_fork_are_kept():
    """Each part of the range sees only the wheels that it can use; a version that serves both has those of both."""
    wheels = [f"both-1-cp3{minor}-cp3{minor}-win_amd64.whl" for minor in (9, 12)]
    projects = {
        "both": {"1": Release(files=wheels)}, "x": {"1": R(python="<3.11"), "2": R(python=">=3.11")},
    }  # fmt: skip
    found = locked(projects, ["both", "x"], requires_python=">=3.9,<3.13")
    assert len(versions(found)["x"]) == 2
    assert [one.filename for one in found.package("both")[0].artifacts] == [wheels[1], wheels[0]]


_LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
_WINDOWS = "sys_platform == 'win32' and platform_machine == 'AMD64'"


def wheels(name: str, version: str, *tags: str) -> Release:
    return Release(files=[f"{name}-{version}-{tag}.whl" for tag in tags])


LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
WINDOWS = {"sys_platform": "win32", "platform_machine": "AMD64"}


def there(found: Lock, name: str, environment) -> list[str]:
    """Give the versions of a project in one environment."""
    markers = {**TARGETS[0].markers, **environment}
    return [text for text, marker in versions(found)[name] if not marker or Marker(marker).evaluate(markers)]


def test_required_environments_have_files():
    linux, windows = "py3-none-manylinux_2_28_x86_64", "py3-none-win_amd64"
    projects = {"x": {"1": wheels("x", "1", linux, windows), "2": wheels("x", "2", linux)}}
    required = [_LINUX, _WINDOWS]
    assert versions(locked(projects, ["x"])) == {"x": [("2", None)]}
    assert versions(locked(projects, ["x"], required_environments=required)) == {"x": [("1", None)]}
    assert versions(locked(projects, ["x"], required_environments=required[:1])) == {"x": [("2", None)]}
    # what needs the newer one where it has files gets it there
    projects["app"] = {"1": R("x; sys_platform=='win32'", "x>=2; sys_platform!='win32'")}
    found = locked(projects, ["app"], required_environments=required)
    assert (there(found, "x", WINDOWS), there(found, "x", LINUX)) == (["1"], ["2"])
    # nothing is required of what is not needed there
    projects["app"] = {"1": R("x>=2; sys_platform=='linux'")}
    assert versions(locked(projects, ["app"], required_environments=required))["x"] == [
        ("2", 'sys_platform == "linux"')
    ]


def test_a_fork_where_no_version_has_files_for_all_that_is_required():
    projects = {"x": {"1": wheels("x", "1", "py3-none-win_amd64"), "2": wheels("x", "2", "py3-none-linux_x86_64")}}
    found = locked(projects, ["x"], required_environments=[_LINUX, _WINDOWS])
    assert (there(found, "x", WINDOWS), there(found, "x", LINUX)) == (["1"], ["2"])
    assert len(found.packages) == 2


def test_required_environments_want_every_python_of_the_range():
    tags = [f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64" for minor in range(9, 13)]
    projects = {"x": {"1": wheels("x", "1", *tags), "2": wheels("x", "2", *tags[1:])}}
    options = {
        "requires_python": ">=3.9,<3.13",
        "required_environments": [_LINUX + " and implementation_name == 'cpython'"],
    }
    assert versions(locked(projects, ["x"], **options)) == {"x": [("1", None)]}
    found = versions(
        locked({"x": {"2": projects["x"]["2"], "0": R()}}, ["x>=2; python_version>='3.10'", "x"], **options)
    )
    assert {version for version, _ in found["x"]} == {"0", "2"}


def test_who_leaves_the_implementation_open_is_told_that_pypy_is_meant_too():
    projects = {"x": {"1": wheels("x", "1", "cp312-cp312-manylinux_2_28_x86_64")}}
    options = {"requires_python": "==3.12.*", "policy": ResolutionPolicy(only_binary=(":all:",))}
    with pytest.raises(NoCandidate) as caught:
        locked(projects, ["x"], required_environments=[_LINUX], **options)
    assert "implementation_name == 'cpython'" in caught.value.hint
    with pytest.raises(NoCandidate) as caught:
        locked(projects, ["x"], required_environments=[_WINDOWS + " and implementation_name == 'cpython'"], **options)
    assert "implementation_name" not in caught.value.hint


def test_a_required_environment_without_files_is_an_error():
    projects = {"x": {"1": wheels("x", "1", "py3-none-linux_x86_64")}}
    source = MemorySource(projects)
    for _ in range(2):  # from the page, then from what was kept of it
        with pytest.raises(NoCandidate, match=r"no version of x .* required: sys_platform == \"win32\""):
            lock(source, ["x"], required_environments=[_WINDOWS])
    with pytest.raises(LockError, match="outside of what the lock is for"):
        lock(source, ["x"], required_environments=[_WINDOWS], environments=["sys_platform == 'linux'"])
    built = {"x": {"1": Release(files=["x-1.tar.gz"])}}
    assert versions(locked(built, ["x"], required_environments=[_WINDOWS])) == {"x": [("1", None)]}
    with pytest.raises(NoCandidate):
        locked(built, ["x"], required_environments=[_WINDOWS], policy=ResolutionPolicy(only_binary=(":all:",)))


def test_a_lock_that_lacks_required_files_is_made_anew():
    projects = {"x": {"1": wheels("x", "1", "py3-none-any"), "2": wheels("x", "2", "py3-none-linux_x86_64")}}
    first = locked(projects, ["x"])
    again = locked(projects, ["x"], previous=first, required_environments=[_WINDOWS])
    assert (versions(first)["x"], versions(again)["x"]) == ([("2", None)], [("1", None)])


def test_each_part_keeps_its_own_versions():
    """Where a project has several versions in the previous lock, each environment goes on with its own."""
    marks = ["; sys_platform=='win32'", "; sys_platform!='win32'"]
    projects = {"x": {"1": [], "2": [], "3": [], "4": []}, "y": {"1": []}}
    first = locked(projects, [f"x<2{marks[0]}", f"x<4,>=2{marks[1]}"])
    again = locked(projects, [f"x<3{marks[0]}", f"x>=3{marks[1]}", "y"], previous=first)
    assert versions(again)["x"] == [("1", 'sys_platform == "win32"'), ("3", 'sys_platform != "win32"')]


def test_extras_and_groups_and_conflicts():
    projects = {"a": {"1": []}, "b": {"1": R("c; extra=='x'", extras=["x"])}, "c": {"1": [], "2": []}}
    found = locked(projects, ["a"], extras={"Big": ["b[x]"]}, groups={"dev": ["c<2"]})
    assert versions(found)["c"] == [("1", '"big" in extras or "dev" in dependency_groups')]
    check_everywhere(found, projects, ["a"], targets=SOME)
    check_everywhere(found, projects, ["a", "b[x]"], targets=SOME, extras=["big"])
    check_everywhere(found, projects, ["a", "c<2"], targets=SOME, groups=["dev"])
    with pytest.raises((ResolutionImpossible, NoCandidate)):
        locked(projects, [], extras={"one": ["c==1"], "two": ["c==2"]})
    found = locked(projects, [], extras={"one": ["c==1"], "two": ["c==2"]}, conflicts=[["extra:one", "extra:two"]])
    check_everywhere(found, projects, ["c==1"], targets=SOME, extras=["one"])
    check_everywhere(found, projects, ["c==2"], targets=SOME, extras=["two"])


def test_conflicting_choices_are_refused():
    options = {"extras": {"One": ["c==1"], "two": ["c==2"]}, "groups": {"old": ["c<2"]}, "requires_python": ">=3.9"}
    source = MemorySource({"c": {"1": Release(hashes={"sha256": "0" * 64}), "2": Release(hashes={"sha256": "1" * 64})}})
    conflicts = [["extra:one", "extra:two"], ["extra:two", "group:old"]]
    found = lock(source, [], conflicts=conflicts, constraints=["c<9"], overrides=["unused==1"], **options)
    again = Lock.parse(found.to_pylock())
    assert again.conflicts == found.conflicts == (("extra:one", "extra:two"), ("extra:two", "group:old"))
    assert found.from_dict(found.to_dict()) == found
    for one in (found, again):
        assert there_with(one, extras=["one"], groups=["old"]) == {"c": "1"}
        assert there_with(one, extras=["two"]) == {"c": "2"}
        for extras, groups in ((["one", "two"], []), (["two"], ["old"])):
            with pytest.raises(LockError, match="exclude each other"):
                one.select(SOME[0], extras=extras, groups=groups)
            with pytest.raises(LockError, match="exclude each other"):
                one.to_requirements(extras=extras, groups=groups)
    source.calls.clear()
    assert lock(
        source, [], conflicts=conflicts, constraints=["c<9"], overrides=["unused==1"], previous=again, **options
    ).roots
    assert not source.calls
    with pytest.raises((ResolutionImpossible, NoCandidate)):  # what excluded each other no longer does
        lock(source, [], previous=again, **options)
    for wrong in ("extra:three", "cpu", "group:one"):
        with pytest.raises(LockError, match="a conflict is between"):
            lock(source, [], conflicts=[["extra:one", wrong]], **options)
    for flat in ("extra:one", ["extra:one"], ["extra:one", "extra:two"], [["extra:one", "extra:two"], "group:old"]):
        # A text is not its letters: each conflict is a list, as one choice alone excludes nothing.
        with pytest.raises(RequirementError, match=r"'extra:one'|'group:old'") as caught:
            lock(source, [], conflicts=flat, **options)
        assert "[[" in (caught.value.hint or "")
    with pytest.raises(RequirementError, match="conflicts: int"):
        lock(source, [], conflicts=[[1, 2]], **options)
    many = {f"e{at}": ["c"] for at in range(20)}
    with pytest.raises(LockError, match="more than 64 ways"):
        lock(source, [], extras=many, conflicts=[[f"extra:e{at}", f"extra:e{at + 1}"] for at in range(0, 20, 2)])


def there_with(found: Lock, extras=(), groups=()):
    return {name: str(pin.version) for name, pin in found.select(SOME[0], extras=extras, groups=groups).pins.items()}


def test_environments_limit():
    projects = {"a": {"1": R("b; sys_platform=='win32'")}}
    found = locked(projects, ["a"], environments=["sys_platform == 'linux'"])  # b does not exist
    assert set(versions(found)) == {"a"}
    with pytest.raises(LockError, match="not for environments"):
        found.select(next(one for one in TARGETS if one.markers["sys_platform"] == "win32" and one.python == "3.9.0"))


def test_overrides_and_constraints():
    projects = {"a": {"1": R("b<2; python_version<'3.12'")}, "b": {"1": [], "2": [], "3": []}}
    found = locked(projects, ["a"], overrides=["b>=2"], constraints=["b<3"])
    assert versions(found)["b"] == [("2", 'python_version < "3.12"')]


def test_conditional_constraints_divide_where_they_must():
    projects = {"a": {"1": R("b")}, "b": {"1": [], "2": [], "3": []}}
    limits = ["b<2; sys_platform=='win32'"]
    assert versions(locked(projects, ["a"], constraints=limits))["b"] == [("1", None)]  # one version for all
    roots = ["a", "b>=2; sys_platform=='linux'"]
    found = locked(projects, roots, constraints=limits)
    assert (there(found, "b", WINDOWS), there(found, "b", LINUX)) == (["1"], ["3"])
    found = locked(projects, ["a"], overrides=["b==1; sys_platform=='win32'", "b==2; sys_platform!='win32'"])
    assert (there(found, "b", WINDOWS), there(found, "b", LINUX)) == (["1"], ["2"])
    found = locked(projects, ["a"], constraints=["b==1; sys_platform=='win32'", "b==2; sys_platform!='win32'"])
    assert (there(found, "b", WINDOWS), there(found, "b", LINUX)) == (["1"], ["2"])


def test_what_was_locked_stays():
    projects = {"a": {"1": ["b"]}, "b": {"1": []}}
    source = MemorySource(projects)
    first = lock(source, ["a"])
    source.change("b", {"1": [], "2": []})
    source.calls.clear()
    again = lock(source, ["a"], previous=first)
    assert again == first
    assert not source.calls  # nothing was looked up
    assert lock(source, ["a>=1"], previous=first).packages == first.packages
    more = lock(source, ["a", "b"], previous=first)
    assert versions(more)["b"] == [("1", None)]
    upgraded = lock(source, ["a"], previous=first.upgrade(["b"]))
    assert versions(upgraded)["b"] == [("2", None)]
    assert [change.to_dict()["after"] for change in first.diff(upgraded)] == [["2"]]


def test_what_was_written_stays(tmp_path):
    source = MemorySource({"a": {"1": Release(requires=["b"], hashes={"sha256": "0" * 64})},
                           "b": {"1": Release(hashes={"sha256": "1" * 64})}})  # fmt: skip
    options = {"requires_python": ">=3.9,<4", "environments": ["sys_platform == 'linux'"], "groups": {"dev": ["b"]}}
    first = lock(source, ["a"], **options)
    (tmp_path / "pylock.toml").write_text(first.to_pylock())
    source.calls.clear()
    again = lock(source, ["a"], previous=Lock.read(tmp_path / "pylock.toml"), **options)
    assert not source.calls
    assert again.to_pylock() == first.to_pylock()


def test_platforms_that_do_not_exist_need_nothing():
    """Windows is told by three variables; what asks for it and against it is never asked."""
    projects = {"c": {"1": R("a>=2; os_name=='nt'")}, "a": {"1": []}}
    found = locked(projects, ["c; sys_platform!='win32'"])
    assert versions(found) == {"c": [("1", 'sys_platform != "win32"')]}
    found = locked({**projects, "c": {"1": R("a>=2; sys_platform=='win32'")}}, ["c; platform_system!='Windows'"])
    assert set(versions(found)) == {"c"}
    for text in ("sys_platform in 'linux darwin'", "'linux' in sys_platform"):
        found = locked({**projects, "c": {"1": R(f"a>=2; {text}")}}, ["c; os_name=='nt'"])
        assert versions(found) == {"c": [("1", 'os_name == "nt"')]}


def test_impossible_says_where():
    projects = {"a": {"1": R("b>=2; sys_platform=='win32'")}, "b": {"1": []}}
    with pytest.raises(EnvkitError) as caught:
        locked(projects, ["a"])
    assert "win32" in str(caught.value.context.get("environments"))


def test_written_and_read_again():
    projects = {
        "a": {
            "1": Release(hashes={"sha256": "0" * 64}),
            "2": Release(requires_python=">=3.12", hashes={"sha256": "1" * 64}),
        }
    }
    found = locked(projects, ["a<2; python_version<'3.12'", "a>=2; python_version>='3.12'"])
    again = Lock.parse(found.to_pylock())
    assert versions(again) == versions(found)
    assert again.roots == found.roots
    assert "--hash=sha256:" in found.to_requirements()


_NAMES = "abcdef"
_MARKS = st.sampled_from(
    ["", "", "", "; python_version<'3.11'", "; python_version>='3.11'", "; sys_platform=='win32'", "; sys_platform!='win32'",
     "; python_full_version<'3.10.2'", "; platform_machine=='arm64' and python_version<'3.13'", "; os_name=='nt'",
     "; implementation_name=='pypy'", "; extra=='x'", "; extra=='x' and sys_platform=='linux'"]
)  # fmt: skip
_REQUIREMENTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(_NAMES),
    st.sampled_from(["", "", "[x]"]),
    st.sampled_from(["", "", ">=2", "<2", "==1", "!=1"]),
    _MARKS,
)
_RELEASES = st.builds(
    lambda requires, python: Release(requires=tuple(requires), requires_python=python, extras=("x",)),
    st.lists(_REQUIREMENTS, max_size=3),
    st.sampled_from([None, None, None, ">=3.9", ">=3.11", "<3.12", ">=3.9,<3.14"]),
)
_WORLDS = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from("123"), _RELEASES, min_size=1) for name in _NAMES}
)


@given(_WORLDS, st.lists(_REQUIREMENTS, min_size=1, max_size=3))
@settings(max_examples=30)
def test_valid_in_sampled_environments(projects, roots):
    """Where there is a lock it is right in every sampled environment; where there is none, some environment has none."""
    check_against_single_environments(projects, roots)


def check_against_single_environments(projects, roots) -> None:
    chosen = random.Random(0).sample(in_range(">=3.9"), 40)
    try:
        found = locked(projects, roots, policy=ResolutionPolicy(deadline=600))
    except (ResolutionImpossible, NoCandidate):
        failed = 0
        for one in in_range(">=3.9"):
            try:
                Resolver(one, MemorySource(projects)).resolve(roots)
            except EnvkitError:
                failed += 1
                break
        assert failed, "every environment can be resolved by itself"
        return
    check_everywhere(found, projects, roots, targets=chosen)


_MORE_MARKS = st.one_of(_MARKS, st.sampled_from(
    ["; python_full_version>='3.11.5'", "; os_name!='nt'", "; platform_system=='Darwin'", "; sys_platform in 'linux darwin'",
     "; sys_platform=='darwin' and platform_machine=='x86_64'", "; platform_python_implementation!='CPython'",
     "; extra!='x'", "; extra=='x' or python_version<'3.12'"]
))  # fmt: skip
_MORE_REQUIREMENTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(_NAMES),
    st.sampled_from(["", "", "[x]"]),
    st.sampled_from(["", "", ">=2", "<2", "==1", "!=1", "!=2", "<3"]),
    _MORE_MARKS,
)
_MORE_RELEASES = st.builds(
    lambda requires, python: Release(requires=tuple(requires), requires_python=python, extras=("x",)),
    st.lists(_MORE_REQUIREMENTS, max_size=4),
    st.sampled_from([None, None, None, ">=3.9", ">=3.11", "<3.12", ">=3.9,<3.14", ">=3.10.2", "!=3.12.*"]),
)
_MORE_WORLDS = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from("1234"), _MORE_RELEASES, min_size=2) for name in _NAMES}
)


@pytest.mark.slow
@given(_MORE_WORLDS, st.lists(_MORE_REQUIREMENTS, min_size=1, max_size=4))
@settings(max_examples=2_000)
def test_valid_in_sampled_environments_of_harder_worlds(projects, roots):
    check_against_single_environments(projects, roots)


def test_files_come_back_as_they_were_from_what_the_solver_sees():
    rows = [
        ("a-1-1-cp311-cp311-win32.whl", "https://f.example/x/", "0" * 64, 5, ">=3", "bad", "2024-01-01", {}, "proof"),
        ("a-1.tar.gz", "=https://f.example/y?file=a-1.tar.gz", {}, None, None, None, None, None, None),
        ("a-2.tar.gz", "https://f.example/", {}, None, ">=3,\n<4", None, None, None, "x\ny"),
    ]
    for row in rows:
        seen = artifact_of(presented(row), "index")
        assert (seen.requires_python, seen.filename.endswith(("-none-any.whl", ".tar.gz"))) == (None, True)
        wanted = artifact_of(row, "index")
        assert original(seen) == replace(wanted, requires_python=row[4] and row[4].replace("\n", " "))
    with pytest.raises(LockError):
        original(artifact_of(rows[0], None))


def test_a_name_with_a_line_end_is_no_file():
    files = Files(((3, 9), (3, 13)), lambda _: True)
    row = ("a-1\n.tar.gz", "", {}, None, None, None, None, None, None)
    assert files.usable("a", [row], set()) == []
