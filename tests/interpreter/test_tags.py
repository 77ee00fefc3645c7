"""Tags of interpreters that this machine has not: `packaging` is told that it runs in them."""

from __future__ import annotations

import sys
import sysconfig
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from packaging import _elffile as packaging_elf
from packaging import _manylinux as packaging_glibc
from packaging import _musllinux as packaging_musl
from packaging import tags as packaging_tags

from envkit.interpreter.interpreter import Interpreter
from envkit.interpreter.tags import compute_tags, platforms

CPYTHON = {"EXT_SUFFIX": None, "Py_DEBUG": 0, "Py_GIL_DISABLED": 0}
CASES = {
    "3.8": ("cpython", (3, 8, 10), "", CPYTHON),
    "3.8 debug": ("cpython", (3, 8, 10), "d", {**CPYTHON, "Py_DEBUG": 1}),
    "3.12": ("cpython", (3, 12, 1), "", CPYTHON),
    "3.12 debug": ("cpython", (3, 12, 1), "d", {**CPYTHON, "Py_DEBUG": 1}),
    "3.13 free-threaded": ("cpython", (3, 13, 0), "t", {**CPYTHON, "Py_GIL_DISABLED": 1}),
    "3.14 free-threaded": ("cpython", (3, 14, 0), "t", {**CPYTHON, "Py_GIL_DISABLED": 1}),
    "3.15 both": ("cpython", (3, 15, 0), "td", {**CPYTHON, "Py_GIL_DISABLED": 1, "Py_DEBUG": 1}),
    "PyPy 3.10": ("pypy", (3, 10, 14), "", {"EXT_SUFFIX": ".pypy310-pp73-x86_64-linux-gnu.so"}),
    "PyPy 3.11": ("pypy", (3, 11, 11), "", {"EXT_SUFFIX": ".pypy311-pp73-x86_64-linux-gnu.so"}),
    "GraalPy 3.11": ("graalpy", (3, 11, 7), "", {"EXT_SUFFIX": ".graalpy240-311-native-x86_64-linux.so"}),
    "GraalPy 3.12": ("graalpy", (3, 12, 8), "", {"EXT_SUFFIX": ".graalpy250-312-native-x86_64-linux.so"}),
}


@pytest.mark.parametrize("case", CASES)
def test_tags_are_those_of_packaging_in_such_an_interpreter(monkeypatch, case):
    implementation, version, flags, variables = CASES[case]
    here = Interpreter.current().base
    nodot = f"{version[0]}{version[1]}"
    variables = {"py_version_nodot": nodot, **variables}
    core = {
        **here.core,
        "implementation": implementation,
        "version_info": [*version, "final", 0],
        "free_threaded": "t" in flags,
        "debug": "d" in flags,
        "abiflags": flags,
    }
    details = {**here.details, "variables": variables}
    places = platforms(core, details)

    monkeypatch.setattr(packaging_tags, "_get_config_var", lambda name, warn=False: variables.get(name))
    monkeypatch.setattr(packaging_tags, "platform_tags", lambda: iter(places))
    monkeypatch.setattr(
        packaging_tags, "interpreter_name", lambda: {"cpython": "cp", "pypy": "pp"}.get(implementation, implementation)
    )
    monkeypatch.setattr(sys, "version_info", (*version, "final", 0))
    if "d" in flags:
        monkeypatch.setattr(sys, "gettotalrefcount", lambda: 0, raising=False)
    expected = tuple(dict.fromkeys(map(str, packaging_tags.sys_tags())))
    monkeypatch.undo()

    assert compute_tags(core, details) == expected


X86, I386, ARM, AARCH = 62, 3, 40, 183
ARM_HARD, ARM_SOFT = 0x05000400, 0x05000200
#: what `sysconfig` calls the platform, whether pointers are wide, the program's machine and flags, and its C library
LINUXES = {
    "x86_64": ("linux-x86_64", True, X86, 0, ["glibc", 2, 36]),
    "an old one": ("linux-x86_64", True, X86, 0, ["glibc", 2, 12]),
    "32 bits on x86_64": ("linux-x86_64", False, I386, 0, ["glibc", 2, 31]),
    "aarch64": ("linux-aarch64", True, AARCH, 0, ["glibc", 2, 39]),
    "32 bits on aarch64": ("linux-aarch64", False, ARM, ARM_HARD, ["glibc", 2, 31]),
    "armv7l": ("linux-armv7l", False, ARM, ARM_HARD, ["glibc", 2, 31]),
    "armv7l without hardware for floats": ("linux-armv7l", False, ARM, ARM_SOFT, ["glibc", 2, 31]),
    "riscv64": ("linux-riscv64", True, 243, 0, ["glibc", 2, 39]),
    "mips": ("linux-mips", False, 8, 0, ["glibc", 2, 31]),
    "musl": ("linux-x86_64", True, X86, 0, ["musl", 1, 2]),
    "musl on aarch64": ("linux-aarch64", True, AARCH, 0, ["musl", 1, 2]),
    "neither": ("linux-x86_64", True, X86, 0, None),
}


@pytest.mark.parametrize("case", LINUXES)
def test_platforms_are_those_of_packaging_on_such_a_machine(monkeypatch, case):
    name, wide, machine, flags, libc = LINUXES[case]
    here = Interpreter.current().base
    program = {"wide": wide, "little": True, "machine": machine, "flags": flags, "loader": None}
    details = {**here.details, "sysconfig_platform": name, "elf": program, "libc": libc}
    ours = platforms({**here.core, "platform": "linux", "is_64bit": wide}, details)

    @contextmanager
    def parsed(_):
        capacity = packaging_elf.EIClass.C64 if wide else packaging_elf.EIClass.C32
        kind = machine if machine in {int(one) for one in packaging_elf.EMachine} else None
        yield SimpleNamespace(capacity=capacity, encoding=packaging_elf.EIData.Lsb, machine=kind, flags=flags)

    kind, version = (libc[0], tuple(libc[1:])) if libc else (None, (-1, -1))
    musl = packaging_musl._MuslVersion(*version) if kind == "musl" else None
    monkeypatch.setattr(packaging_glibc, "_parse_elf", parsed)
    monkeypatch.setattr(packaging_glibc, "_get_glibc_version", lambda: version if kind == "glibc" else (-1, -1))
    monkeypatch.setattr(packaging_glibc, "_get_manylinux_module", lambda: None, raising=False)
    monkeypatch.setattr(packaging_musl, "_get_musl_version", lambda _: musl)
    monkeypatch.setattr(sysconfig, "get_platform", lambda: name)
    expected = list(packaging_tags._linux_platforms(is_32bit=not wide))
    monkeypatch.undo()

    assert ours == expected
