"""A workspace with sources of each kind, forks and conflicting extras, locked by uv: read as uv itself reads it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import envkit
from envkit.formats.lock import Lock
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import make_wheel, sdist_bytes, wheel_bytes
from tests.freeze.places import run, uv

BACKEND = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
FILES = dict(
    [
        wheel_bytes("dep", "1.0", requires=["sub; sys_platform == 'win32'"]),
        wheel_bytes("dep", "2.0", requires=["sub"], requires_python=">=3.10"),
        wheel_bytes("sub", "1.0"),
        wheel_bytes("sub", "2.0"),
        sdist_bytes("sub", "2.0"),
        wheel_bytes("fast", "1.0", extras={"more": ["sub<2"]}),
        wheel_bytes("linter", "1"),
        wheel_bytes("chip", "1.0"),
        wheel_bytes("chip", "2.0"),
    ]
)
ROOT = """\
[project]
name = "root"
version = "0.1"
requires-python = ">=3.9"
dependencies = ["member", "dep", "in-git", "plain", "editable", "direct", "fast[more]; python_version < '3.10'"]
[project.optional-dependencies]
one = ["chip==1.0"]
two = ["chip==2.0"]
[dependency-groups]
dev = ["linter"]
[tool.uv]
conflicts = [[{{ extra = "one" }}, {{ extra = "two" }}]]
package = false
[tool.uv.workspace]
members = ["packages/*"]
[tool.uv.sources]
member = {{ workspace = true }}
in-git = {{ git = "{repository}", subdirectory = "inner" }}
plain = {{ path = "plain" }}
editable = {{ path = "editable", editable = true }}
direct = {{ path = "direct-1.0-py3-none-any.whl" }}
[[tool.uv.index]]
url = "{index}"
default = true
"""


def write(folder, name, fields='version = "1"'):
    folder.mkdir(parents=True)
    head = f'[project]\nname = "{name}"\nrequires-python = ">=3.9"\n{fields}\n'
    (folder / "pyproject.toml").write_text(head + BACKEND)
    (folder / f"{name.replace('-', '_')}.py").write_text('"""A module."""\n__version__ = "1"\n')


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Give the folder, and what runs uv in it."""
    folder = tmp_path_factory.mktemp("workspace")
    make_wheel(folder, "direct", "1.0")
    write(folder / "packages" / "member", "member", 'dynamic = ["version", "description"]\ndependencies = ["sub"]')
    write(folder / "plain", "plain")
    write(folder / "editable", "editable")
    write(folder / "repository" / "inner", "in-git")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder / "repository"), *command], check=True)
    environ = {
        "UV_OFFLINE": "false",
        "UV_NO_CONFIG": "false",
        "UV_NO_BUILD_ISOLATION": "1",
        "UV_CACHE_DIR": str(folder / "cache"),
    }

    def ask(*command):
        return run(uv(), *command, "-q", cwd=folder, environ=environ)

    with LoopbackIndex(FILES) as index:
        text = ROOT.format(repository=(folder / "repository").as_uri(), index=index.url)
        (folder / "pyproject.toml").write_text(text)
        ask("lock", "--python", sys.executable)
        yield folder, ask


def chosen(lock, target, **names):
    # uv writes no versions of folders and repositories where it exports
    return {
        name: str(pin.version) if pin.origin is None or pin.origin.kind == "archive" else None
        for name, pin in lock.select(target, **names).pins.items()
    }


@pytest.mark.parametrize("options", [(), ("--extra", "one"), ("--extra", "two"), ("--no-dev",)])
def test_it_selects_what_uv_exports(workspace, options):
    folder, ask = workspace
    ours = Lock.read(folder / "uv.lock")
    (folder / "pylock.toml").write_text(ask("export", "--frozen", "--no-header", "--format", "pylock.toml", *options))
    theirs = Lock.read(folder / "pylock.toml")
    names = {"extras": options[1:2] if "--extra" in options else ()}
    if "--no-dev" in options:
        names["groups"] = ()
    written = Lock.parse(ours.to_pylock())
    for python in ("3.9", "3.10", "3.13"):
        for platform in ("manylinux_2_28_x86_64", "win_amd64", "macosx_14_0_arm64"):
            target = envkit.Target.for_python(python, platform=platform)
            expected = chosen(theirs, target)
            assert chosen(ours, target, **names) == expected
            assert chosen(written, target, **names) == expected


def test_sources_of_each_kind(workspace):
    folder, _ = workspace
    lock = Lock.read(folder / "uv.lock")
    origins = {one.name: one.origin for one in lock.packages if one.origin is not None}
    assert {name: (one.kind, one.editable) for name, one in origins.items()} == {
        "direct": ("archive", False),
        "editable": ("directory", True),
        "in-git": ("vcs", False),
        "member": ("directory", True),
        "plain": ("directory", False),
    }
    assert origins["in-git"].subdirectory == "inner"
    assert len(origins["in-git"].commit) == 40
    assert lock.package("member")[0].version is None, "its backend alone knows"
    assert lock.conflicts == (("extra:one", "extra:two"),)
    with pytest.raises(envkit.LockError):
        lock.select(envkit.Target.for_python("3.12", platform="win_amd64"), extras=("one", "two"))
