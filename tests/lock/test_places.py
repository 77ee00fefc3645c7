"""Folders, repositories and URLs in a universal lock: their names are looked up, and editable ones stay so."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

import envkit
from envkit.formats.lock import Lock
from envkit.formats.requirements_txt import read_requirements
from envkit.testing.wheels import make_wheel
from envkit.wheels.settings import BuildSettings
from tests.freeze.places import make, run
from tests.wheels.doubles import write_project

HERE = envkit.Target.of(envkit.Interpreter.current())


@pytest.fixture
def folder(tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    make_wheel(links, "lib", "1.0")
    make_wheel(tmp_path, "direct", "1.0")
    write_project(
        tmp_path / "folder",
        {"name": "in-folder", "version": "1.0", "requires": ["lib; extra == 'more'"], "extras": ["more"]},
    )
    return tmp_path


@pytest.fixture
def kit(folder):
    build = BuildSettings(variables={"BUILD_LOG": str(folder / "ran.txt")})
    with envkit.Kit(indexes=(), find_links=folder / "links", cache_dir=folder / "cache", build=build) as kit:
        yield kit


def found(lock: Lock) -> dict[str, bool | None]:
    return {one.name: one.origin.editable if one.origin else None for one in lock.packages}


@pytest.mark.parametrize("name", [None, "in-folder", "In_Folder"])
def test_an_editable_folder_is_locked_selected_and_synced(kit, folder, name):
    lock = kit.lock([envkit.Editable(f"{folder / 'folder'}[more]", name=name)])
    assert found(lock) == {"in-folder": True, "lib": None}
    again = Lock.parse(lock.to_pylock())
    assert found(again) == found(lock)
    assert f"-e {(folder / 'folder').as_uri()}" in lock.to_requirements(hashes=False)
    env = kit.create(folder / "env")
    kit.sync(env, again)
    assert {one.name: one.editable for one in kit.list(env)} == {"in-folder": True, "lib": False}


def test_pip_installs_it(kit, folder):
    (folder / "pylock.toml").write_text(kit.lock(envkit.Editable(folder / "folder")).to_pylock())
    python = make(folder / "env", "uv")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "-r", folder / "pylock.toml"]
    run(*command, environ={"BUILD_LOG": str(folder / "ran.txt"), "PIP_NO_INDEX": "1"})
    (one,) = envkit.Environment.open(folder / "env").distributions()
    assert (one.name, one.editable) == ("in-folder", True)


def test_places_without_a_name(kit, folder):
    wheel = (folder / "direct-1.0-py3-none-any.whl").as_uri()
    lock = kit.lock([folder / "folder", f"{wheel} ; sys_platform != 'win32'"], groups={"dev": wheel})
    assert found(lock) == {"in-folder": False, "direct": False}
    (direct,) = (one for one in lock.packages if one.name == "direct")
    assert "win32" in direct.marker
    assert "dependency_groups" in direct.marker


def test_a_file_of_requirements(kit, folder):
    (folder / "r.txt").write_text("-e ./folder[more]\n./direct-1.0-py3-none-any.whl ; python_version > '3.9'\n")
    lock = kit.lock(read_requirements(folder / "r.txt"), requires_python=">=3.8")
    assert found(lock) == {"in-folder": True, "lib": None, "direct": False}
    assert {one.name: one.marker for one in lock.packages}["direct"] == 'python_version >= "3.10"'


def test_an_editable_folder_with_a_marker(kit, folder):
    lock = kit.lock(envkit.Editable(folder / "folder", marker="sys_platform == 'linux'"))
    assert [(one.name, one.marker, one.origin.editable) for one in lock.packages] == [
        ("in-folder", 'sys_platform == "linux"', True)
    ]


def test_what_is_editable_may_change_from_lock_to_lock(kit, folder):
    plain = kit.lock(folder / "folder")
    editable = kit.lock(envkit.Editable(folder / "folder"), previous=plain)
    assert found(editable) == {"in-folder": True}
    assert found(kit.lock(folder / "folder", previous=editable)) == {"in-folder": False}


def test_an_editable_checkout_is_refused(kit, folder):
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder / "folder"), *command], check=True)
    url = f"git+{(folder / 'folder').as_uri()}"
    with pytest.raises(envkit.RequirementError, match="cannot hold an editable checkout") as caught:
        kit.lock(envkit.Editable("git+https://user:secret@host.example/x#egg=x"))
    assert "secret" not in str(caught.value)
    assert "lock the repository itself" in caught.value.hint
    assert found(kit.lock(url)) == {"in-folder": False}


def test_a_folder_that_is_not_there(kit, folder):
    for wanted in (folder / "gone", envkit.Editable(folder / "gone"), envkit.Editable(folder / "gone", name="gone")):
        with pytest.raises(envkit.EnvkitError, match="gone"):
            kit.lock(wanted)


def test_files_of_a_folder_of_links_are_locked_with_their_hashes(kit, folder):
    lock = kit.lock("lib")
    (artifact,) = lock.packages[0].artifacts
    data = (folder / "links" / artifact.filename).read_bytes()
    assert artifact.hashes == {"sha256": hashlib.sha256(data).hexdigest()}
    assert artifact.size == len(data)
    assert kit.lock("lib", previous=lock) == lock
    kit.sync(kit.create(folder / "env"), lock.to_pylock())
