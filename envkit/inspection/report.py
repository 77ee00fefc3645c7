"""List, show and report on distributions, as values and in the JSON schemas of pip."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from envkit.dataclass import dataclass
from envkit.errors import InstallError, RequirementError
from envkit.inspection.files import total_size
from envkit.inspection.graph import DependencyGraph
from envkit.inspection.lines import archive_hash, editable_location, version_text, without_secrets
from envkit.inspection.metadata import (
    EntryPoint,
    entry_points,
    library_folder,
    licence_of,
    metadata_dict,
    metadata_place,
)
from envkit.installed import record
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.requirement import marker_holds, parse_requirement
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Value):
    """One row of a list: the fields of ``pip list --format json -v``."""

    name: str
    version: str
    location: str
    installer: str
    editable_project_location: str | None = None

    def to_pip(self, *, verbose: bool = False) -> dict[str, str]:
        """Give the row as ``pip list --format json`` prints it."""
        row = {"name": self.name, "version": self.version}
        if verbose:
            row |= {"location": self.location, "installer": self.installer}
        if self.editable_project_location is not None:
            row["editable_project_location"] = self.editable_project_location
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Value):
    """Everything about one distribution; *size* in bytes of its recorded files, *files* as RECORD has them."""

    name: str
    version: str
    summary: str
    homepage: str
    author: str
    licence: str
    location: str
    installer: str
    editable_project_location: str | None
    requires: tuple[str, ...]
    required_by: tuple[str, ...]
    requires_python: str | None
    classifiers: tuple[str, ...]
    project_urls: tuple[str, ...]
    entry_points: tuple[EntryPoint, ...]
    files: tuple[str, ...] | None
    size: int | None
    requested: bool
    metadata: Mapping[str, Any]


def listed(one: InstalledDistribution) -> Listed:
    """Give one row."""
    return Listed(
        name=one.name,
        version=_normal_version(version_text(one)) or one.version,
        location=library_folder(one),
        installer=one.installer or "",
        editable_project_location=editable_location(one),
    )


@functools.lru_cache(maxsize=4096)
def _normal_version(text: str) -> str | None:
    """Give a version as it is usually written; None for what is none."""
    try:
        return str(Version(text))
    except InvalidVersion:
        return None


def not_needed(
    distributions: Sequence[InstalledDistribution], markers: Mapping[str, str]
) -> list[InstalledDistribution]:
    """Give those that no other one requires, extras not counted, as ``pip list --not-required``."""
    needed: set[str] = set()
    for one in distributions:
        needed.update(normalize(name) for name in _required_names(one, markers))
    return [one for one in distributions if normalize(one.name) not in needed]


def _required_names(one: InstalledDistribution, markers: Mapping[str, str]) -> set[str]:
    names: set[str] = set()
    for text in one.requires_dist:
        try:
            wanted = parse_requirement(text)
            if wanted.marker is None or marker_holds(wanted.marker, {**markers, "extra": ""}):
                names.add(wanted.name)
        except RequirementError:
            continue
    return names


def shown(
    name: str, distributions: Iterable[InstalledDistribution], graph: DependencyGraph, *, sizes: bool
) -> Shown | None:
    """Give everything about *name*, or None."""
    wanted: str = normalize(name)
    by_name: dict[str, InstalledDistribution] = {normalize(one.name): one for one in distributions}
    one = by_name.get(wanted)
    if one is None:
        return None
    data = metadata_dict(one)
    direct = [edge for edge in graph.children.get(wanted, ()) if not edge.extra]
    parents = {edge.parent for edge in graph.parents.get(wanted, ()) if not edge.extra}
    return Shown(
        name=one.name,
        version=one.version,
        summary=str(data.get("summary", "")),
        homepage=_homepage(data),
        author=str(data.get("author", "") or data.get("author_email", "")),
        licence=licence_of(data),
        location=library_folder(one),
        installer=one.installer or "",
        editable_project_location=editable_location(one),
        requires=tuple(sorted({parse_requirement(edge.requirement).name for edge in direct}, key=str.lower)),
        required_by=tuple(sorted((by_name[parent].name for parent in parents), key=str.lower)),
        requires_python=one.requires_python,
        classifiers=tuple(data.get("classifier", ())),
        project_urls=tuple(data.get("project_url", ())),
        entry_points=entry_points(one),
        files=_files(one),
        size=total_size(one) if sizes else None,
        requested=one.requested,
        metadata=data,
    )


def _homepage(data: Mapping[str, Any]) -> str:
    if data.get("home_page"):
        return str(data["home_page"])
    for text in data.get("project_url", ()):
        label, comma, url = str(text).partition(",")
        if comma and "".join(character for character in label.lower() if character.isalnum()) == "homepage":
            return url.strip()
    return ""


def _files(one: InstalledDistribution) -> tuple[str, ...] | None:
    if one.kind != "dist-info":
        return None
    try:
        return tuple(sorted(str(Path(row.path)) for row in record.read(one.path)))
    except InstallError:
        return None


def inspect_report(distributions: Iterable[InstalledDistribution], markers: Mapping[str, str]) -> dict[str, Any]:
    """Give pip's inspect report. ``pip_version`` is missing, since pip did not write it."""
    return {
        "version": "1",
        "installed": [_inspected(one) for one in distributions],
        "environment": dict(markers),
    }


def _inspected(one: InstalledDistribution) -> dict[str, Any]:
    data: dict[str, Any] = {
        "metadata": metadata_dict(one),
        "metadata_location": metadata_place(one),
    }
    if one.direct_url is not None:
        data["direct_url"] = direct_url_of(one.direct_url)
    else:
        folder = editable_location(one)
        if folder is not None:
            data["direct_url"] = {"url": Path(folder).as_uri(), "dir_info": {"editable": True}}
    if one.installer:
        data["installer"] = one.installer
    if one.kind == "dist-info":
        data["requested"] = one.requested
    return data


def direct_url_of(data: Mapping[str, object]) -> dict[str, Any]:
    """Give the record with both forms of a hash, as pip does, and without credentials."""
    found: dict[str, Any] = dict(data)
    if isinstance(found.get("url"), str):
        found["url"] = without_secrets(found["url"])
    archive = found.get("archive_info")
    if isinstance(archive, dict):
        info: dict[str, Any] = dict(archive)  # pyright: ignore[reportUnknownArgumentType]
        first = archive_hash(info)
        if first is not None:
            info.setdefault("hash", f"{first[0]}={first[1]}")
            info.setdefault("hashes", {first[0]: first[1]})
        found["archive_info"] = info
    return found
