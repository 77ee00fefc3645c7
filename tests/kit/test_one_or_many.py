"""A text where a list belongs is one thing, in every layer; what is neither is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

import envkit
from envkit.testing.source import MemorySource
from envkit.testing.wheels import make_wheel

HERE = envkit.Interpreter.current()
SOURCE = MemorySource({"demo": {"1.0": []}, "other": {"1.0": ["demo"]}})


def resolver(**options):
    return envkit.Resolver(envkit.Target.of(HERE), SOURCE, **options)


@pytest.mark.parametrize("wanted", ["demo", Requirement("demo"), ("demo",), (text for text in ["demo"]), {"demo": 1}])
def test_requirements_of_a_resolver(wanted):
    assert list(resolver().resolve(wanted).pins) == ["demo"]


def test_constraints_overrides_and_preferences_of_a_resolver():
    found = resolver().resolve("demo", constraints="demo<2", overrides="demo==1.0", preferences="demo==1.0")
    assert list(found.pins) == ["demo"]


def test_requirements_of_a_lock():
    lock = resolver().lock(
        "demo", environments="sys_platform == 'linux'", constraints="demo<2", overrides="demo==1.0",
        groups={"dev": "other"}, extras={"more": "other"}, default_groups="dev",
    )  # fmt: skip
    assert {str(package.name) for package in lock.packages} == {"demo", "other"}
    assert lock.default_groups == ("dev",)
    with pytest.raises(envkit.LockError, match="no extra 'mroe'") as caught:
        lock.select(envkit.Target.of(HERE), extras="mroe")
    assert "more" in caught.value.hint


def test_a_path_is_no_name_for_a_lock():
    with pytest.raises(envkit.RequirementError, match=r"cannot hold a .*Path"):
        resolver().lock(Path("demo"))


def test_names_of_an_installer_and_of_a_policy(tmp_path):
    env = envkit.create(tmp_path / "env")
    with pytest.raises(envkit.InstallError, match=r"not installed: demo \(in "):
        envkit.Installer(env).uninstall("demo")
    policy = envkit.ResolutionPolicy(only_binary=["demo"], excluded="other", builds=["demo"])
    assert (policy.only_binary, policy.excluded, policy.builds) == (("demo",), ("other",), ("demo",))
    assert list(resolver(policy=policy).resolve("demo").pins) == ["demo"]


@pytest.mark.parametrize("wanted", [None, 3, [None], [b"demo"], [["demo"]]])
def test_what_is_no_requirement_is_refused(wanted):
    for resolve in (resolver().resolve, lambda wanted: envkit.Kit(indexes=()).resolve(wanted, target=HERE)):
        with pytest.raises(envkit.RequirementError, match="is no requirement") as caught:
            resolve(wanted)
        assert "texts" in caught.value.hint


def test_one_name_and_one_file_for_whoever_looks(tmp_path):
    make_wheel(tmp_path, "demo", "1.0", requires=["other"])
    make_wheel(tmp_path, "other", "1.0")
    make_wheel(tmp_path, "top", "1.0")
    with envkit.Kit(indexes=(), find_links=tmp_path, cache_dir=tmp_path / "cache") as kit:
        env = kit.create(tmp_path / "env")
        kit.install(env, ["demo", "top"])
        assert kit.freeze(env, exclude="demo") == ("other==1.0", "top==1.0")
        wanted = tmp_path / "wanted.txt"
        wanted.write_text("other\n")
        for one in (wanted, str(wanted)):
            assert kit.freeze(env, requirements=one, exclude="demo")[0] == "other==1.0"
        assert [node.name for node in kit.tree(env, "other")] == ["other"]
        freezer = envkit.Freezer(env)
        assert [row.name for row in freezer.list(exclude="demo")] == ["other", "top"]
        kit.uninstall(env, "demo")
        assert kit.orphans(env, keep="other") == ()
        assert kit.orphans(env) == ("other",)
