"""What is wrong in an environment: what ``pip check`` finds, and what it does not look for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from envkit.dataclass import dataclass
from envkit.errors import EnvkitError, RequirementError
from envkit.inspection.metadata import tags_of
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.requirement import marker_holds, parse_requirement
from envkit.model.secret import mask_credentials
from envkit.model.values import Value

Kind = Literal[
    "missing", "incompatible", "wrong-python", "wrong-tags", "broken-record", "missing-file", "changed-file", "duplicate",
    "bad-metadata",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Value):
    """One thing that is wrong: *project* is normalized, *detail* is a sentence for people.

    For "missing" and "incompatible", *requirement* is what is not met, by which *found* version (None: not installed).
    For files, *path* names the file.
    """

    kind: Kind
    project: str
    version: str
    detail: str
    requirement: str | None = None
    found: str | None = None
    path: str | None = None


def dependency_problems(
    distributions: Iterable[InstalledDistribution], markers: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield what is missing or does not fit, as ``pip check`` does; extras are not looked at."""
    by_name = {normalize(one.name): one for one in distributions}
    for name, one in by_name.items():
        problems: set[tuple[str, Problem]] = set()
        try:
            every = [parse_requirement(text) for text in one.requires_dist]
            wanted = [
                each for each in every if each.marker is None or marker_holds(each.marker, {**markers, "extra": ""})
            ]
        except RequirementError as error:
            detail = f"the dependencies of {name} cannot be read: {error.message}"
            yield Problem(kind="bad-metadata", project=name, version=one.version, detail=detail)
            continue
        for requirement in wanted:
            problem = _unmet(one, name, requirement, by_name.get(normalize(requirement.name)))
            if problem is not None:
                problems.add((problem.detail, problem))
        yield from (problem for _, problem in sorted(problems, key=lambda pair: pair[0]))


def _unmet(
    one: InstalledDistribution, name: str, requirement: Requirement, found: InstalledDistribution | None
) -> Problem | None:
    text = mask_credentials(str(requirement))
    if found is None:
        detail = f"{name} {one.version} requires {normalize(requirement.name)}, which is not installed."
        return Problem(kind="missing", project=name, version=one.version, detail=detail, requirement=text)
    if fits(requirement, found.version):
        return None
    detail = (
        f"{name} {one.version} has requirement {text}, but you have {normalize(found.name)} {_version(found.version)}."
    )
    return Problem(
        kind="incompatible", project=name, version=one.version, detail=detail, requirement=text, found=found.version
    )


def fits(requirement: Requirement, version: str) -> bool:
    """Whether an installed *version* satisfies *requirement*; an old one that is none of PEP 440 fits only ``===``."""
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return not requirement.specifier or str(requirement.specifier) == f"==={version}"


def _version(text: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion:
        return text


def platform_problems(
    distributions: Iterable[InstalledDistribution], python: str, tags: tuple[str, ...]
) -> Iterator[Problem]:
    """Yield distributions that are for another Python or another platform."""
    supported = frozenset(tags)
    for one in distributions:
        name = normalize(one.name)
        if one.requires_python:
            try:
                wrong = not _accepts_python(one.requires_python, python)
            except EnvkitError:
                wrong = False
            if wrong:
                detail = f"{one.name} {one.version} needs Python {one.requires_python}, and this is {python}"
                yield Problem(kind="wrong-python", project=name, version=one.version, detail=detail)
        found = tags_of(one)
        if found is not None and supported and supported.isdisjoint(found):
            detail = f"{one.name} {one.version} is not supported on this platform"
            yield Problem(kind="wrong-tags", project=name, version=one.version, detail=detail)


def _accepts_python(specifier: str, python: str) -> bool:
    from envkit.model.identity import parse_specifier

    return parse_specifier(specifier).contains(python.rstrip("+"), prereleases=True)


def duplicate_problems(distributions: Iterable[InstalledDistribution]) -> Iterator[Problem]:
    """Yield every distribution whose name another one in the same folder has."""
    seen: dict[tuple[str, str], InstalledDistribution] = {}
    for one in distributions:
        key = (normalize(one.name), os.path.realpath(one.location))
        first = seen.setdefault(key, one)
        if first is not one:
            detail = f"{one.name} {one.version} is beside {first.name} {first.version} in {one.location}"
            yield Problem(kind="duplicate", project=key[0], version=one.version, detail=detail, path=str(one.path))


def file_problems(one: InstalledDistribution, *, contents: bool = True) -> Iterator[Problem]:
    """Yield what its RECORD says and the files do not; *contents* also compares hashes.

    Compiled files, and those whose row has no hash, may differ or be missing.
    """
    from envkit.inspection.files import FileState, file_states

    name = normalize(one.name)
    try:
        states: list[FileState] = list(file_states(one, contents=contents))
    except EnvkitError as error:
        yield Problem(kind="broken-record", project=name, version=one.version, detail=error.message)
        return
    for state in states:
        if state.state == "missing":
            detail = f"{one.name} {one.version} lacks {state.path}"
            yield Problem(kind="missing-file", project=name, version=one.version, detail=detail, path=state.path)
        elif state.state == "changed":
            detail = f"{state.path} of {one.name} {one.version} is not what was installed"
            yield Problem(kind="changed-file", project=name, version=one.version, detail=detail, path=state.path)
