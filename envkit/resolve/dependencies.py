"""Dependencies of one version for one target: markers evaluated once, extras told apart.

What is left of a requirement is a row of plain texts, which a digest can keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from envkit.errors import RequirementError
from envkit.model import plain
from envkit.model.identity import normalize
from envkit.model.requirement import marker_holds, parse_requirement
from envkit.model.secret import strip_credentials
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from envkit.model.candidate import CoreMetadata

MAX_DEPENDENCIES = 20_000
MAX_EXTRAS = 2_000
_NAMED = r"""\bextra\s*(?:==|!=)\s*(["'])(.*?)\1|(["'])([^"']*)\3\s*(?:==|!=)\s*extra\b"""
_MEMBER = r"""\bextra\s+(?:not\s+)?in\b|\bin\s+extra\b"""


class Dependency(NamedTuple):
    """A requirement that holds for the target: all names normalized, *extras* sorted, *specifier* canonical text."""

    name: str
    extras: tuple[str, ...]
    specifier: str
    url: str | None

    @property
    def text(self) -> str:
        """The requirement without its marker (PEP 508), and without credentials: it is shown and stored."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return (
            f"{self.name}{extras} @ {strip_credentials(self.url)}"
            if self.url
            else f"{self.name}{extras}{self.specifier}"
        )


class VersionDependencies(NamedTuple):
    """What one version depends on: always, and by extra; *extras* holds every extra that the version provides."""

    base: tuple[Dependency, ...]
    extras: Mapping[str, tuple[Dependency, ...]]


class LazyExtras(Mapping[str, tuple[Dependency, ...]]):
    """The dependencies of each extra, read only for the extras that are asked for."""

    __slots__ = ("_read", "_texts", "_values")

    def __init__(self, texts: dict[str, str], read: Callable[[str], tuple[Dependency, ...]]) -> None:
        self._texts = texts
        self._read = read
        self._values: dict[str, tuple[Dependency, ...]] = {}

    def __getitem__(self, extra: str) -> tuple[Dependency, ...]:
        found = self._values.get(extra)
        if found is None:
            found = self._values[extra] = self._read(self._texts[extra])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class Unusable(NamedTuple):
    """A version whose metadata rules it out, and why."""

    reason: str
    detail: str


def to_dependency(requirement: Requirement) -> Dependency:
    """Give the row of *requirement*, whatever its marker says."""
    extras = tuple(sorted({normalize(extra) for extra in requirement.extras}))
    return Dependency(normalize(requirement.name), extras, str(requirement.specifier), requirement.url)


def holds(requirement: Requirement, markers: Mapping[str, str], extra: str = "") -> bool:
    """Whether the marker of *requirement* is true for *markers* and *extra*. Raises `RequirementError`."""
    if requirement.marker is None:
        return True
    return marker_holds(requirement.marker, {**markers, "extra": extra})


def read_dependency(text: str, markers: Mapping[str, str]) -> tuple[Dependency, bool]:
    """Give the row of the requirement *text*, and whether its marker holds without an extra. Raises `RequirementError`."""
    short = plain.read_plain(text)
    sure = plain.holds(short, markers) if short is not None else None
    if short is not None and sure is not None:
        return Dependency(short.name, short.extras, short.specifier, None), sure
    requirement = parse_requirement(text)
    return to_dependency(requirement), holds(requirement, markers)


def _read_for_extra(text: str, markers: Mapping[str, str]) -> tuple[str, Dependency, bool] | None:
    """Give the extra that a requirement of the usual shape is for, its row, and whether the rest of its marker holds."""
    short = plain.read_plain(text)
    if short is None or short.marker is None:
        return None
    from envkit.model.plain_markers import marker_holds, split_extra

    split = split_extra(short.marker)
    if split is None:
        return None
    extra, rest = split
    sure = True if rest is None else marker_holds(rest, markers)
    return (
        None if sure is None else (normalize(extra), Dependency(short.name, short.extras, short.specifier, None), sure)
    )


def evaluate(metadata: CoreMetadata, markers: Mapping[str, str]) -> VersionDependencies:
    """Tell what *metadata* depends on where *markers* hold. Raises `RequirementError` for metadata that cannot be read."""
    if len(metadata.requires_dist) > MAX_DEPENDENCIES or len(metadata.provides_extra) > MAX_EXTRAS:
        raise RequirementError(f"{metadata.name} {metadata.version}: more requirements or extras than any project has")
    base: list[Dependency] = []
    extras: dict[str, list[Dependency]] = {normalize(extra): [] for extra in metadata.provides_extra}
    for text in metadata.requires_dist:
        short = _read_for_extra(text, markers) if "extra" in text else None
        if short is not None:
            if short[2]:
                extras.setdefault(short[0], []).append(short[1])
            continue
        row, wanted = read_dependency(text, markers)
        if wanted:
            base.append(row)
        elif "extra" in text:
            requirement = parse_requirement(text)
            named = {match[2] or match[4] or "" for match in re.finditer(_NAMED, text)}
            if re.search(_MEMBER, text):  # such a marker may mean extras that it does not name
                named.update(metadata.provides_extra)
            for extra in named:
                # An extra may be spelled in two ways (PEP 685): both spellings count as one.
                if extra and holds(requirement, markers, extra):
                    extras.setdefault(normalize(extra), []).append(row)
    return VersionDependencies(tuple(base), {name: tuple(rows) for name, rows in extras.items()})
