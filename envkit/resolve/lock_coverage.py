"""Which environments the files of a version serve, and whether that is enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from envkit.model.marker_sets import ALL, EMPTY, MarkerSets, Node
from envkit.model.marker_text import set_of

_MAC = {
    "universal2": "x86_64 arm64",
    "universal": "x86_64 i386 ppc ppc64",
    "intel": "x86_64 i386",
    "fat64": "x86_64 ppc64",
}
_WINDOWS = {"win32": "x86", "win-amd64": "AMD64", "win-arm64": "ARM64"}
_LINUX = re.compile(r"(?:linux|manylinux\d+|manylinux_\d+_\d+|musllinux_\d+_\d+)_(\w+)")
_MACOS = re.compile(r"macosx_\d+_\d+_(\w+)")
_PYTHON = re.compile(r"(py|cp|pp)(\d)(\d*)")


class Coverage:
    """What has to be served: *required* are sets of environments, *builds* tells whether an sdist of a project counts."""

    def __init__(self, sets: MarkerSets, required: Sequence[str], builds: Callable[[str], bool]) -> None:
        self._sets = sets
        self._builds = builds
        self._memo: dict[str, Node] = {}
        self.required = {marker: set_of(sets, marker) for marker in required}
        self.key = "\n".join(sorted(required))

    def of(self, name: str, filenames: Iterable[str]) -> Node:
        """Give the environments for which one of the files of a version is."""
        found = EMPTY
        for filename in filenames:
            if not filename.endswith(".whl"):
                found = ALL if self._builds(name) else found
            else:
                parts = filename[:-4].split("-")
                found = self._sets.either(found, self._tags("-".join(parts[-3:])))
        return found

    def lacks(self, served: Node, reach: Node) -> Node | None:
        """Give a set by which to divide where required environments of *reach* are not *served*; None where all are."""
        sets = self._sets
        for node in self.required.values():
            wanted = sets.both(reach, node)
            if not sets.is_within(wanted, served):
                return node if not sets.is_within(reach, node) else served
        return None

    def useless(self, served: Node, space: Node) -> bool:
        """Whether the whole *space* is required, and nothing of it is *served*."""
        sets = self._sets
        return any(sets.is_within(space, node) for node in self.required.values()) and sets.is_empty(
            sets.both(space, served)
        )

    def _tags(self, tags: str) -> Node:
        known = self._memo.get(tags)
        if known is None:
            pythons, abis, platforms = (part.split(".") for part in tags.split("-"))
            sets = self._sets
            python = sets.any_of(_python(sets, one, abi) for one in pythons for abi in abis)
            known = self._memo[tags] = sets.both(python, sets.any_of(_platform(sets, one) for one in platforms))
        return known


def _python(sets: MarkerSets, python: str, abi: str) -> Node:
    match = _PYTHON.fullmatch(python)
    if match is None:
        return EMPTY
    kind, major, minor = match.groups()
    version = f"{major}.{minor or 0}"
    exact = kind != "py" and abi != "abi3" and minor
    text = (
        f"python_version == '{version}'"
        if exact
        else f"python_version >= '{version}' and python_version < '{int(major) + 1}'"
    )
    if kind != "py":
        text += f" and implementation_name == '{'cpython' if kind == 'cp' else 'pypy'}'"
    return set_of(sets, text)


def _platform(sets: MarkerSets, platform: str) -> Node:
    if platform == "any":
        return ALL
    if match := _LINUX.fullmatch(platform):
        return set_of(sets, f"sys_platform == 'linux' and platform_machine == '{match[1]}'")
    if match := _MACOS.fullmatch(platform):
        machines = _MAC.get(match[1], match[1]).split()
        return sets.any_of(
            set_of(sets, f"sys_platform == 'darwin' and platform_machine == '{one}'") for one in machines
        )
    machine = _WINDOWS.get(platform.replace("_", "-"))
    return set_of(sets, f"sys_platform == 'win32' and platform_machine == '{machine}'") if machine else EMPTY
