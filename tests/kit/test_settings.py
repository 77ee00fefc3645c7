"""What a kit may be made with: one thing for several, and nothing that is silently something else."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes


def test_one_folder_of_links_need_not_be_in_a_list(tmp_path):
    for name, data in [wheel_bytes("demo", "1.0")]:
        (tmp_path / name).write_bytes(data)
    for place in (tmp_path, str(tmp_path)):
        kit = envkit.Kit(indexes=(), find_links=place, cache_dir=tmp_path / "cache")
        resolution = kit.resolve("demo", target=envkit.Interpreter.current())
        assert str(resolution.pins["demo"].version) == "1.0"


def test_one_name_to_refresh_need_not_be_in_a_list(tmp_path):
    with LoopbackIndex(dict([wheel_bytes("demo", "1.0")])) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache")
        kit.resolve("demo", target=envkit.Interpreter.current())
        before = len(index.requests)
        kit.with_options(refresh="demo").resolve("demo", target=envkit.Interpreter.current())
        assert len(index.requests) > before


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"policy": {"strategy": "lowest"}}, "policy"),
        ({"reporter": "print"}, "reporter"),
        ({"without_record": "ignore"}, "without_record"),
        ({"indexes": None}, "indexes"),
        ({"find_links": 3}, "find_links"),
        ({"refresh": None}, "refresh"),
        ({"timeout": "10"}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"retries": 1.5}, "retries"),
        ({"retries": True}, "retries"),
        ({"retries": -1}, "retries"),
        ({"lock_timeout": "60"}, "lock_timeout"),
        ({"lock_timeout": None}, "lock_timeout"),
        ({"offline": "no"}, "offline"),
        ({"processes": "no"}, "processes"),
        ({"compile_bytecode": None}, "compile_bytecode"),
        ({"cache_dir": ""}, "cache_dir"),
        ({"cache_dir": b"cache"}, "cache_dir"),
        ({"cancel": True}, "cancel"),
        ({"executor": 4}, "executor"),
        ({"credentials": ("name", "password")}, "credentials"),
        ({"build": {"jobs": 2}}, "build"),
        ({"transport": "http"}, "transport"),
    ],
)
def test_what_is_no_such_thing_is_refused_with_its_name(options, name):
    with pytest.raises(envkit.RequirementError, match=f"^{name}: "):
        envkit.Kit(**options)
    with pytest.raises(envkit.RequirementError, match=f"^{name}: "):
        envkit.Kit().with_options(**options)


def test_the_page_about_kits_names_every_option_with_its_default():
    page = (Path(__file__).parents[2] / "docs" / "kit.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    options = inspect.signature(envkit.Kit).parameters
    assert set(rows) == set(options)
    for name, parameter in options.items():
        if isinstance(parameter.default, (bool, str)):
            assert rows[name] == f"`{parameter.default!r}`".replace("'", '"'), name


def test_an_argument_that_there_is_not_is_named():
    with pytest.raises(TypeError, match="'polices'"):
        envkit.Kit().with_options(polices=None)


def test_options_change_and_the_rest_stays(tmp_path):
    kit = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache", offline=True)
    twin = kit.with_options(cache_dir=None, offline=False)
    assert "cache_dir" in repr(kit)
    assert str(tmp_path) in repr(kit)
    assert str(tmp_path) not in repr(twin)


def test_distributions_without_a_record_go_when_a_kit_says_so(tmp_path):
    kit = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    site = Path(env.paths["purelib"])
    info = site / "lost-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lost\nVersion: 1.0\n")
    (site / "lost.py").write_text("")
    with pytest.raises(envkit.InstallError, match="lost"):
        kit.uninstall(env, "lost")
    assert os.path.exists(info)
    kit.with_options(without_record="forget").uninstall(env, "lost")
    assert kit.freeze(env) == ()
    assert os.path.exists(site / "lost.py")


def test_a_name_is_a_name_wherever_names_are_taken(tmp_path):
    files = dict([wheel_bytes("demo", "1.0"), wheel_bytes("demo", "2.0"), wheel_bytes("other", "1.0")])
    with LoopbackIndex(files) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache")
        env = kit.create(tmp_path / "env")
        kit.install(env, ("demo<2", "other"))
        assert kit.install(env, "demo", upgrade="demo").replaced[0].after == "2.0"
        assert [item.name for item in kit.install(env, "demo", reinstall="demo").replaced] == ["demo"]
        assert kit.repair(env, "demo").root
        assert kit.orphans(env, keep="demo") == ()
        kit.sync(env, kit.resolve("other", target=env), protect=["demo"])
        assert kit.freeze(env) == ("demo==2.0", "other==1.0")
        kit.uninstall(env, "demo")
        assert kit.freeze(env) == ("other==1.0",)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"deadline": "600"}, "deadline"),
        ({"deadline": 0}, "deadline"),
        ({"max_rounds": -1}, "max_rounds"),
        ({"max_failed_builds": None}, "max_failed_builds"),
        ({"requires_python": "three"}, "three"),
    ],
)
def test_a_policy_that_means_nothing_is_refused_with_the_name_of_what_is_wrong(options, name):
    with pytest.raises(envkit.RequirementError, match=name):
        envkit.ResolutionPolicy(**options)
