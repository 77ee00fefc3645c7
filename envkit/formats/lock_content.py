"""What a lock says, and what can be made of it, whatever file it was read from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from packaging.specifiers import SpecifierSet

from envkit.dataclass import dataclass, replace
from envkit.errors import LockError, RequirementError
from envkit.model.arguments import several
from envkit.model.candidate import Artifact
from envkit.model.identity import normalize, parse_specifier
from envkit.model.lock import LockChange, LockedPackage
from envkit.model.requirement import marker_holds, parse_marker, parse_requirement
from envkit.model.resolution import Edge, Pin, Request, Resolution
from envkit.model.secret import strip_credentials
from envkit.model.target import Target
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LockContent(Value):
    """Which version of each project is for which environments.

    *environments* are markers of which one must hold (none: no limit), *extras* and *groups* what can be asked for,
    *default_groups* those that are used where nobody chooses, *roots* the requirements that were locked, where known.
    *constraints* and *overrides* are what it was locked with, *conflicts* lists sets of choices (``"extra:cpu"``,
    ``"group:old"``) of which at most one may be made. *kind* tells the format it was read from. Markers may ask
    ``"x" in extras`` and ``"x" in dependency_groups`` (PEP 751).
    """

    packages: tuple[LockedPackage, ...]
    requires_python: str | None = None
    environments: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, ...], ...] = ()
    kind: str = "envkit"
    created_by: str = "envkit"

    def package(self, name: str) -> tuple[LockedPackage, ...]:
        """Give the entries of a project: none, one, or several for different environments."""
        wanted = normalize(name)
        return tuple(package for package in self.packages if package.name == wanted)

    def select(
        self, target: Target, extras: Iterable[str] | str = (), groups: Iterable[str] | str | None = None
    ) -> Resolution:
        """Give what is to be installed on *target*, with the files that fit it, the preferred one first (PEP 751).

        *groups* None means the default groups. Raises `LockError` where the lock is not for the target, an extra or group
        is unknown, choices exclude each other, two entries of one project hold at once, or no file of a project fits.
        """
        from envkit.formats.lock_selection import usable_artifacts

        if not isinstance(target, Target):
            raise LockError(
                f"a Target is needed here, not {type(target).__name__}",
                hint="Target.of(environment.interpreter) gives one, and so does Target.for_python(version, platform=...)",
                context={"type": type(target).__name__},
            )
        chosen_extras = self._known(extras, self.extras, "extra")
        chosen_groups = self._known(self.default_groups if groups is None else groups, self.groups, "dependency group")
        self._check_choices(chosen_extras, chosen_groups)
        python = target.markers.get("python_full_version", target.python)
        self._check_target(target, python)
        environment: dict[str, Any] = {
            **target.markers,
            "extras": frozenset(chosen_extras),
            "dependency_groups": frozenset(chosen_groups),
        }
        chosen: dict[str, LockedPackage] = {}
        for package in self.packages:
            if package.marker and not marker_holds(parse_marker(package.marker), environment, "lock_file"):
                continue
            if package.requires_python and not _accepts(package.requires_python, python):
                raise LockError(f"{package.name} needs Python {package.requires_python}, and the target has {python}")
            if package.name in chosen:
                raise LockError(f"two entries of {package.name} hold for the target: the lock is ambiguous")
            chosen[package.name] = package
        pins = {name: _pin(package, usable_artifacts(package, target)) for name, package in sorted(chosen.items())}
        return Resolution(target=target, roots=self.roots, pins=_with_requests(pins), edges=tuple(_edges(pins, target)))

    def _check_choices(self, extras: Sequence[str], groups: Sequence[str]) -> None:
        chosen = {*(f"extra:{name}" for name in extras), *(f"group:{name}" for name in groups)}
        for conflict in self.conflicts:
            both = sorted(chosen.intersection(conflict))
            if len(both) > 1:
                raise LockError(f"{' and '.join(both)} exclude each other", context={"conflict": conflict})

    def _known(self, wanted: Iterable[str], known: Sequence[str], what: str) -> tuple[str, ...]:
        names = tuple(normalize(name) for name in several(what, wanted, str))
        for name in names:
            if name not in known:
                raise LockError(
                    f"the lock has no {what} {name!r}",
                    hint=f"it has {', '.join(known)}" if known else None,
                    context={"name": name, "known": tuple(known)},
                )
        return names

    def _check_target(self, target: Target, python: str) -> None:
        if self.requires_python and not _accepts(self.requires_python, python):
            raise LockError(f"the lock is for Python {self.requires_python}, and the target has {python}")
        if self.environments and not any(
            marker_holds(parse_marker(marker), {"extra": "", **target.markers}) for marker in self.environments
        ):
            raise LockError("the lock is not for environments such as the target", context={"for": self.environments})

    def to_pylock(self, *, base: str | Path | None = None) -> str:
        """Give the text of a ``pylock.toml``; with *base*, local files are named relative to that folder.

        Raises `LockError` for files without a hash or a place.
        """
        from envkit.model.pylock import write_pylock

        return write_pylock(
            self.packages,
            requires_python=self.requires_python,
            environments=self.environments,
            extras=self.extras,
            groups=self.groups,
            default_groups=self.default_groups,
            settings={
                "roots": self.roots,
                "constraints": self.constraints,
                "overrides": self.overrides,
                "conflicts": self.conflicts,
            },
            base=os.path.abspath(base) if base is not None else None,
        )

    def to_requirements(
        self, *, hashes: bool = True, extras: Iterable[str] = (), groups: Iterable[str] | None = None
    ) -> str:
        """Give a requirements file for pip with exact versions, markers and, unless unwanted, hashes.

        It is for the given *extras* and *groups*, since such a file cannot ask. Raises `LockError` where an entry has no
        hash that pip takes and *hashes* are wanted.
        """
        from envkit.formats.lock_selection import requirement_lines

        chosen_extras = self._known(extras, self.extras, "extra")
        chosen_groups = self._known(self.default_groups if groups is None else groups, self.groups, "dependency group")
        self._check_choices(chosen_extras, chosen_groups)
        lines = requirement_lines(self.packages, chosen_extras, chosen_groups, hashes=hashes)
        return "".join(line + "\n" for line in lines)

    def diff(self, other: LockContent) -> tuple[LockChange, ...]:
        """Give the projects whose versions differ in *other*, by name; *other* is what comes after."""
        if not isinstance(other, LockContent):
            raise LockError(f"another lock is needed here, not {type(other).__name__}")
        before, after = self._versions(), other._versions()
        return tuple(
            LockChange(name=name, before=before.get(name, ()), after=after.get(name, ()))
            for name in sorted({*before, *after})
            if before.get(name, ()) != after.get(name, ())
        )

    def _versions(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, set[str]] = {}
        for package in self.packages:
            text = str(package.version) if package.version is not None else package.origin.url if package.origin else ""
            found.setdefault(package.name, set()).add(strip_credentials(text))
        return {name: tuple(sorted(versions)) for name, versions in found.items()}

    def upgrade(self, names: Iterable[str] | str | None = None) -> Self:
        """Give the lock with these projects (None: all) free to move: to be passed on as the previous lock."""
        free = None if names is None else {normalize(name) for name in several("names", names, str)}
        kept = tuple(package for package in self.packages if free is not None and package.name not in free)
        return replace(self, packages=kept, roots=())  # without roots it is no answer, only a wish


def _accepts(specifier: str, python: str) -> bool:
    parsed: SpecifierSet = parse_specifier(specifier)
    return parsed.contains(python.rstrip("+"), prereleases=True)


def _pin(package: LockedPackage, artifacts: tuple[Artifact, ...]) -> Pin:
    from packaging.version import Version

    from envkit.formats.lock_selection import version_of

    return Pin(
        name=package.name,
        version=package.version or version_of(artifacts) or Version("0"),
        artifacts=artifacts,
        dependencies=package.dependencies,
        origin=package.origin,
        index=package.index,
        requires_python=package.requires_python,
    )


def _edges(pins: dict[str, Pin], target: Target) -> Iterator[Edge]:
    for name, pin in pins.items():
        for text in pin.dependencies:
            try:
                wanted = parse_requirement(text)
                holds = wanted.marker is None or marker_holds(wanted.marker, {"extra": "", **target.markers})
            except RequirementError:
                continue
            child = normalize(wanted.name)
            if child in pins and child != name and holds:
                yield Edge(parent=name, child=child, requirement=text)


def _with_requests(pins: dict[str, Pin]) -> dict[str, Pin]:
    return {name: replace(pin, requested_by=(Request(by="", requirement=name),)) for name, pin in pins.items()}
