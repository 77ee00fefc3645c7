"""Compatibility tags of any machine, computed from facts about it (PEP 425, 600, 656, 730, 738).

`packaging.tags` does the ordering; what it would ask of the running Python is passed in instead, so that the answer is
right for another Python or another machine. For the usual build of CPython the same order is written out here, as loading
`packaging.tags` takes longer than a warm resolution; the tests compare both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_MANYLINUX = r"manylinux_(\d+)_(\d+)_(\w+)"
_MUSLLINUX = r"musllinux_(\d+)_(\d+)_(\w+)"
_MACOS = r"macosx_(\d+)_(\d+)_(\w+)"
_MAX_MINOR = 999


def normalize(text: str) -> str:
    """Make a platform or ABI name usable in a tag."""
    return text.replace(".", "_").replace("-", "_").replace(" ", "_")


def cpython_abis(version: Sequence[int], *, free_threaded: bool = False, debug: bool = False) -> list[str]:
    """Give CPython's ABI names, the most wanted first."""
    base = f"cp{version[0]}{version[1]}{'t' if free_threaded else ''}"
    if tuple(version[:2]) < (3, 8):
        return [f"{base}{'d' if debug else ''}m"]
    return [f"{base}d", base] if debug else [base]


def suffix_abis(suffix: str) -> list[str]:
    """Read the ABI name out of ``EXT_SUFFIX``: ``.pypy39-pp73-x86_64-linux-gnu.so`` gives ``pypy39_pp73``."""
    parts = suffix.split(".")
    if len(parts) < 3 or not parts[1]:
        return []
    pieces = parts[1].split("-")
    if pieces[0] == "cpython":
        return [normalize(f"cp{pieces[1]}")] if len(pieces) > 1 else []
    keep = 1 if pieces[0].startswith("cp") else 2 if pieces[0].startswith("pypy") else 3
    return [normalize("-".join(pieces[:keep] if pieces[0].startswith(("cp", "pypy", "graalpy")) else pieces))]


def tags(
    short: str, version: Sequence[int], nodot: str, abis: Sequence[str], platforms: Sequence[str]
) -> tuple[str, ...]:
    """Give the tags of one interpreter, the most wanted first.

    *short* is "cp", "pp" or another implementation's name, *nodot* its version as its tags spell it ("312").
    """
    pair = (version[0], version[1])
    if short == "cp" and pair[0] == 3 and platforms and list(abis) == [f"cp{nodot}"] == [f"cp{pair[0]}{pair[1]}"]:
        return tuple(dict.fromkeys(text.lower() for text in _usual_tags(pair[1], platforms)))
    from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags

    found: list[Tag]
    extra: str | None
    if short == "cp":
        found = list(cpython_tags(pair, abis, platforms))
        extra = f"cp{nodot}"
    else:
        found = list(generic_tags(f"{short}{nodot}", abis, platforms))
        extra = "pp3" if short == "pp" else None
    # `compatible_tags` would fall back on the running interpreter for an absent name only where it is asked to guess.
    found += compatible_tags(pair, extra, platforms)
    return tuple(dict.fromkeys(map(str, found)))


def _usual_tags(minor: int, platforms: Sequence[str]) -> Iterator[str]:
    """Give the tags of a CPython 3 with the global interpreter lock that is no debug build (PEP 425)."""
    own = f"cp3{minor}"
    for abi in (own, "abi3", "none"):
        yield from [f"{own}-{abi}-{platform}" for platform in platforms]
    for older in range(minor - 1, 1, -1):  # the stable ABI is as old as 3.2
        yield from [f"cp3{older}-abi3-{platform}" for platform in platforms]
    pythons = [f"py3{minor}", "py3", *(f"py3{older}" for older in range(minor - 1, -1, -1))]
    for python in pythons:
        yield from [f"{python}-none-{platform}" for platform in platforms]
    yield f"{own}-none-any"
    yield from [f"{python}-none-any" for python in pythons]


def linux_platforms(
    archs: Sequence[str], glibc: tuple[int, int] | None = None, musl: tuple[int, int] | None = None
) -> list[str]:
    """Give the platforms of a Linux machine, ``linux_<arch>`` of locally built wheels first, as `packaging` does."""
    found = [f"linux_{arch}" for arch in archs]
    for arch in archs:
        if glibc is not None and glibc[0] == 2:
            lowest = 5 if {"x86_64", "i686"} & set(archs) else 17
            for minor in range(min(glibc[1], _MAX_MINOR), lowest - 1, -1):
                found.append(f"manylinux_2_{minor}_{arch}")
                if minor in _LEGACY_MANYLINUX:
                    found.append(f"{_LEGACY_MANYLINUX[minor]}_{arch}")
    for arch in archs:
        if musl is not None:
            found += [f"musllinux_{musl[0]}_{minor}_{arch}" for minor in range(min(musl[1], _MAX_MINOR), -1, -1)]
    return found


def expand_platform(platform: str) -> list[str]:
    """Give all platforms whose files run on a machine that is *platform*.

    ``manylinux_2_28_x86_64`` gives that and all older ones, ``macosx_14_0_arm64`` too; others stand for themselves.
    """
    platform = normalize(platform)
    for minor, alias in _LEGACY_MANYLINUX.items():
        if platform.startswith(f"{alias}_"):
            platform = f"manylinux_2_{minor}_{platform[len(alias) + 1 :]}"
    match = re.fullmatch(_MANYLINUX, platform)
    if match:
        return linux_platforms([match[3]], glibc=(int(match[1]), int(match[2])))
    match = re.fullmatch(_MUSLLINUX, platform)
    if match:
        return linux_platforms([match[3]], musl=(int(match[1]), int(match[2])))
    match = re.fullmatch(_MACOS, platform)
    if match:
        return list(_mac_platforms((int(match[1]), int(match[2])), match[3]))
    return [platform]


def _mac_platforms(version: tuple[int, int], arch: str) -> Iterator[str]:
    from packaging.tags import mac_platforms

    return mac_platforms(version, arch)


def platform_markers(platform: str) -> dict[str, str]:
    """Give the markers of PEP 508 that follow from a platform tag; what it does not tell is the empty text."""
    platform = normalize(platform)
    if platform == "win32" or platform.startswith("win_"):
        machine = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64"}.get(platform, platform[4:].upper())
        return _markers("nt", "win32", "Windows", machine)
    match = re.fullmatch(_MACOS, platform)
    if match:
        return _markers("posix", "darwin", "Darwin", match[3])
    match = re.fullmatch(r"(?:manylinux(?:_\d+_\d+|1|2010|2014)|musllinux_\d+_\d+|linux)_(\w+)", platform)
    if match:
        return _markers("posix", "linux", "Linux", match[1])
    match = re.fullmatch(r"ios_\d+_\d+_(\w+)_iphone(os|simulator)", platform)
    if match:
        return _markers("posix", "ios", "iOS", match[1])
    match = re.fullmatch(r"android_\d+_(\w+)", platform)
    if match:
        machine = {"arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86": "i686"}.get(match[1], match[1])
        return _markers("posix", "android", "Android", machine)
    raise ValueError(f"unknown platform {platform!r}")


def _markers(os_name: str, sys_platform: str, system: str, machine: str) -> dict[str, str]:
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "platform_release": "",
        "platform_version": "",
    }
