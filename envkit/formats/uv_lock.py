"""Read ``uv.lock``: a graph whose edges have markers becomes packages that have them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from envkit.errors import LockError, RequirementError
from envkit.formats.lock_content import LockContent
from envkit.formats.lock_parts import LockReading, artifact, wheels_first
from envkit.formats.toml import as_list, as_table, as_tables, as_text, as_texts, load_toml
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import ALL, EMPTY, Node
from envkit.model.marker_text import set_of_python
from envkit.model.source import Origin

_CHOICE = re.compile(r"(extra|group|project)-(\d{1,4})-(.+)")


def parse_uv_lock(text: str, *, path: str = "uv.lock") -> LockContent:
    """Read the text of a ``uv.lock``. Raises `LockError`.

    Projects of the workspace are where the reading starts: their extras and groups are those of the lock. A project that
    uv would install as editable is a package, too; a virtual one is not.
    """
    try:
        data = load_toml(text)
    except ValueError as error:
        raise LockError(f"{path} is no lock file: {error}", context={"file": path}) from error
    if data.get("version") != 1:
        raise LockError(f"{path}: version {data.get('version')!r} of uv.lock is not known")
    return _UvLock(path, data).read()


class _UvLock(LockReading):
    def __init__(self, path: str, data: Mapping[str, Any]) -> None:
        super().__init__(path)
        self._data = data
        self._base = os.path.dirname(os.path.abspath(path))
        self._tables = as_tables(data.get("package"))
        self._by_name: dict[str, list[int]] = {}
        for at, table in enumerate(self._tables):
            name = normalize(self.text(table, "name", f"package[{at}]"))
            self._by_name.setdefault(name, []).append(at)
        self._reach: dict[tuple[int, str], Node] = {}
        self._waiting: list[tuple[int, str]] = []

    def read(self) -> LockContent:
        python = as_text(self._data.get("requires-python"))
        try:
            whole = set_of_python(self.sets, python) if python else ALL
        except RequirementError as error:
            raise self.fail("requires-python", error.message) from error
        roots = [at for at, table in enumerate(self._tables) if self._is_root(table)]
        extras: set[str] = set()
        groups: set[str] = set()
        for at in roots:
            self._arrive(at, "", whole)
            table = self._tables[at]
            for extra in as_table(table.get("optional-dependencies")) or {}:
                extras.add(normalize(extra))
                self._arrive(at, normalize(extra), self.sets.both(whole, self.asked("extras", extra)))
            for group, wanted in (as_table(table.get("dev-dependencies")) or {}).items():
                groups.add(normalize(group))
                asked = self.sets.both(whole, self.asked("dependency_groups", group))
                self._follow(as_tables(wanted), asked, f"package[{at}].dev-dependencies.{group}")
        while self._waiting:
            at, extra = self._waiting.pop()
            self._spread(at, extra)
        for at, table in enumerate(self._tables):
            self._gather(at, table)
        return LockContent(
            packages=self.packages(whole),
            requires_python=python,
            environments=tuple(as_texts(self._data.get("supported-markers")) or ()),
            extras=tuple(sorted(extras)),
            groups=tuple(sorted(groups)),
            default_groups=("dev",) if "dev" in groups else (),
            conflicts=self._conflicts(extras, groups),
            kind="uv",
            created_by="uv",
        )

    def _conflicts(self, extras: set[str], groups: set[str]) -> tuple[tuple[str, ...], ...]:
        found: list[tuple[str, ...]] = []
        for conflict in as_list(self._data.get("conflicts")):
            tables = as_tables(conflict)
            names = [f"extra:{normalize(name)}" for one in tables if (name := as_text(one.get("extra")))]
            names += [f"group:{normalize(name)}" for one in tables if (name := as_text(one.get("group")))]
            known = {*(f"extra:{name}" for name in extras), *(f"group:{name}" for name in groups)}
            found.append(tuple(name for name in names if name in known))
        return tuple(one for one in found if len(one) > 1)

    def _is_root(self, table: Mapping[str, Any]) -> bool:
        members = as_texts((as_table(self._data.get("manifest")) or {}).get("members"))
        if members:
            return table.get("name") in members
        source = as_table(table.get("source")) or {}
        return source.get("editable") == "." or source.get("virtual") == "." or source.get("directory") == "."

    def _arrive(self, at: int, extra: str, node: Node) -> None:
        key = (at, extra)
        united = self.sets.either(self._reach.get(key, EMPTY), node)
        if united != self._reach.get(key, EMPTY):
            self._reach[key] = united
            self._waiting.append(key)

    def _spread(self, at: int, extra: str) -> None:
        table, node = self._tables[at], self._reach[at, extra]
        if extra:
            optional = as_table(table.get("optional-dependencies")) or {}
            for name, wanted in optional.items():
                if normalize(name) == extra:
                    self._follow(as_tables(wanted), node, f"package[{at}].optional-dependencies.{name}")
        else:
            self._follow(as_tables(table.get("dependencies")), node, f"package[{at}].dependencies")

    def _follow(self, edges: Iterable[Mapping[str, Any]], node: Node, where: str) -> None:
        for number, edge in enumerate(edges):
            place = f"{where}[{number}]"
            name = normalize(self.text(edge, "name", place))
            reached = self.sets.both(node, self._condition(edge.get("marker"), place))
            if self.sets.is_empty(reached):
                continue
            for at in self._targets(name, edge, place):
                self._arrive(at, "", reached)
                for extra in as_texts(edge.get("extra")) or ():
                    self._arrive(at, normalize(extra), reached)

    def _condition(self, marker: object, where: str) -> Node:
        """Read a marker, in which made-up extras stand for the choices of a project that conflict with others."""
        node = self.condition(marker, where)
        asked_for = [atom for atom in self.sets.atoms(node) if atom[:2] == ("extras", "has")]
        # those that stand for nothing come first: what another one stands for may be called alike
        for atom in sorted(asked_for, key=lambda atom: _CHOICE.fullmatch(str(atom[2])) is not None):
            asked = self._choice(str(atom[2]))
            yes, no = self.sets.fix(node, atom, answer=True), self.sets.fix(node, atom, answer=False)
            node = self.sets.choose(asked, yes, no)
        return node

    def _choice(self, text: str) -> Node:
        """Give what ``extra-<length of the project's name>-<project>-<extra>`` asks for, or the same with ``group``."""
        match = _CHOICE.fullmatch(text)
        if match is None:
            return EMPTY
        kind, length, rest = match[1], int(match[2]), match[3]
        if kind == "project":
            return ALL
        return self.asked("extras" if kind == "extra" else "dependency_groups", rest[length + 1 :])

    def _targets(self, name: str, edge: Mapping[str, Any], place: str) -> list[int]:
        found = [
            at
            for at in self._by_name.get(name, ())
            if ("version" not in edge or self._tables[at].get("version") == edge["version"])
            and ("source" not in edge or self._tables[at].get("source") == edge["source"])
        ]
        if not found:
            raise self.fail(place, f"there is no package {name} that fits")
        return found

    def _gather(self, at: int, table: Mapping[str, Any]) -> None:
        where = f"package[{at}]"
        node = self._reach.get((at, ""), EMPTY)
        source = as_table(table.get("source")) or {}
        if node == EMPTY or "virtual" in source:
            return
        forks = as_texts(table.get("resolution-markers")) or []
        if forks:
            node = self.sets.both(node, self.sets.any_of(self._condition(fork, where) for fork in forks))
        registry = as_text(source.get("registry"))
        files = as_tables(table.get("wheels"))
        sdist = as_table(table.get("sdist"))
        artifacts = [artifact(one, base=self._base, index=registry) for one in (*files, *([sdist] if sdist else ()))]
        package = LockedPackage(
            name=normalize(self.text(table, "name", where)),
            version=self.version(table, where),
            artifacts=wheels_first(artifacts),
            dependencies=tuple(_edge_text(edge) for edge in as_tables(table.get("dependencies"))),
            origin=self._origin(source, artifacts[0].hashes if artifacts else {}, where),
            index=registry if registry and "://" in registry else None,
        )
        self.add(package, node)

    def _origin(self, source: Mapping[str, Any], hashes: Mapping[str, str], where: str) -> Origin | None:
        if "git" in source:
            parts = urlsplit(self.text(source, "git", where))
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            revision = query.get("rev") or query.get("tag") or query.get("branch")
            url = parts._replace(query="", fragment="").geturl()
            if not parts.fragment or parts.fragment.startswith("-"):
                raise self.fail(where, "the commit is missing")
            return Origin(
                url=url,
                kind="vcs",
                vcs="git",
                commit=parts.fragment,
                requested_revision=revision,
                subdirectory=query.get("subdirectory"),
            )
        if "url" in source:
            return Origin(
                url=self.text(source, "url", where),
                kind="archive",
                hashes=tuple(sorted(hashes.items())),
                subdirectory=as_text(source.get("subdirectory")),
            )
        for key in ("editable", "directory", "path"):
            if key in source:
                from pathlib import Path

                folder = self.text(source, key, where)
                if "\0" in folder:
                    raise self.fail(where, "a path holds a null character")
                url = Path(os.path.normpath(os.path.join(self._base, folder))).as_uri()
                if key == "path":
                    return Origin(url=url, kind="archive", hashes=tuple(sorted(hashes.items())))
                return Origin(url=url, kind="directory", editable=key == "editable")
        return None


def _edge_text(edge: Mapping[str, Any]) -> str:
    extras = as_texts(edge.get("extra")) or []
    marker = as_text(edge.get("marker"))
    version = as_text(edge.get("version"))
    text = str(edge.get("name")) + (f"[{','.join(extras)}]" if extras else "") + (f"=={version}" if version else "")
    return f"{text} ; {marker}" if marker else text
