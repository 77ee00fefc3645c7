from __future__ import annotations

from pathlib import Path

import pytest
from packaging.markers import default_environment

import envkit
from envkit.kit.satisfied import satisfied_by
from envkit.model.distribution import InstalledDistribution
from envkit.model.target import Target
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

TARGET = Target(python="3.11.7", markers={**default_environment(), "extra": ""}, tags=("py3-none-any",))


def dist(name, version, *requires):
    return InstalledDistribution(name=name, version=version, path=Path(name), location=Path(), requires_dist=requires)


HERE = (
    dist("Flask", "3.1", "werkzeug>=3", "colorama; sys_platform == 'win32'", "asgiref>=3; extra == 'async'"),
    dist("werkzeug", "3.1"),
    dist("asgiref", "3.5"),
    dist("loop-a", "1", "loop-b"),
    dist("loop-b", "1", "loop-a[x]", "missing; extra == 'y'"),
    dist("legacy", "not a version"),
    dist("broken", "1", "what is this"),
    dist("half", "1", "werkzeug<3"),
    dist("pre", "2.0a1"),
)


@pytest.mark.parametrize(
    ("asked", "pins"),
    [
        (["flask"], {"flask", "werkzeug"}),
        (["flask[async]>=3"], {"flask", "werkzeug", "asgiref"}),
        (["flask", "flask[async]"], {"flask", "werkzeug", "asgiref"}),
        (["loop-a"], {"loop-a", "loop-b"}),
        (["nothing; sys_platform == 'win32'"], set()),
        (["pre>=1"], {"pre"}),
        ([], set()),
        (["flask<3"], None),
        (["missing"], None),
        (["loop-b[y]"], None),
        (["legacy"], None),
        (["broken"], None),
        (["half"], None),
        (["flask @ file:///x.whl"], None),
    ],
)
def test_what_is_installed_answers_or_does_not(asked, pins):
    found = satisfied_by(asked, HERE, TARGET)
    assert (None if found is None else set(found.pins)) == pins


def test_constraints_hold_for_what_is_pulled_in():
    assert satisfied_by(["flask"], HERE, TARGET, ["werkzeug<3.1"]) is None
    assert satisfied_by(["flask"], HERE, TARGET, ["werkzeug<4", "absent<1"]) is not None
    assert satisfied_by(["flask"], HERE, TARGET, ["werkzeug<3; sys_platform == 'win32'"]) is not None


def test_the_resolution_says_who_asked():
    found = satisfied_by(["flask[async]"], HERE, TARGET)
    assert found is not None
    assert (found.edges[0].parent, found.edges[0].child) == ("", "flask")
    assert {request.by for request in found.pins["asgiref"].requested_by} == {"flask"}
    assert found.pins["flask"].extras == ("async",)


def test_what_goes_while_it_is_looked_at_is_installed_again(tmp_path, monkeypatch):
    """Another thread uninstalls what was just found to be there: what is installed has no files to install it from."""
    from envkit.kit import operations

    with LoopbackIndex(dict([wheel_bytes("app", "1.0")])) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache")
        env = kit.create(tmp_path / "env")
        kit.install(env, "app")
        looked = operations._already_there

        def look_and_lose(*arguments):
            found = looked(*arguments)
            if found is not None:
                kit.uninstall(env, "app")
            return found

        monkeypatch.setattr(operations, "_already_there", look_and_lose)
        report = kit.install(env, "app")
        assert [item.name for item in report.added] == ["app"]
        assert kit.freeze(env) == ("app==1.0",)
