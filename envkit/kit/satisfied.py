"""Tell, without an index, whether what is installed already satisfies what is asked.

This is what makes asking for what is there cost a few milliseconds and no network: only when something is missing or
does not fit is a resolution needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from envkit.errors import RequirementError
from envkit.model.identity import normalize
from envkit.model.requirement import marker_holds, parse_requirement
from envkit.model.resolution import Edge, Pin, Request, Resolution
from envkit.model.target import Target

if TYPE_CHECKING:
    from envkit.model.distribution import InstalledDistribution


def satisfied_by(
    requirements: Iterable[str],
    installed: Iterable[InstalledDistribution],
    target: Target,
    constraints: Iterable[str] = (),
) -> Resolution | None:
    """Give a resolution made of installed distributions alone, or None where a requirement or a dependency of one is
    not met. A requirement with a URL is never taken as met: what is behind it may have changed.
    """
    try:
        return _Walk(installed, target, constraints).run(tuple(requirements))
    except RequirementError:
        return None  # broken metadata of something installed: the resolver tells better


class _Walk:
    def __init__(self, installed: Iterable[InstalledDistribution], target: Target, constraints: Iterable[str]) -> None:
        self.installed: dict[str, InstalledDistribution] = {}
        for dist in installed:
            self.installed.setdefault(normalize(dist.name), dist)
        self.target = target
        self.constraints: dict[str, list[Requirement]] = {}
        for text in constraints:
            limit = parse_requirement(text)
            self.constraints.setdefault(normalize(limit.name), []).append(limit)
        self.extras: dict[str, set[str]] = {}
        self.requests: dict[str, list[Request]] = {}
        self.edges: list[Edge] = []
        self.dependencies: dict[str, list[str]] = {}
        self.pending: list[tuple[str, str]] = []

    def run(self, roots: tuple[str, ...]) -> Resolution | None:
        self.pending = [("", text) for text in reversed(roots)]
        while self.pending:
            parent, text = self.pending.pop()
            if not self._visit(parent, text):
                return None
        pins = {name: self._pin(name) for name in sorted(self.requests)}
        return Resolution(target=self.target, roots=roots, pins=pins, edges=tuple(self.edges))

    def _visit(self, parent: str, text: str) -> bool:
        requirement = parse_requirement(text)
        if not parent and requirement.marker is not None and not self._holds(requirement, ()):
            return True
        name = normalize(requirement.name)
        dist = self.installed.get(name)
        if dist is None or requirement.url is not None or not self._fits(dist, requirement):
            return False
        for limit in self.constraints.get(name, ()):
            if limit.marker is not None and not self._holds(limit, ()):
                continue
            if limit.url is not None or not self._fits(dist, limit):
                return False
        self.requests.setdefault(name, []).append(Request(by=parent, requirement=text))
        self.edges.append(Edge(parent=parent, child=name, requirement=text))
        self._follow(name, dist, {normalize(extra) for extra in requirement.extras})
        return True

    def _follow(self, name: str, dist: InstalledDistribution, extras: set[str]) -> None:
        """Queue the dependencies that *extras* add to those that were queued before."""
        known = self.extras.get(name)
        if known is not None and extras <= known:
            return
        before = () if known is None else ("", *sorted(known))
        self.extras[name] = extras | (known or set())
        after = ("", *sorted(self.extras[name]))
        kept = self.dependencies.setdefault(name, [])
        for text in dist.requires_dist:
            requirement = parse_requirement(text)
            if requirement.marker is not None:
                if not self._holds(requirement, after) or (before and self._holds(requirement, before)):
                    continue
            elif before:
                continue
            kept.append(text)
            self.pending.append((name, text))

    def _holds(self, requirement: Requirement, extras: tuple[str, ...]) -> bool:
        marker = requirement.marker
        assert marker is not None
        markers: Mapping[str, str] = self.target.markers
        return any(marker_holds(marker, {**markers, "extra": extra}) for extra in extras or ("",))

    @staticmethod
    def _fits(dist: InstalledDistribution, requirement: Requirement) -> bool:
        try:
            version = Version(dist.version)
        except InvalidVersion:
            return False
        return requirement.specifier.contains(version, prereleases=True)

    def _pin(self, name: str) -> Pin:
        dist = self.installed[name]
        return Pin(
            name=name,
            version=Version(dist.version),
            extras=tuple(sorted(self.extras[name])),
            dependencies=tuple(self.dependencies[name]),
            requested_by=tuple(self.requests[name]),
            requires_python=dist.requires_python,
        )
