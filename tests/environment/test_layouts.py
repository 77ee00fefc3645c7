"""Windows and macOS: environments from recorded facts, on whatever machine the tests run."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest

from envkit.environment.builder import EnvBuilder
from envkit.interpreter.interpreter import Interpreter
from envkit.interpreter.script import ENVIRONMENT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="paths of these tests are POSIX ones")

OLD_WINDOWS_SCRIPTS = {
    "Scripts/Activate.ps1",
    "Scripts/activate",
    "Scripts/activate.bat",
    "Scripts/activate.nu",
    "Scripts/activate.xsh",
    "Scripts/activate_this.py",
    "Scripts/deactivate.bat",
}
WINDOWS_SCRIPTS = OLD_WINDOWS_SCRIPTS | {"Scripts/activate.fish"}  # from 3.13 on, for Cygwin and MSYS2
COMMON = {"CACHEDIR.TAG", "pyvenv.cfg", "Lib/site-packages/", "Include/"}


def recorded(root: Path, version: tuple[int, int, int], **changes) -> Interpreter:
    """Facts as CPython on Windows tells them, for an installation at *root*."""
    facts = copy.deepcopy(dict(Interpreter.current().facts))
    lib = str(root / "Lib")
    facts.update(
        executable=str(root / "python.exe"),
        base_executable=str(root / "python.exe"),
        prefix=str(root),
        base_prefix=str(root),
        version=".".join(map(str, version)),
        version_info=[*version, "final", 0],
        implementation="cpython",
        os_name="nt",
        platform="win32",
        abiflags="",
        free_threaded=False,
        debug=False,
    )
    details = facts.pop("details")
    details.update(
        paths={"stdlib": lib, "platstdlib": lib, "purelib": lib, "platlib": lib, "scripts": lib, "data": str(root)},
        environment_paths={
            "stdlib": lib,
            "platstdlib": f"{ENVIRONMENT}/Lib",
            "purelib": f"{ENVIRONMENT}/Lib/site-packages",
            "platlib": f"{ENVIRONMENT}/Lib/site-packages",
            "scripts": f"{ENVIRONMENT}/Scripts",
            "data": ENVIRONMENT,
        },
        sysconfig_platform="win-amd64",
        machine="AMD64",
        python_build=False,
        libc=None,
        elf=None,
    )
    facts.update(changes)
    return Interpreter(facts, details)


def installation(root: Path, launchers: list[str], programs: list[str], libraries: list[str]) -> Path:
    folder = root / "Lib" / "venv" / "scripts" / "nt"
    folder.mkdir(parents=True)
    for name in launchers:
        (folder / name).write_text(f"launcher {name}")
    for name in [*programs, *libraries]:
        (root / name).write_text(f"real {name}")
    return root


def names(root: Path) -> set[str]:
    """All files, and folders that are empty with a slash."""
    found = set()
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not list(path.iterdir()):
                found.add(name + "/")
        else:
            found.add(name)
    return found


NEW_LAUNCHERS = ["venvlauncher.exe", "venvwlauncher.exe", "venvlauncher_d.exe", "venvwlauncher_d.exe"]
THREADS = ["venvlaunchert.exe", "venvwlaunchert.exe", "venvlaunchert_d.exe", "venvwlaunchert_d.exe"]


def test_windows_from_3_13_on(tmp_path):
    base = installation(
        tmp_path / "base", NEW_LAUNCHERS, ["python.exe", "pythonw.exe"], ["python313.dll", "vcruntime140.dll", "x.dll"]
    )
    EnvBuilder(interpreter=recorded(base, (3, 13, 1))).create(tmp_path / "env")
    assert names(tmp_path / "env") == WINDOWS_SCRIPTS | COMMON | {"Scripts/python.exe", "Scripts/pythonw.exe"}
    assert (tmp_path / "env" / "Scripts" / "python.exe").read_text() == "launcher venvlauncher.exe"
    assert (tmp_path / "env" / "Scripts" / "pythonw.exe").read_text() == "launcher venvwlauncher.exe"
    config = (tmp_path / "env" / "pyvenv.cfg").read_text()
    assert f"home = {base}\n" in config
    assert "--copies" not in config


def test_windows_with_links_has_the_libraries_beside(tmp_path):
    base = installation(
        tmp_path / "base", NEW_LAUNCHERS, ["python.exe", "pythonw.exe"], ["python313.dll", "vcruntime140.dll", "x.dll"]
    )
    EnvBuilder(interpreter=recorded(base, (3, 13, 1)), symlinks=True).create(tmp_path / "env")
    made = {"python.exe", "pythonw.exe", "python313.dll", "vcruntime140.dll"}
    assert names(tmp_path / "env") == WINDOWS_SCRIPTS | COMMON | {f"Scripts/{name}" for name in made}
    for name in made:
        assert os.readlink(tmp_path / "env" / "Scripts" / name) == str(base / name)
    assert " --symlinks " in (tmp_path / "env" / "pyvenv.cfg").read_text()


def test_windows_without_threads_lock_and_debug(tmp_path):
    base = installation(tmp_path / "base", NEW_LAUNCHERS + THREADS, ["python3.14t.exe", "pythonw3.14t.exe"], [])
    free = recorded(base, (3, 14, 0), executable=str(base / "python3.14t.exe"), free_threaded=True)
    EnvBuilder(interpreter=free).create(tmp_path / "free")
    made = {"python.exe", "pythonw.exe", "python3.14t.exe", "pythonw3.14t.exe"}
    assert names(tmp_path / "free") == WINDOWS_SCRIPTS | COMMON | {f"Scripts/{name}" for name in made}
    assert (tmp_path / "free" / "Scripts" / "python3.14t.exe").read_text() == "launcher venvlaunchert.exe"
    debug = recorded(base, (3, 14, 0), executable=str(base / "python_d.exe"), debug=True)
    EnvBuilder(interpreter=debug).create(tmp_path / "debug")
    made = {"python.exe", "python_d.exe", "pythonw.exe", "pythonw_d.exe"}
    assert names(tmp_path / "debug") == WINDOWS_SCRIPTS | COMMON | {f"Scripts/{name}" for name in made}
    assert (tmp_path / "debug" / "Scripts" / "python_d.exe").read_text() == "launcher venvlauncher_d.exe"


def test_windows_before_3_13_has_launchers_under_their_final_names(tmp_path):
    base = installation(tmp_path / "base", ["python.exe", "pythonw.exe"], ["python.exe", "pythonw.exe"], [])
    EnvBuilder(interpreter=recorded(base, (3, 10, 11))).create(tmp_path / "env")
    assert names(tmp_path / "env") == OLD_WINDOWS_SCRIPTS | COMMON | {"Scripts/python.exe", "Scripts/pythonw.exe"}
    assert (tmp_path / "env" / "Scripts" / "python.exe").read_text() == "launcher python.exe"


def test_batch_files_hold_names_that_are_special_there(tmp_path):
    base = installation(tmp_path / "base", NEW_LAUNCHERS, ["python.exe"], [])
    root = tmp_path / "100% & co"
    EnvBuilder(interpreter=recorded(base, (3, 13, 1)), prompt='$P "x" & calc').create(root)
    text = (root / "Scripts" / "activate.bat").read_text()
    assert f'set "VIRTUAL_ENV={str(root).replace("%", "%%")}"\n' in text
    assert 'set "VIRTUAL_ENV_PROMPT=$P x & calc"\n' in text
    assert 'set "PROMPT=(_P x & calc) %PROMPT%"\n' in text
    for line in text.splitlines():
        assert line.count('"') % 2 == 0


def mac(root: Path, executable: Path) -> Interpreter:
    facts = copy.deepcopy(dict(Interpreter.current().facts))
    details = facts.pop("details")
    facts.update(
        executable=str(executable),
        base_executable=str(executable),
        prefix=str(root),
        base_prefix=str(root),
        version="3.12.4",
        version_info=[3, 12, 4, "final", 0],
        implementation="cpython",
        platform="darwin",
        abiflags="",
        free_threaded=False,
        debug=False,
        platlibdir="lib",
        is_64bit=True,
    )
    details["variables"] = {
        **details["variables"],
        "PYTHONFRAMEWORK": "Python",
        "Py_DEBUG": 0,
        "py_version_nodot": "312",
    }
    details.update(sysconfig_platform="macosx-14.0-arm64", machine="arm64", mac_version="14.5", libc=None, elf=None)
    return Interpreter(facts, details)


def test_a_framework_build_of_macos(tmp_path):
    root = tmp_path / "Python.framework" / "Versions" / "3.12"
    (root / "bin").mkdir(parents=True)
    program = root / "bin" / "python3.12"
    program.write_text("real")
    EnvBuilder(interpreter=mac(root, program), symlinks=True).create(tmp_path / "env")
    found = names(tmp_path / "env")
    assert "lib64" not in found
    assert {"bin/python", "bin/python3", "bin/python3.12", "lib/python3.12/site-packages/"} <= found
    assert os.readlink(tmp_path / "env" / "bin" / "python3.12") == str(program)
    assert os.readlink(tmp_path / "env" / "bin" / "python") == "python3.12"
    assert f"home = {root}/bin\n" in (tmp_path / "env" / "pyvenv.cfg").read_text()


def test_tags_of_recorded_machines(tmp_path):
    assert mac(tmp_path, tmp_path / "python").tags[0] == "cp312-cp312-macosx_14_0_arm64"
    assert "cp312-cp312-macosx_11_0_universal2" in mac(tmp_path, tmp_path / "python").tags
    windows = recorded(tmp_path, (3, 13, 1))
    object.__setattr__(windows, "_details", {**windows.details, "variables": {"py_version_nodot": "313"}})
    assert windows.tags[0] == "cp313-cp313-win_amd64"
    assert windows.tags[-1] == "py30-none-any"


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ((3, 8, 1), {"lib64"}, {"bin/python3.8"}),
        ((3, 10, 1), {"lib64", "bin/python3.10", "include/"}, {"include/python3.10/"}),
        ((3, 11, 1), {"lib64", "include/python3.11/"}, set()),
        ((3, 14, 0), {"lib64", "include/", "bin/\U0001d70bthon"}, {"include/python3.14/"}),
        ((3, 15, 0), {"include/"}, {"lib64", "bin/\U0001d70bthon"}),
    ],
)
def test_the_rules_of_each_version(tmp_path, version, present, absent):
    facts = copy.deepcopy(dict(Interpreter.current().facts))
    details = facts.pop("details")
    facts.update(
        version=".".join(map(str, version)), version_info=[*version, "final", 0], executable="/base/bin/python3"
    )
    EnvBuilder(interpreter=Interpreter(facts, details), symlinks=True).create(tmp_path / "env")
    found = names(tmp_path / "env")
    assert present <= found
    assert not absent & found


def test_free_threaded_and_debug_names(tmp_path):
    facts = copy.deepcopy(dict(Interpreter.current().facts))
    details = facts.pop("details")
    facts.update(version="3.13.2", version_info=[3, 13, 2, "final", 0], abiflags="td", free_threaded=True, debug=True)
    EnvBuilder(interpreter=Interpreter(facts, details), symlinks=True).create(tmp_path / "env")
    assert {"lib/python3.13t/site-packages/", "include/python3.13td/"} <= names(tmp_path / "env")


def posix(version: tuple[int, int, int], executable: Path, **changes) -> Interpreter:
    """Facts as a Python on 64-bit Linux tells them."""
    facts = copy.deepcopy(dict(Interpreter.current().facts))
    details = facts.pop("details")
    facts.update(
        version=".".join(map(str, version)),
        version_info=[*version, "final", 0],
        executable=str(executable),
        base_executable=str(executable),
        implementation="cpython",
        platform="linux",
        abiflags="",
        free_threaded=False,
        debug=False,
        platlibdir="lib",
        is_64bit=True,
        fs_encoding="utf-8",
    )
    details.update(changes.pop("details", {}))
    facts.update(changes)
    return Interpreter(facts, details)


def test_from_3_15_on_extension_modules_have_a_folder_of_their_own_where_the_platform_says_so(tmp_path):
    program = tmp_path / "base" / "python3"
    EnvBuilder(interpreter=posix((3, 15, 0), program, platlibdir="lib64"), symlinks=True).create(tmp_path / "new")
    found = names(tmp_path / "new")
    assert {"lib/python3.15/site-packages/", "lib64/python3.15/site-packages/", "include/"} <= found
    assert not (tmp_path / "new" / "lib64").is_symlink()
    EnvBuilder(interpreter=posix((3, 14, 0), program, platlibdir="lib64"), symlinks=True).create(tmp_path / "old")
    assert os.readlink(tmp_path / "old" / "lib64") == "lib"
    assert "lib/python3.14/site-packages/" in names(tmp_path / "old")


@pytest.mark.parametrize("version", [(3, 13, 0), (3, 14, 0), (3, 15, 0)])
@pytest.mark.parametrize(
    ("flags", "changes"),
    [("", {}), ("t", {"free_threaded": True}), ("d", {"debug": True}), ("td", {"free_threaded": True, "debug": True})],
)
def test_builds_of_cpython_on_linux(tmp_path, version, flags, changes):
    program = tmp_path / "base" / f"python{version[0]}.{version[1]}{flags}"
    interpreter = posix(version, program, abiflags=flags, **changes)
    EnvBuilder(interpreter=interpreter, symlinks=True, activators=[]).create(tmp_path / "env")
    short = f"python{version[0]}.{version[1]}"
    threads = "t" if "t" in flags else ""
    expected = {"CACHEDIR.TAG", "pyvenv.cfg", f"lib/{short}{threads}/site-packages/"}
    expected |= {f"bin/{name}" for name in ("python", "python3", short, program.name)}
    expected |= {f"include/{short}{flags}/"} if version < (3, 14) else {"include/"}
    expected |= {"lib64"} if version < (3, 15) else set()
    expected |= {"bin/\U0001d70bthon"} if version[:2] == (3, 14) else set()
    assert names(tmp_path / "env") == expected
    assert os.readlink(tmp_path / "env" / "bin" / "python3") == program.name


def test_graalpy(tmp_path):
    """Its folders follow no rule of CPython's: they are what it says itself."""
    program = tmp_path / "graal" / "bin" / "graalpy"
    inner = f"{ENVIRONMENT}/lib/python3.11/site-packages"
    paths = {"purelib": inner, "platlib": inner, "stdlib": "/x", "scripts": f"{ENVIRONMENT}/bin", "data": ENVIRONMENT}
    interpreter = posix(
        (3, 11, 7),
        program,
        implementation="graalpy",
        details={
            "environment_paths": paths,
            "sysconfig_platform": "linux-x86_64",
            "variables": {"EXT_SUFFIX": ".graalpy240-311-native-x86_64-linux.so", "py_version_nodot": "311"},
        },
    )
    made = EnvBuilder(interpreter=interpreter, symlinks=True, activators=[]).create(tmp_path / "env")
    assert names(tmp_path / "env") == {
        "CACHEDIR.TAG",
        "pyvenv.cfg",
        "lib64",
        "include/python3.11/",
        "lib/python3.11/site-packages/",
        *(f"bin/{name}" for name in ("graalpy", "python", "python3", "python3.11")),
    }
    assert made.paths["purelib"] == str(tmp_path / "env" / "lib" / "python3.11" / "site-packages")
    assert made.interpreter.implementation == "graalpy"
    assert any(tag.startswith("graalpy311-graalpy240_311_native-") for tag in made.interpreter.tags)


@pytest.mark.parametrize("minor", [13, 14, 15])
def test_windows_of_each_version_from_3_13_on(tmp_path, minor):
    base = installation(tmp_path / "base", NEW_LAUNCHERS + THREADS, ["python.exe", "pythonw.exe"], [])
    EnvBuilder(interpreter=recorded(base, (3, minor, 0))).create(tmp_path / "env")
    assert names(tmp_path / "env") == WINDOWS_SCRIPTS | COMMON | {"Scripts/python.exe", "Scripts/pythonw.exe"}
    both = recorded(base, (3, minor, 0), executable=str(base / "python_d.exe"), free_threaded=True, debug=True)
    EnvBuilder(interpreter=both).create(tmp_path / "both")
    stems = [f"python{window}" for window in ("", "w")]
    made = {f"Scripts/{stem}{end}.exe" for stem in stems for end in ("", "_d", f"3.{minor}t", f"3.{minor}t_d")}
    assert names(tmp_path / "both") == WINDOWS_SCRIPTS | COMMON | made
    assert (tmp_path / "both" / "Scripts" / "pythonw.exe").read_text() == "launcher venvwlaunchert_d.exe"


@pytest.mark.parametrize("minor", [13, 14, 15])
def test_macos_of_each_version_from_3_13_on(tmp_path, minor):
    root = tmp_path / "Python.framework" / "Versions" / f"3.{minor}"
    (root / "bin").mkdir(parents=True)
    program = root / "bin" / f"python3.{minor}"
    program.write_text("real")
    facts = dict(mac(root, program).facts)
    details = facts.pop("details")
    facts.update(version=f"3.{minor}.0", version_info=[3, minor, 0, "final", 0])
    EnvBuilder(interpreter=Interpreter(facts, details), symlinks=True, activators=[]).create(tmp_path / "env")
    expected = {"CACHEDIR.TAG", "pyvenv.cfg", f"lib/python3.{minor}/site-packages/"}
    expected |= {f"bin/{name}" for name in ("python", "python3", f"python3.{minor}")}
    expected |= {"include/python3.13/"} if minor == 13 else {"include/"}
    expected |= {"bin/\U0001d70bthon"} if minor == 14 else set()
    assert names(tmp_path / "env") == expected
