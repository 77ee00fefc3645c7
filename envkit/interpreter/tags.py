"""The compatibility tags of an interpreter, from the facts that it told about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envkit.model import tags as tagging

_SHORT = {"cpython": "cp", "pypy": "pp", "python": "py", "ironpython": "ip", "jython": "jy"}
_MANYLINUX_ARCHS = frozenset(("x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"))
_ARM, _I386 = 40, 3
_ARM_ABI_5, _ARM_HARD = 0x05000000, 0x00000400


def compute_tags(core: Mapping[str, Any], details: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the tags, the most wanted first; equal to what `packaging.tags.sys_tags` gives inside that interpreter."""
    version: list[int] = core["version_info"]
    variables: Mapping[str, Any] = details["variables"]
    implementation = str(core["implementation"])
    short = _SHORT.get(implementation, implementation)
    nodot = str(variables.get("py_version_nodot") or f"{version[0]}{version[1]}")
    if short == "cp":
        debug = variables.get("Py_DEBUG")
        with_debug = bool(debug) or (debug is None and bool(core["debug"]))
        free_threaded = bool(variables.get("Py_GIL_DISABLED")) and tuple(version[:2]) >= (3, 13)
        abis = tagging.cpython_abis(version, free_threaded=free_threaded, debug=with_debug)
    else:
        abis = tagging.suffix_abis(str(variables.get("EXT_SUFFIX") or ""))
    return tagging.tags(short, version, nodot, abis, platforms(core, details))


def platforms(core: Mapping[str, Any], details: Mapping[str, Any]) -> list[str]:
    """Give the platforms whose files this interpreter can load, the most wanted first."""
    own = tagging.normalize(str(details["sysconfig_platform"]))
    if core["platform"].startswith("linux") and own.startswith("linux_"):
        return _linux(own.removeprefix("linux_"), details, wide=bool(core["is_64bit"]))
    if core["platform"] == "darwin":
        return _mac(details, wide=bool(core["is_64bit"]))
    if core["platform"] in ("ios", "android"):
        return _mobile(core["platform"], own)
    return [own]


def _linux(arch: str, details: Mapping[str, Any], *, wide: bool) -> list[str]:
    if not wide:
        arch = {"x86_64": "i686", "aarch64": "armv8l"}.get(arch, arch)
    archs = ["armv8l", "armv7l"] if arch == "armv8l" else [arch]
    libc = details.get("libc")
    version = (libc[1], libc[2]) if libc else None
    if libc and libc[0] == "glibc" and _abi_is_standard(archs, details.get("elf") or {}):
        return tagging.linux_platforms(archs, glibc=version)
    if libc and libc[0] == "musl":
        return tagging.linux_platforms(archs, musl=version)
    return tagging.linux_platforms(archs)


def _abi_is_standard(archs: list[str], elf: Mapping[str, Any]) -> bool:
    """Tell whether PEP 600 covers this ABI: 32-bit machines run several, and wheels are built for one."""
    narrow = elf.get("wide") is False and elf.get("little") is True
    if "armv7l" in archs:
        flags = int(elf.get("flags") or 0)
        hard = flags & 0xFF000000 == _ARM_ABI_5 and bool(flags & _ARM_HARD)
        return narrow and elf.get("machine") == _ARM and hard
    if "i686" in archs:
        return narrow and elf.get("machine") == _I386
    return any(arch in _MANYLINUX_ARCHS for arch in archs)


def _mac(details: Mapping[str, Any], *, wide: bool) -> list[str]:
    from packaging.tags import mac_platforms

    numbers = [int(part) for part in str(details.get("mac_version") or "10.9").split(".")[:2]]
    arch = str(details.get("machine") or "x86_64")
    if not wide:
        arch = "ppc" if arch.startswith("ppc") else "i386"
    return list(mac_platforms((numbers[0], numbers[1] if len(numbers) > 1 else 0), arch))


def _mobile(system: str, own: str) -> list[str]:
    from packaging import tags as packaging_tags

    parts = own.split("_")
    if system == "android" and len(parts) > 2:  # android_21_arm64_v8a
        return list(packaging_tags.android_platforms(int(parts[1]), "_".join(parts[2:])))
    if system == "ios" and len(parts) > 4:  # ios_13_0_arm64_iphoneos
        return list(packaging_tags.ios_platforms((int(parts[1]), int(parts[2])), "_".join(parts[3:])))
    return [own]
