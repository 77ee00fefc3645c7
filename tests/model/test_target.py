"""Targets that are not this machine, against `packaging` and pip."""

from __future__ import annotations

import subprocess
import sys

import pytest
from packaging.markers import default_environment
from packaging.tags import compatible_tags, cpython_tags, mac_platforms

from envkit.errors import InterpreterError
from envkit.interpreter.interpreter import Interpreter
from envkit.model.target import Target


def test_windows():
    target = Target.for_python("3.9", platform="win_amd64")
    expected = [*cpython_tags((3, 9), ["cp39"], ["win_amd64"]), *compatible_tags((3, 9), "cp39", ["win_amd64"])]
    assert target.tags == tuple(dict.fromkeys(map(str, expected)))
    assert target.python == "3.9.0"
    assert dict(target.markers) == {
        "python_version": "3.9",
        "python_full_version": "3.9.0",
        "implementation_name": "cpython",
        "implementation_version": "3.9.0",
        "platform_python_implementation": "CPython",
        "os_name": "nt",
        "sys_platform": "win32",
        "platform_system": "Windows",
        "platform_machine": "AMD64",
        "platform_release": "",
        "platform_version": "",
    }


def test_markers_have_the_names_that_packaging_knows():
    assert set(Target.for_python("3.12", platform="win32").markers) == set(default_environment())


def test_linux_goes_down_to_the_oldest_that_runs_there():
    tags = Target.for_python("3.12", platform="manylinux_2_28_x86_64").tags
    for platform in (
        "linux_x86_64",
        "manylinux_2_28_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux1_x86_64",
    ):
        assert f"cp312-cp312-{platform}" in tags
    assert "cp312-cp312-manylinux_2_29_x86_64" not in tags
    assert "cp312-cp312-manylinux_2_16_aarch64" not in Target.for_python("3.12", platform="manylinux2014_aarch64").tags
    musl = Target.for_python("3.12", platform="musllinux_1_2_x86_64").tags
    assert "cp312-cp312-musllinux_1_1_x86_64" in musl
    assert not [tag for tag in musl if "manylinux" in tag]


def test_macos_as_packaging_has_it():
    tags = Target.for_python("3.12", platform="macosx_14_0_arm64").tags
    platforms = list(mac_platforms((14, 0), "arm64"))
    expected = [*cpython_tags((3, 12), ["cp312"], platforms), *compatible_tags((3, 12), "cp312", platforms)]
    assert tags == tuple(dict.fromkeys(map(str, expected)))


def test_free_threaded_and_other_implementations():
    threads = Target.for_python("3.13t", platform="win_amd64")
    assert threads.tags[0] == "cp313-cp313t-win_amd64"
    assert not [tag for tag in threads.tags if "-abi3-" in tag]
    pypy = Target.for_python("3.10", platform="manylinux_2_17_x86_64", implementation="pp", abis=["pypy310_pp73"])
    assert pypy.tags[0] == "pp310-pypy310_pp73-linux_x86_64"
    assert pypy.markers["platform_python_implementation"] == "PyPy"


def test_several_platforms_and_single_markers():
    target = Target.for_python("3.12", platform=["win_amd64", "win32"], markers={"platform_release": "11"})
    assert {"cp312-cp312-win_amd64", "cp312-cp312-win32"} <= set(target.tags)
    assert target.markers["platform_release"] == "11"


@pytest.mark.parametrize(
    ("version", "platform"), [("3", "win32"), ("x", "win32"), ("3.9", "amiga"), ("3.9", []), ("", "win32")]
)
def test_nonsense_is_told(version, platform):
    with pytest.raises(InterpreterError):
        Target.for_python(version, platform=platform)


def test_this_machine_described_from_afar_is_this_machine():
    here = Interpreter.current()
    platform = next(tag.split("-")[2] for tag in here.tags if "linux_x86_64" not in tag.split("-")[2] or "many" in tag)
    if not platform.startswith("manylinux"):
        pytest.skip("not a glibc machine")
    afar = Target.for_python(here.version, platform=platform)
    assert afar.tags == here.tags
    left = {"platform_release", "platform_version"}
    assert {k: v for k, v in afar.markers.items() if k not in left} == {
        k: v for k, v in here.markers.items() if k not in left
    }


def test_it_can_be_written_and_read():
    target = Target.for_python("3.9", platform="win_amd64")
    again = Target.from_dict(target.to_dict())
    assert again == target
    assert again.fingerprint == target.fingerprint
    with pytest.raises(ValueError, match="schema"):
        Target.from_dict({"schema": 0})
    with pytest.raises(ValueError, match="Target"):
        Target.from_dict({"schema": 1})


def test_pip_accepts_the_same_tags(tmp_path):
    """`pip debug` lists what pip would accept for the same description; each of them is ours too."""
    command = [sys.executable, "-m", "pip", "debug", "--verbose", "--python-version", "3.9", "--platform", "win_amd64"]
    command += ["--implementation", "cp", "--abi", "cp39"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("pip is not installed")
    lines = done.stdout.split("Compatible tags:", 1)[1].splitlines()[1:]
    theirs = [line.strip() for line in lines if line.strip().count("-") == 2]
    ours = Target.for_python("3.9", platform="win_amd64").tags
    assert len(theirs) > 20
    assert [tag for tag in ours if tag in set(theirs)] == theirs
