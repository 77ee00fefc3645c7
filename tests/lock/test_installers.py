"""pip and uv install from the lock that envkit writes, and envkit reads the ones that they write."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from envkit.cache import Cache
from envkit.environment.environment import Environment
from envkit.formats.lock import Lock
from envkit.index.client import IndexClient
from envkit.inspection.freezer import Freezer
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.source import IndexSource
from envkit.model.target import Target
from envkit.resolve.resolver import Resolver
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import sdist_bytes, wheel_bytes
from tests.freeze.places import make, pip, run, uv
from tests.lock.test_universal import TARGETS, in_range

LOOPBACK = {"UV_OFFLINE": "false"}


@pytest.fixture(scope="module")
def index():
    files = dict(
        [
            wheel_bytes("app", "1.0", requires=["lib>=1", "old; python_version<'3.8'", "win; sys_platform=='win32'"]),
            wheel_bytes("lib", "1.0"),
            wheel_bytes("lib", "2.0", requires=["lib-extra[fast]"]),
            wheel_bytes("lib-extra", "3", extras={"fast": ["speed"]}),
            wheel_bytes("speed", "1.1"),
            wheel_bytes("win", "1"),
            wheel_bytes("dev-tool", "5"),
            sdist_bytes("lib", "2.0"),
        ]
    )
    with LoopbackIndex(files) as running:
        yield running


@pytest.fixture
def source(index, tmp_path):
    cache = Cache(tmp_path / "cache")
    client = IndexClient([index.url], cache=cache)
    yield IndexSource(client, cache.bucket("digests", version=1))
    client.close()


@pytest.fixture
def found(source) -> Lock:
    return Resolver(TARGETS[0], source).lock(["app"], requires_python=">=3.9", groups={"dev": ["dev-tool"]})


def frozen(python: Path) -> list[str]:
    return list(Freezer(Environment.open(python.parent.parent)).freeze())


WANTED = ["app==1.0", "lib==2.0", "lib-extra==3", "speed==1.1"]


def test_what_is_locked(found):
    assert {package.name: package.marker for package in found.packages} == {
        "app": None, "lib": None, "lib-extra": None, "speed": None, "win": 'sys_platform == "win32"',
        "dev-tool": '"dev" in dependency_groups',
    }  # fmt: skip
    lib = found.package("lib")[0]
    assert [artifact.is_wheel for artifact in lib.artifacts] == [True, False]
    assert all(artifact.hashes["sha256"] for artifact in lib.artifacts)


def test_locking_again_uses_digests(found, source):
    again = Resolver(TARGETS[0], source).lock(["app"], requires_python=">=3.9", groups={"dev": ["dev-tool"]})
    assert again == found


def test_pip_installs_it(found, tmp_path):
    (tmp_path / "pylock.toml").write_text(found.to_pylock())
    python = make(tmp_path / "env", "uv")
    pip(python, "install", "-q", "-r", tmp_path / "pylock.toml")
    assert frozen(python) == WANTED


def test_uv_installs_it(found, tmp_path):
    (tmp_path / "pylock.toml").write_text(found.to_pylock())
    python = make(tmp_path / "env", "uv")
    run(uv(), "pip", "sync", "-q", "--preview", "--python", python, "--cache-dir", tmp_path / "uv", tmp_path / "pylock.toml",
        environ=LOOPBACK)  # fmt: skip
    assert frozen(python) == WANTED


def test_pip_installs_its_requirements(found, index, tmp_path):
    (tmp_path / "requirements.txt").write_text(found.to_requirements())
    python = make(tmp_path / "env", "uv")
    pip(python, "install", "-q", "--require-hashes", "-i", index.url, "-r", tmp_path / "requirements.txt")
    assert frozen(python) == WANTED


def test_reads_what_uv_writes(index, tmp_path):
    (tmp_path / "in.txt").write_text("app\n")
    run(uv(), "pip", "compile", "-q", "--universal", "--python-version", "3.9", "--format", "pylock.toml", "--index-url",
        index.url, "--cache-dir", tmp_path / "uv", "-o", tmp_path / "pylock.toml", tmp_path / "in.txt",
        environ=LOOPBACK)  # fmt: skip
    theirs = Lock.read(tmp_path / "pylock.toml")
    pins = theirs.select(Target.of(Environment.open(Path(sys.prefix)).interpreter)).pins
    assert [f"{name}=={pin.version}" for name, pin in pins.items()] == WANTED
    assert all(pin.artifacts[0].hashes for pin in pins.values())


def test_reads_what_pip_writes(index, tmp_path):
    run(sys.executable, "-m", "pip", "lock", "-q", "-i", index.url, "-o", tmp_path / "pylock.toml", "app")
    theirs = Lock.read(tmp_path / "pylock.toml")
    pins = theirs.select(Target.of(Environment.open(Path(sys.prefix)).interpreter)).pins
    assert [f"{name}=={pin.version}" for name, pin in pins.items()] == WANTED


def test_reads_what_uv_locks(index, tmp_path):
    """uv's own export is the oracle for what its lock means."""
    (tmp_path / "pyproject.toml").write_text(
        """[project]
name = "project"
version = "0"
requires-python = ">=3.9"
dependencies = ["app"]
[project.optional-dependencies]
quick = ["speed; python_version >= '3.11'"]
[dependency-groups]
dev = ["dev-tool"]
"""
    )
    run(uv(), "lock", "-q", "--default-index", index.url, "--python", sys.executable, "--cache-dir", tmp_path / "uv",
        cwd=tmp_path, environ=LOOPBACK)  # fmt: skip
    run(uv(), "export", "-q", "--frozen", "--python", sys.executable, "--format", "pylock.toml", "--no-emit-project", "-o",
        "pylock.toml", cwd=tmp_path, environ=LOOPBACK)  # fmt: skip
    ours, theirs = Lock.read(tmp_path / "uv.lock"), Lock.read(tmp_path / "pylock.toml")
    assert (ours.extras, ours.groups, ours.default_groups) == (("quick",), ("dev",), ("dev",))
    for one in random.Random(1).sample(in_range(">=3.9"), 60):
        ours_there = {name: (pin.version, pin.artifacts) for name, pin in ours.select(one).pins.items()}
        theirs_there = {name: (pin.version, pin.artifacts) for name, pin in theirs.select(one).pins.items()}
        assert ours_there.keys() == theirs_there.keys()
        for name, (version, artifacts) in ours_there.items():
            assert version == theirs_there[name][0]
            assert [one.hashes for one in artifacts] == [one.hashes for one in theirs_there[name][1]]
    newer = next(one for one in in_range(">=3.11"))
    assert "speed" in ours.select(newer, extras=["quick"]).pins


def test_reads_conflicts_as_uv_means_them(tmp_path):
    """Where extras conflict, uv's markers ask for made-up extras."""
    files = dict(
        [
            wheel_bytes("dep", "1.5"),
            wheel_bytes("dep", "2.5"),
            wheel_bytes("top", "1", requires=["dep"]),
            wheel_bytes("other", "1", requires=["dep"]),
        ]
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "me_x"\nversion = "0"\nrequires-python = ">=3.10"\ndependencies = ["other"]\n'
        '[project.optional-dependencies]\ncpu = ["dep<2", "top"]\ngpu = ["dep>=2", "top"]\n'
        '[dependency-groups]\nold = ["dep<2"]\n[tool.uv]\npackage = false\n'
        'conflicts = [[{extra = "cpu"}, {extra = "gpu"}], [{group = "old"}, {extra = "gpu"}]]\n'
    )
    options = ["--cache-dir", tmp_path / "uv", "--python", sys.executable, "-q"]
    with LoopbackIndex(files) as index:
        run(uv(), "lock", "--default-index", index.url, *options, cwd=tmp_path, environ=LOOPBACK)
    lock = Lock.read(tmp_path / "uv.lock")
    for extras, groups in (((), ()), (["cpu"], ()), (["gpu"], ()), ((), ["old"]), (["cpu"], ["old"])):
        wanted = [*(f"--extra={name}" for name in extras), *(f"--group={name}" for name in groups)]
        said = run(
            uv(), "export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", *wanted, *options, cwd=tmp_path
        )
        pins = lock.select(Target.of(Interpreter.current()), extras=extras, groups=groups).pins
        assert sorted(f"{name}=={pin.version}" for name, pin in pins.items()) == sorted(said.split())
