"""Machines that are not at hand, described from this machine's Pythons as if those were not at hand either."""

from __future__ import annotations

import pytest

from envkit.interpreter.interpreter import Interpreter
from envkit.model.target import Target
from tests.interpreter.machine import RECENT

CPYTHONS = [python for python in RECENT if "pypy" not in python]
#: What no one can know of another machine.
OF_THE_MACHINE = {"platform_release", "platform_version"}


@pytest.mark.parametrize("python", CPYTHONS)
def test_a_python_described_from_afar_is_as_packaging_sees_it_from_inside(python):
    """Tags and markers of a probed Python are compared with those of `packaging` run in it by `test_interpreter`."""
    here = Interpreter.probe(python)
    platform = next(tag.rpartition("-")[2] for tag in here.tags if "manylinux" in tag)
    afar = Target.for_python(here.version, platform=platform)
    assert afar.tags == here.tags
    assert afar.python == here.version
    assert set(afar.markers) == set(here.markers)
    different = {name for name, value in here.markers.items() if afar.markers[name] != value}
    assert different <= OF_THE_MACHINE


@pytest.mark.parametrize("python", CPYTHONS)
def test_windows_and_macos_of_the_same_version_differ_in_the_platform_alone(python):
    from packaging.tags import compatible_tags, cpython_tags, mac_platforms

    here = Interpreter.probe(python)
    version = here.version_info[:2]
    for platform, platforms, system in (
        ("win_amd64", ["win_amd64"], ("win32", "Windows", "nt", "AMD64")),
        ("win_arm64", ["win_arm64"], ("win32", "Windows", "nt", "ARM64")),
        ("macosx_14_0_arm64", list(mac_platforms((14, 0), "arm64")), ("darwin", "Darwin", "posix", "arm64")),
        ("macosx_11_0_x86_64", list(mac_platforms((11, 0), "x86_64")), ("darwin", "Darwin", "posix", "x86_64")),
    ):
        afar = Target.for_python(here.version, platform=platform)
        short = f"cp{version[0]}{version[1]}"
        expected = [*cpython_tags(version, [short], platforms), *compatible_tags(version, short, platforms)]
        assert afar.tags == tuple(dict.fromkeys(map(str, expected)))
        names = ("sys_platform", "platform_system", "os_name", "platform_machine")
        assert tuple(afar.markers[name] for name in names) == system
        same = set(here.markers) - {*names, *OF_THE_MACHINE}
        assert {name: afar.markers[name] for name in same} == {name: here.markers[name] for name in same}
