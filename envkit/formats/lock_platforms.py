"""Where the packages of old locks are needed, which say it of dependencies and not of packages.

Such a lock names ``pywin32`` beside everything else, and nothing but the marker of whoever needs it tells that it is for
Windows. A project may need it by itself, which the lock does not tell either. So only what has no file for a platform, and
what others need on another one alone, is left out there.
"""

from __future__ import annotations

from collections.abc import Iterable

from envkit.errors import RequirementError
from envkit.formats.lock_parts import LockReading
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import ALL, Node
from envkit.model.requirement import parse_requirement

_SYSTEMS = (("win", "win32"), ("macosx", "darwin"), ("linux", "linux"), ("manylinux", "linux"), ("musllinux", "linux"))


def needs_of(reading: LockReading, packages: Iterable[LockedPackage]) -> dict[str, list[Node]]:
    """Give by name the conditions under which one of *packages* needs it."""
    found: dict[str, list[Node]] = {}
    for package in packages:
        for text in package.dependencies:
            try:
                wanted = parse_requirement(text)
                marker = str(wanted.marker) if wanted.marker is not None else None
                node = reading.condition(marker, package.name, extra="")
            except RequirementError:
                node, wanted = ALL, None
            name = normalize(wanted.name if wanted is not None else text.partition(" ")[0])
            found.setdefault(name, []).append(node)
    return found


def limit(reading: LockReading, package: LockedPackage, needs: Iterable[Node]) -> Node:
    """Give where *package* is wanted, of which others need it where *needs* tell."""
    systems = {system for file in package.artifacts for system in _systems(file.filename)}
    needs = list(needs)
    if not package.artifacts or package.origin is not None or "" in systems or not needs:
        return ALL
    served = [reading.condition(f"sys_platform == '{system}'", package.name) for system in sorted(systems)]
    return reading.sets.any_of([*needs, *served])


def _systems(filename: str) -> Iterable[str]:
    """Yield the values of ``sys_platform`` that a file is for, or "" for one that may be for all."""
    if not filename.endswith(".whl"):
        yield ""
        return
    for platform in filename[:-4].rpartition("-")[2].split("."):
        yield next((system for start, system in _SYSTEMS if platform.startswith(start)), "")
