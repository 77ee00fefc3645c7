"""Judge pins by the recording and `packaging` alone: are they a resolution, and what keeps a project from being newer?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from benchmarks.metadata_fields import MetadataFields
from benchmarks.recording import RecordedProject
from benchmarks.workloads import Workload


class Judge:
    """Knows the recorded projects; pins are normalised name -> version."""

    def __init__(self, projects: Mapping[str, RecordedProject]) -> None:
        self._projects = projects
        self._environment = {key: str(value) for key, value in default_environment().items()}
        self._fields = lru_cache(maxsize=None)(self._find_fields)
        self._parse = lru_cache(maxsize=None)(_requirement)

    def problems(self, workload: Workload, pins: Mapping[str, str]) -> list[str]:
        """Say what is wrong with *pins*: requirements that they do not meet, and pins that nothing asks for."""
        found: list[str] = []
        asked: set[str] = set()
        for parent, requirement in self.requirements(workload, pins):
            name = canonicalize_name(requirement.name)
            asked.add(name)
            if name not in pins:
                found.append(f"{parent} needs {requirement}, which is not there")
            elif not requirement.specifier.contains(pins[name], prereleases=True):
                found.append(f"{parent} needs {requirement}, not {pins[name]}")
        found += [f"{name} is not in the recording" for name in sorted(pins) if name not in self._projects]
        found += [f"nothing asks for {name}" for name in sorted(set(pins) - asked)]
        if workload.exclude_newer is not None:
            found += self._too_new(pins, datetime.fromisoformat(workload.exclude_newer).timestamp())
        return sorted(set(found))

    def requirements(self, workload: Workload, pins: Mapping[str, str]) -> Iterator[tuple[str, Requirement]]:
        """Give each requirement that holds with *pins*, with the name of who has it."""
        todo = [("the user", text, "") for text in workload.requirements]
        seen: set[tuple[str, str]] = set()
        while todo:
            parent, text, extra = todo.pop()
            requirement = self._parse(text)
            if requirement is None or not self._holds(requirement, extra):
                continue
            yield parent, requirement
            name = canonicalize_name(requirement.name)
            fields = self._fields(name, pins[name]) if name in pins else None
            for wanted in ("", *requirement.extras):
                if fields is not None and (name, wanted) not in seen:
                    seen.add((name, wanted))
                    todo += [(name, child, wanted) for child in fields.requires_dist]

    def blockers(self, workload: Workload, pins: Mapping[str, str], name: str, version: str) -> list[str]:
        """Say what in *pins* excludes this *version* of *name*, from either side."""
        found = [
            f"{parent} needs {requirement}"
            for parent, requirement in self.requirements(workload, pins)
            if canonicalize_name(requirement.name) == name
            and not requirement.specifier.contains(version, prereleases=True)
        ]
        fields = self._fields(name, version)
        for text in fields.requires_dist if fields is not None else ():
            requirement = self._parse(text)
            if requirement is None or not self._holds(requirement, ""):
                continue
            other = canonicalize_name(requirement.name)
            if other in pins and not requirement.specifier.contains(pins[other], prereleases=True):
                found.append(f"{name} {version} needs {requirement}, not {pins[other]}")
        return sorted(set(found))

    def _holds(self, requirement: Requirement, extra: str) -> bool:
        if requirement.marker is None:
            return extra == ""
        holds = requirement.marker.evaluate({**self._environment, "extra": extra})
        # What holds without the extra is asked for by the project itself.
        return holds and (not extra or not requirement.marker.evaluate({**self._environment, "extra": ""}))

    def _find_fields(self, name: str, version: str) -> MetadataFields | None:
        project = self._projects.get(name)
        for text, fields in project.metadata.items() if project is not None else ():
            try:
                if text == version or Version(text) == Version(version):
                    return fields
            except InvalidVersion:
                continue
        return None

    def _too_new(self, pins: Mapping[str, str], limit: float) -> Iterator[str]:
        for name, version in pins.items():
            project = self._projects.get(name)
            times = [
                f.time
                for f in (project.files if project is not None else ())
                if f.is_wheel and _same(f.version, version)
            ]
            if times and min(times) > limit:
                yield f"{name} {version} is newer than the cut-off"


def _same(text: str, version: str) -> bool:
    try:
        return text == version or Version(text) == Version(version)
    except InvalidVersion:
        return False


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None
