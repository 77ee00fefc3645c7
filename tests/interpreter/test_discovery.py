"""Discovery in folders that the tests lay out, with programs that are not what they seem."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from envkit.errors import InterpreterError
from envkit.interpreter import discovery, probe, windows
from envkit.interpreter.discovery import discover, find_interpreters
from envkit.interpreter.interpreter import Interpreter
from envkit.interpreter.places import candidates
from envkit.interpreter.spec import parse_spec
from envkit.interpreter.windows import read_launcher, registered
from tests.interpreter.machine import PYPY, RECENT, SUPPORTED, VERSIONS


def environ(tmp_path: Path, *folders: str, **more: str) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "PATH": os.pathsep.join(folders), **more}


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("python", SUPPORTED)
def test_each_python_is_found_by_its_version(python):
    found = find_interpreters(_spec_of(python), env={"PATH": os.path.dirname(python), "HOME": "/nowhere"})
    assert os.path.realpath(python) in {os.path.realpath(one.executable) for one in found}


def _spec_of(python: str) -> str:
    interpreter = Interpreter.probe(python)
    prefix = "" if interpreter.implementation == "cpython" else interpreter.implementation
    return f"{prefix}{interpreter.version_info[0]}.{interpreter.version_info[1]}"


def test_ranges_give_the_newest_first():
    folders = os.pathsep.join(os.path.dirname(python) for python in RECENT)
    found = find_interpreters(">=3.9", env={"PATH": folders, "HOME": "/nowhere"})
    versions = [one.version_info for one in found]
    assert versions == sorted(versions, reverse=True)
    assert all(one.implementation == "cpython" for one in found)
    assert len({os.path.realpath(one.executable) for one in found}) == len(found)


@pytest.mark.skipif(not PYPY, reason="there is no pypy3 on this machine")
def test_pypy_is_found_by_its_name_and_never_by_a_bare_version():
    variables = {"PATH": "/usr/bin", "HOME": "/nowhere"}
    assert {one.implementation for one in find_interpreters("pypy", env=variables)} == {"pypy"}
    assert "pypy" not in {one.implementation for one in find_interpreters("3", env=variables)}


def test_a_path_is_a_spec():
    assert find_interpreters(RECENT[0])[0].executable == RECENT[0]
    missing = discover("/nowhere/python")
    assert missing.found == ()
    assert missing.skipped[0].code == "missing"


@pytest.mark.parametrize("spec", ["nonsense", "python-with-style", ">=,<", "3.x"])
def test_what_is_no_spec_is_told(spec):
    with pytest.raises(InterpreterError, match=r"names no interpreter|is no range"):
        find_interpreters(spec)


@pytest.mark.parametrize(
    ("text", "version", "free_threaded", "implementation"),
    [
        ("3.12", (3, 12), False, None),
        ("3.13t", (3, 13), True, None),
        ("python3.11", (3, 11), False, None),
        ("pypy3.10", (3, 10), False, "pypy"),
        ("cpython3.12.4", (3, 12, 4), False, "cpython"),
        (None, (), None, None),
    ],
)
def test_specs_are_read(text, version, free_threaded, implementation):
    spec = parse_spec(text)
    assert (spec.version, spec.free_threaded, spec.implementation) == (version, free_threaded, implementation)


def test_usual_specs_are_read_as_the_library_for_unusual_ones_reads_them():
    from envkit.interpreter.spec import _USUAL, _parse_unusual

    names = ("", "python", "cpython", "pypy", "graalpy", "PyPy")
    versions = ("3", "3.9", "3.12", "3.13.1", "2.7.18", "3.100", "3.012")
    for name in names:
        for version in versions:
            for threads in ("", "t"):
                text = f"{name}{version}{threads}"
                assert _USUAL.fullmatch(text)
                assert parse_spec(text) == _parse_unusual(text), text


@pytest.mark.parametrize("spec", ["", "  "])
def test_an_empty_spec_names_no_python(spec):
    with pytest.raises(InterpreterError) as caught:
        find_interpreters(spec)
    assert repr(spec) in str(caught.value)
    assert caught.value.context["spec"] == spec


def test_names_that_tell_another_version_are_not_asked():
    spec = parse_spec("3.12")
    assert spec.may_fit_name("python") and spec.may_fit_name("python3") and spec.may_fit_name("python3.12")
    assert not spec.may_fit_name("python3.11") and not spec.may_fit_name("python2")


def test_hostile_programs_are_skipped_with_a_reason_in_bounded_time(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "_refused", {})
    folder = tmp_path / "bin"
    program(folder / "python3.14", "#!/bin/sh\n/bin/sleep 100\n")
    program(folder / "python3.13", "#!/bin/sh\ntrap '' TERM; while :; do /bin/sleep 1; done\n")
    program(folder / "python3.12", "#!/bin/sh\n/bin/cat /dev/zero\n")
    program(folder / "python3.11", "#!/bin/sh\nexit 1\n")
    program(folder / "python3.10", "#!/bin/sh\necho Python 3.10\n")
    (folder / "python3.9").mkdir()
    program(folder / "python3.8", "no program at all\n")
    (folder / "python3.7").symlink_to(folder / "python3.7")
    (folder / "python3.6").symlink_to("/nowhere")
    (folder / "python3").symlink_to(RECENT[0])
    for timeout in (1.5, 15.0, 90.0):  # on a busy machine those that would answer may need more than a second
        monkeypatch.setattr(probe, "_refused", {})
        start = time.monotonic()
        found = discover(env=environ(tmp_path, str(folder)), timeout=timeout)
        assert time.monotonic() - start < timeout + 60
        codes = {os.path.basename(one.path): one.code for one in found.skipped if one.path.startswith(str(folder))}
        if codes["python3.11"] == codes["python3.10"] == "no-python" and found.found:
            break
    assert codes["python3.14"] == codes["python3.13"] == "timeout"
    assert codes["python3.11"] == codes["python3.10"] == "no-python"
    assert set(codes) == {"python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.8"}
    assert os.path.realpath(RECENT[0]) in {os.path.realpath(one.executable) for one in found.found}
    assert all(one.reason for one in found.skipped)


def test_a_refusal_is_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "_refused", {})
    trap = program(tmp_path / "bin" / "python3", f"#!/bin/sh\necho x >> {tmp_path}/asked\nexit 1\n")
    for _ in range(3):
        assert (
            discover(env=environ(tmp_path, str(trap.parent)), cache_dir=tmp_path / "c").skipped[0].code == "no-python"
        )
    monkeypatch.setattr(probe, "_refused", {})  # another process
    discover(env=environ(tmp_path, str(trap.parent)), cache_dir=tmp_path / "c")
    assert (tmp_path / "asked").read_text() == "x\n"


@pytest.mark.parametrize(
    ("parts", "variables"),
    [
        ((".pyenv", "versions", "3.12.1"), {}),
        (("elsewhere", "versions", "3.12.1"), {"PYENV_ROOT": "{home}/elsewhere"}),
        ((".asdf", "installs", "python", "3.12.1"), {}),
        ((".local", "share", "mise", "installs", "python", "3.12"), {}),
        ((".local", "share", "uv", "python", "cpython-3.12.1-linux-x86_64-gnu"), {}),
        (("uvs", "cpython-3.12.1-linux-x86_64-gnu"), {"UV_PYTHON_INSTALL_DIR": "{home}/uvs"}),
        (("data", "uv", "python", "cpython-3.12.1"), {"XDG_DATA_HOME": "{home}/data"}),
        ((".rye", "py", "cpython@3.12"), {}),
        (("miniconda3", "envs", "mine"), {}),
        (("active",), {"VIRTUAL_ENV": "{home}/active"}),
        (("active",), {"CONDA_PREFIX": "{home}/active"}),
    ],
)
def test_the_places_of_version_managers(tmp_path, parts, variables):
    home = tmp_path / "home"
    python = program(home.joinpath(*parts, "bin", "python"), "")
    filled = {name: value.format(home=home) for name, value in variables.items()}
    assert str(python) in list(candidates(environ(tmp_path, **filled), sys.executable))


def test_environments_that_conda_lists(tmp_path):
    python = program(tmp_path / "somewhere" / "bin" / "python", "")
    listing = tmp_path / "home" / ".conda" / "environments.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text(f"/nowhere\n{tmp_path}/somewhere\n\0bad\n")
    assert str(python) in list(candidates(environ(tmp_path), sys.executable))


def test_shims_and_relative_entries_of_path_are_left_alone(tmp_path, monkeypatch):
    program(tmp_path / "shims" / "python3", "#!/bin/sh\n")
    program(tmp_path / "work" / "python3", "#!/bin/sh\n")
    monkeypatch.chdir(tmp_path / "work")
    found = list(candidates(environ(tmp_path, str(tmp_path / "shims"), ".", ""), sys.executable))
    assert not [path for path in found if str(tmp_path) in path or not os.path.isabs(path)]


def test_links_are_followed_as_the_system_follows_them(tmp_path):
    from envkit.interpreter.places import _real

    program(tmp_path / "real" / "bin" / "python3.12", "")
    (tmp_path / "real" / "bin" / "python").symlink_to("python3.12")
    (tmp_path / "real" / "bin" / "python3").symlink_to("../bin/./python")
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "python").symlink_to("../alias/bin/python3")
    (tmp_path / "deep" / "far").symlink_to(tmp_path / "deep" / "python")
    (tmp_path / "deep" / "gone").symlink_to("nowhere/python")
    (tmp_path / "deep" / "round").symlink_to("round")
    folders: dict[str, str] = {}
    for name in ("real/bin/python", "real/bin/python3", "alias/bin/python3", "deep/python", "deep/far", "deep/gone"):
        path = str(tmp_path / name)
        assert _real(path, folders) == os.path.realpath(path), name
    assert _real(str(tmp_path / "deep" / "round"), folders)
    assert _real(str(tmp_path / "missing" / "python"), folders) == str(tmp_path / "missing" / "python")


@pytest.mark.skipif(os.name != "posix", reason="links of files")
def test_installations_that_share_a_file_are_two(tmp_path):
    """As conda has it: one file, linked into each of its environments."""
    from envkit.interpreter.discovery import _choose

    base = Interpreter.current().base
    program(tmp_path / "one" / "python", "")
    (tmp_path / "two").mkdir()
    os.link(tmp_path / "one" / "python", tmp_path / "two" / "python")
    (tmp_path / "alias").symlink_to("one")
    core = dict(base.core)
    places = [(tmp_path / "one", "one"), (tmp_path / "two", "two"), (tmp_path / "alias", "one")]
    made = [
        Interpreter({**core, "executable": str(folder / "python"), "prefix": prefix}, base.details)
        for folder, prefix in places
    ]
    assert [one.prefix for one in _choose(made, parse_spec(None))] == ["one", "two"]


def test_an_environment_leads_to_its_base(tmp_path):
    from envkit.environment.builder import EnvBuilder

    made = EnvBuilder(symlinks=True, interpreter=RECENT[-1]).create(tmp_path / "env")
    found = discover(env=environ(tmp_path, os.path.dirname(made.executable)))
    assert not [one for one in found.found if one.is_environment]
    assert Interpreter.probe(RECENT[-1]).version in {one.version for one in found.found}


class _Key:
    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class _Registry:
    """As much of `winreg` as PEP 514 needs, over a mapping of key path -> values."""

    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY, KEY_WOW64_32KEY = "user", "machine", 1, 2, 4

    def __init__(self, keys: dict[str, dict]) -> None:
        self._keys = keys

    def OpenKeyEx(self, hive, key, reserved, access):
        path = f"{hive}\\{key}" if access != 5 else f"{hive}32\\{key}"
        if not any(known == path or known.startswith(path + "\\") for known in self._keys):
            raise FileNotFoundError(path)
        return _Key(path)

    def EnumKey(self, opened, index):
        inner = sorted(
            {k[len(opened.path) + 1 :].split("\\")[0] for k in self._keys if k.startswith(opened.path + "\\")}
        )
        if index >= len(inner):
            raise OSError
        return inner[index]

    def QueryValueEx(self, opened, name):
        try:
            return (self._keys[opened.path][name], 1)
        except KeyError:
            raise FileNotFoundError from None


def test_the_registry_of_windows():
    base = "Software\\Python"
    registry = _Registry(
        {
            f"user\\{base}\\PythonCore\\3.12\\InstallPath": {
                "ExecutablePath": "C:\\Py312\\python.exe",
                None: "C:\\Py312",
            },
            f"machine\\{base}\\Other\\3.9-32\\InstallPath": {None: "C:\\Py39"},
            f"machine\\{base}\\Broken\\3.8\\InstallPath": {None: 7},
            f"machine\\{base}\\Empty\\3.8": {},
            f"machine32\\{base}\\PythonCore\\3.10-32\\InstallPath": {"ExecutablePath": "C:\\Py310-32\\python.exe"},
            f"user\\{base}\\PyLauncher\\3.1\\InstallPath": {"ExecutablePath": "C:\\Windows\\py.exe"},
        }
    )
    found = [path.replace("/", "\\") for path in registered(registry)]
    assert found == ["C:\\Py312\\python.exe", "C:\\Py39\\python.exe", "C:\\Py310-32\\python.exe"]


def test_windows_is_asked_through_its_registry_and_its_launcher(tmp_path, monkeypatch):
    """As much of it as there is elsewhere: the module of the registry, and a program that is called ``py``."""
    key = "user\\Software\\Python\\PythonCore\\3.12\\InstallPath"
    monkeypatch.setitem(sys.modules, "winreg", _Registry({key: {"ExecutablePath": "C:\\Py312\\python.exe"}}))
    monkeypatch.setattr(windows, "os", SimpleNamespace(name="nt", path=os.path))
    listed = " -V:3.12 *        C:\\Py312\\python.exe\n -V:3.14t[-64] C:\\Py314\\python3.14t.exe"
    program(tmp_path / "py", f"#!/bin/sh\n[ \"$1\" = -0p ] && cat <<'END'\n{listed}\nEND\n")
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    monkeypatch.setenv("PATH", environ["PATH"])
    found = windows.known_to_windows(environ, 60.0)
    assert found == ["C:\\Py312\\python.exe", "C:\\Py312\\python.exe", "C:\\Py314\\python3.14t.exe"]
    program(tmp_path / "py", "#!/bin/sh\n/bin/sleep 100\n")
    start = time.monotonic()
    assert windows.known_to_windows(environ, 0.5) == ["C:\\Py312\\python.exe"]
    assert time.monotonic() - start < 100
    (tmp_path / "py").unlink()
    assert windows.known_to_windows(environ, 0.5) == ["C:\\Py312\\python.exe"]


def test_the_list_of_the_windows_launcher():
    lines = (
        " -V:3.13t *   C:\\P y\\python3.13t.exe",
        " -V:3.12   C:\\P12\\python.exe",
        " -3.9-64   C:\\P9\\python.exe",
        "none",
    )
    output = "\n".join(lines)
    assert read_launcher(output) == ["C:\\P y\\python3.13t.exe", "C:\\P12\\python.exe", "C:\\P9\\python.exe"]


def test_the_search_ends_when_its_time_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "_refused", {})
    monkeypatch.setattr(discovery, "_WORKERS", 1)
    for minor in range(8):
        program(tmp_path / "bin" / f"python3.{minor}", "#!/bin/sh\n/bin/sleep 100\n")
    start = time.monotonic()
    found = discover(env=environ(tmp_path, str(tmp_path / "bin")), timeout=0.4)
    assert time.monotonic() - start < 300
    assert "no-time" in {one.code for one in found.skipped}


def test_versions_of_this_machine_are_told_right():
    for python, version in VERSIONS.items():
        if version >= (3, 8):
            assert Interpreter.probe(python).version_info[:2] == version
