"""Who installs what something else cannot do with is told so, as by pip."""

from __future__ import annotations

from pathlib import Path

import pytest

import envkit
from envkit.testing.wheels import make_wheel


@pytest.fixture
def kit(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(folder, "base", version)
    make_wheel(folder, "app", "1.0", requires=["base>=2", "base<9; extra == 'x'"], files={"app.py": ""})
    make_wheel(folder, "other", "1.0", requires=["base"], files={"other.py": ""})
    make_wheel(folder, "elsewhere", "1.0", requires=["base>=2; python_version < '3'"], files={"elsewhere.py": ""})
    return envkit.Kit(indexes=(), find_links=folder, cache_dir=tmp_path / "cache")


def test_requirements_that_are_lost_are_told(kit, tmp_path):
    env = kit.create(tmp_path / "env")
    assert kit.install(env, ["app", "other", "elsewhere", "base"]).warnings == ()
    report = kit.install(env, "base==1.0")
    assert report.warnings == ("app 1.0 needs base>=2, and has base 1.0",)
    assert "app 1.0 needs base>=2" in str(report)
    assert [problem.project for problem in kit.check(env)] == ["app"]


def test_what_was_broken_before_is_not_told_again(kit, tmp_path):
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app"])
    kit.install(env, "base==1.0")
    assert kit.install(env, "other").warnings == ()
    assert kit.install(env, "base==1.0", reinstall=True).warnings == ()
    assert kit.install(env, "app").warnings == ()  # which mends it
    assert kit.check(env) == ()


def test_versions_and_requirements_that_nobody_can_read_are_no_obstacle(kit, tmp_path):
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app"])
    (metadata,) = Path(env.paths["purelib"]).glob("app-*/METADATA")
    odd = "base ><", "base; python_version < 'new'", "base; extra > '1'"
    metadata.write_text(metadata.read_text() + "".join(f"Requires-Dist: {text}\n" for text in odd))
    assert kit.install(env, "base==1.0").warnings == ("app 1.0 needs base>=2, and has base 1.0",)
