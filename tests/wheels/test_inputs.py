"""An unchanged folder is known again, and a changed one is not."""

import os
import subprocess
import time

import pytest

from envkit.cache import Cache
from envkit.wheels.inputs import folder_identity
from envkit.wheels.settings import DEFAULT_IGNORED, DEFAULT_INPUTS


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "project"
    for name in ("pyproject.toml", "src/pkg/__init__.py", "src/pkg/data.bin", "build/old.py", "src/build/kept.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def identity(tmp_path, folder, *, inputs=DEFAULT_INPUTS, ignored=DEFAULT_IGNORED, later=0.0):
    memo = Cache(tmp_path / "cache").bucket("notes")
    return folder_identity(str(folder), inputs=inputs, ignored=ignored, memo=memo, now=time.time() + later)


def test_the_same_content_is_the_same(tmp_path, folder):
    assert identity(tmp_path, folder) == identity(tmp_path, folder, later=10) == identity(tmp_path, folder, later=10)


@pytest.mark.parametrize("later", [0.0, 100.0])
@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "src/pkg/__init__.py").write_text("SRC/pkg/__init__.py"),
        lambda root: (root / "src/pkg/new.py").write_text(""),
        lambda root: (root / "src/pkg/data.bin").unlink(),
        lambda root: (root / "src/pkg/data.bin").chmod(0o755),
        lambda root: (root / "src/pkg/data.bin").rename(root / "src/pkg/moved.bin"),
        lambda root: (root / "src/build/kept.py").write_text("changed"),
        lambda root: (root / "link").symlink_to("elsewhere"),
    ],
)
def test_every_change_shows(tmp_path, folder, change, later):
    before = identity(tmp_path, folder, later=later)
    change(folder)
    assert identity(tmp_path, folder, later=later) != before


def test_a_change_that_keeps_size_and_time_shows_while_it_is_fresh(tmp_path, folder):
    path = folder / "src/pkg/data.bin"
    before = identity(tmp_path, folder)
    status = path.stat()
    path.write_text("x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert identity(tmp_path, folder) != before


@pytest.mark.parametrize(
    "name",
    ["build/new.py", "src/pkg/__pycache__/a.pyc", "demo.egg-info/PKG-INFO", ".venv/x", ".git/objects/x", "dist/a.whl"],
)
def test_what_builds_leave_behind_does_not_count(tmp_path, folder, name):
    before = identity(tmp_path, folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    assert identity(tmp_path, folder) == before


def test_inputs_can_be_named(tmp_path, folder):
    inputs = ("pyproject.toml", "src/**/*.py")
    before = identity(tmp_path, folder, inputs=inputs)
    (folder / "src/pkg/data.bin").write_text("changed")
    assert identity(tmp_path, folder, inputs=inputs) == before
    (folder / "src/top.py").write_text("new")
    assert identity(tmp_path, folder, inputs=inputs) != before


def test_the_version_in_git_counts(tmp_path, folder):
    def git(*arguments):
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@x.example", *arguments]
        subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "1")
    seen = [identity(tmp_path, folder)]
    git("tag", "v1")
    seen.append(identity(tmp_path, folder))
    git("commit", "-q", "--allow-empty", "-m", "2")
    seen.append(identity(tmp_path, folder))
    git("pack-refs", "--all")
    git("tag", "v2")
    seen.append(identity(tmp_path, folder))
    seen.append(identity(tmp_path, folder / "src"))
    assert len(set(seen)) == 5
