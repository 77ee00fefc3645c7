"""The main job on PyPI itself, judged by pip and uv."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import envkit

pytestmark = pytest.mark.live

PATIENCE: dict[str, Any] = {"timeout": 60.0, "retries": 10}
"""For a kit: a slow index is not what these tests are about."""
STACK = ["flask>=3", "requests[socks]", "rich", "numpy", "pandas"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    kit = envkit.Kit(cache_dir=folder / "cache", **PATIENCE)
    env = kit.create(folder / "env")
    resolution = kit.resolve(STACK, target=env)
    plan = kit.plan(env, resolution)
    report = kit.apply(env, plan)
    return kit, env, resolution, report


def test_the_stack_is_installed_and_can_be_imported(filled):
    _, env, resolution, report = filled
    assert {"flask", "numpy", "pandas", "pysocks", "requests", "rich", "werkzeug"} <= set(resolution.pins)
    assert {item.name for item in report.added} == set(resolution.pins)
    code = "import flask, requests, rich, numpy, pandas, socks; print(pandas.DataFrame({'a': numpy.arange(3)}).a.sum())"
    assert env.run(["python", "-c", code], capture_output=True, text=True, check=True).stdout == "3\n"


def test_there_is_no_pip_in_the_environment(filled):
    _, env, _, _ = filled
    assert env.run(["python", "-c", "import pip"], capture_output=True).returncode


def test_pip_agrees_with_the_freeze_and_finds_nothing_wrong(filled):
    kit, env, _, _ = filled
    # --python lets the pip of the tests look into an environment that has none
    pip = [sys.executable, "-m", "pip", "--python", str(env.root)]
    frozen = subprocess.run([*pip, "freeze", "--all"], capture_output=True, text=True, check=True).stdout
    assert frozen.splitlines() == list(kit.freeze(env))
    subprocess.run([*pip, "check"], capture_output=True, check=True)


@pytest.mark.skipif(shutil.which("uv", path=str(Path(sys.executable).parent)) is None, reason="uv is not installed")
def test_uv_finds_nothing_wrong(filled):
    _, env, _, _ = filled
    uv = str(Path(sys.executable).parent / "uv")
    python = str(env.root / "bin/python")
    subprocess.run([uv, "pip", "check", "--python", python], capture_output=True, check=True)
    listed = subprocess.run(
        [uv, "pip", "list", "--format", "json", "--python", python], capture_output=True, text=True, check=True
    )
    assert {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)} == {
        dist.name.lower().replace("_", "-"): dist.version for dist in env.distributions()
    }


def test_the_freezer_alone_says_the_same(filled):
    kit, env, _, _ = filled
    assert envkit.Freezer(env).freeze() == kit.freeze(env)


def test_asking_again_changes_nothing(filled):
    kit, env, _, _ = filled
    report = kit.install(env, STACK)
    assert not (report.added or report.replaced or report.removed)


def test_uninstalling_leaves_the_rest(tmp_path):
    kit = envkit.Kit(cache_dir=tmp_path / "cache", **PATIENCE)
    env = kit.create(tmp_path / "env")
    kit.install(env, ["rich"])
    kit.uninstall(env, ["rich"])
    names = {dist.name.lower() for dist in env.distributions()}
    assert "rich" not in names
    assert "pygments" in names
    assert env.run(["python", "-c", "import rich"], capture_output=True).returncode


def test_an_unknown_project_has_its_own_error(tmp_path):
    kit = envkit.Kit(cache_dir=tmp_path / "cache", **PATIENCE)
    env = kit.create(tmp_path / "env")
    with pytest.raises(envkit.ProjectNotFound, match="there-is-no-such-project-as-this"):
        kit.install(env, ["there-is-no-such-project-as-this"])
    assert env.distributions() == ()
