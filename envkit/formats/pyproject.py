"""Read what a project asks for: ``[project]`` (PEP 621) and ``[dependency-groups]`` (PEP 735)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from envkit.dataclass import dataclass, field, replace
from envkit.errors import RequirementError
from envkit.formats.requirement_line import parse_entry
from envkit.formats.text import decode_text, read_bounded
from envkit.formats.toml import as_table, as_text, as_texts, load_toml
from envkit.model.identity import normalize, parse_specifier
from envkit.model.requested import RequirementEntry
from envkit.model.values import Value

MAX_INCLUDES = 10_000
_OLD = ("setup.cfg", "setup.py")

Entries = tuple[RequirementEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile(Value):
    """What a ``pyproject.toml`` says of dependencies.

    *name* is normalized; *name*, *version* and *requires_python* are None where the file does not say. Extras and groups
    are by normalized name, includes of groups already put in. *dynamic* names the fields that only a build can tell;
    where it holds ``dependencies``, or there is no ``[project]`` at all, *static* is false and the metadata must be built.
    """

    path: str
    name: str | None = None
    version: str | None = None
    requires_python: str | None = None
    dependencies: Entries = ()
    extras: Mapping[str, Entries] = field(default_factory=dict[str, Entries])
    groups: Mapping[str, Entries] = field(default_factory=dict[str, Entries])
    build_requires: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    static: bool = True

    def requirements(self, *, extras: Iterable[str] = (), groups: Iterable[str] = (), project: bool = True) -> Entries:
        """Give the dependencies of the project (not with ``project=False``), of some extras and of some groups.

        Extras that ask for extras of the project itself are followed. Raises `RequirementError` for unknown names and
        where only a build can tell the dependencies.
        """
        chosen: list[RequirementEntry] = []
        if project:
            if not self.static:
                raise RequirementError(
                    f"{self.path} does not say its dependencies; only a build can tell", file=self.path
                )
            chosen += self.dependencies
        waiting: list[str] = [normalize(extra) for extra in extras]
        seen: set[str] = set()
        while waiting:
            extra = waiting.pop(0)
            if extra in seen:
                continue
            seen.add(extra)
            if extra not in self.extras:
                raise RequirementError(f"{self.path} has no extra {extra!r}", file=self.path)
            for entry in self.extras[extra]:
                if self.name is not None and entry.name == self.name and not entry.is_direct:
                    waiting += entry.extras
                else:
                    chosen.append(entry)
        for group in map(normalize, groups):
            if group not in self.groups:
                raise RequirementError(f"{self.path} has no dependency group {group!r}", file=self.path)
            chosen += self.groups[group]
        return tuple(chosen)


def read_pyproject(path: str | Path) -> ProjectFile:
    """Read a ``pyproject.toml``, or the one in a folder. Raises `RequirementError` naming the place in the file.

    A folder with ``setup.cfg`` or ``setup.py`` alone is a project of which only a build can tell.
    """
    place = os.path.abspath(path)
    if os.path.isdir(place):
        folder, place = place, os.path.join(place, "pyproject.toml")
        if not os.path.lexists(place) and any(os.path.isfile(os.path.join(folder, name)) for name in _OLD):
            return ProjectFile(path=place, static=False)
    return parse_pyproject(decode_text(read_bounded(place), place), path=place)


def parse_pyproject(text: str, *, path: str = "pyproject.toml") -> ProjectFile:
    """Read the text of a ``pyproject.toml``. See `read_pyproject`."""
    try:
        data = load_toml(text)
    except ValueError as error:
        raise RequirementError(f"{path} is not TOML: {error}", file=path) from error
    reading = _Reading(path)
    project = reading.table(data, "project")
    build = reading.table(data, "build-system")
    dynamic = reading.texts(project, "dynamic", "project")
    requires_python = as_text(project.get("requires-python"))
    if requires_python is not None:
        reading.check(lambda: parse_specifier(requires_python), "project.requires-python")
    extras_table = reading.table(project, "optional-dependencies")
    extras: dict[str, Entries] = {
        normalize(extra): reading.entries(extras_table, extra, "project.optional-dependencies")
        for extra in extras_table
    }
    if len(extras) != len(extras_table):
        raise reading.fail("project.optional-dependencies", "two extras have the same normalized name")
    name = as_text(project.get("name"))
    if "project" in data and name is None:
        raise reading.fail("project.name", "it is missing or not a text")
    return ProjectFile(
        path=path,
        name=normalize(name) if name is not None else None,
        version=as_text(project.get("version")),
        requires_python=requires_python,
        dependencies=reading.entries(project, "dependencies", "project"),
        extras=extras,
        groups=_Groups(reading, reading.table(data, "dependency-groups")).all(),
        build_requires=tuple(reading.texts(build, "requires", "build-system")),
        dynamic=tuple(dynamic),
        static="project" in data and "dependencies" not in dynamic,
    )


class _Reading:
    def __init__(self, path: str) -> None:
        self.path = path
        self.base = Path(path).parent if os.path.isabs(path) else None

    def fail(self, where: str, message: str) -> RequirementError:
        return RequirementError(f"{self.path}, {where}: {message}", file=self.path, context={"key": where})

    def table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        if key not in data:
            return {}
        table = as_table(data[key])
        if table is None:
            raise self.fail(key, "it is not a table")
        return table

    def texts(self, table: Mapping[str, Any], key: str, where: str) -> list[str]:
        texts = as_texts(table.get(key, []))
        if texts is None:
            raise self.fail(f"{where}.{key}", "it is not a list of texts")
        return texts

    def check(self, what: Any, where: str) -> Any:
        try:
            return what()
        except RequirementError as error:
            raise self.fail(where, error.message) from error

    def entry(self, text: str, where: str) -> RequirementEntry:
        found = cast("RequirementEntry", self.check(lambda: parse_entry(text), where))
        if found.name is None:
            raise self.fail(where, "a URL needs a name before it: name @ URL")
        return replace(found, file=self.path)

    def entries(self, table: Mapping[str, Any], key: str, where: str) -> Entries:
        place = f"{where}.{key}"
        return tuple(self.entry(text, f"{place}[{at}]") for at, text in enumerate(self.texts(table, key, where)))


class _Groups:
    """Dependency groups with their includes put in; a stack of names finds cycles."""

    def __init__(self, reading: _Reading, table: Mapping[str, Any]) -> None:
        self._reading = reading
        self._done: dict[str, Entries] = {}
        self._count = 0
        self._table: dict[str, tuple[str, list[object]]] = {}
        for group, value in table.items():
            key = normalize(group)
            if key in self._table:
                raise reading.fail("dependency-groups", f"{self._table[key][0]} and {group} are the same name")
            if not isinstance(value, list):
                raise reading.fail(f"dependency-groups.{group}", "it is not a list")
            self._table[key] = (group, cast("list[object]", value))

    def all(self) -> dict[str, Entries]:
        return {group: self._resolve(group, ()) for group in self._table}

    def _resolve(self, group: str, above: tuple[str, ...]) -> Entries:
        if group in self._done:
            return self._done[group]
        written, items = self._table[group]
        if group in above or len(above) > 100:
            chain = " -> ".join((*above, group)[-10:])
            raise self._reading.fail(f"dependency-groups.{written}", f"groups include each other: {chain}")
        found: list[RequirementEntry] = []
        for at, item in enumerate(items):
            where = f"dependency-groups.{written}[{at}]"
            if isinstance(item, str):
                found.append(self._reading.entry(item, where))
                continue
            table = as_table(item)
            included = as_text(table.get("include-group")) if table is not None and len(table) == 1 else None
            if included is None:
                raise self._reading.fail(where, "it is neither a requirement nor a table with include-group alone")
            if normalize(included) not in self._table:
                raise self._reading.fail(where, f"there is no group {included!r}")
            found += self._resolve(normalize(included), (*above, group))
            if len(found) > MAX_INCLUDES:
                raise self._reading.fail(where, f"the group comes to more than {MAX_INCLUDES} requirements")
        self._done[group] = tuple(found)
        return self._done[group]
