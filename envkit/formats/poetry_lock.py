"""Read ``poetry.lock`` and ``pdm.lock``: packages with groups and markers of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from envkit.errors import LockError
from envkit.formats.lock_content import LockContent
from envkit.formats.lock_parts import LockReading, any_text, artifact, wheels_first
from envkit.formats.lock_platforms import limit, needs_of
from envkit.formats.toml import as_list, as_table, as_tables, as_text, as_texts, load_toml
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import Node
from envkit.model.source import Origin


def parse_poetry_lock(text: str, *, path: str = "poetry.lock") -> LockContent:
    """Read the text of a ``poetry.lock``. Raises `LockError`.

    Locks before 2.1 name no groups (but "dev") and no markers: every package that is not optional is then for every
    environment, as the project file that would tell more is not part of the lock; see `envkit.formats.lock_platforms`.
    """
    return _PoetryLock(path, _load(text, path)).read()


def parse_pdm_lock(text: str, *, path: str = "pdm.lock") -> LockContent:
    """Read the text of a ``pdm.lock``. Raises `LockError`."""
    return _PdmLock(path, _load(text, path)).read()


def _load(text: str, path: str) -> dict[str, Any]:
    try:
        return load_toml(text)
    except ValueError as error:
        raise LockError(f"{path} is no lock file: {error}", context={"file": path}) from error


class _PoetryLock(LockReading):
    def __init__(self, path: str, data: Mapping[str, Any]) -> None:
        super().__init__(path)
        self._data = data
        self._base = os.path.dirname(os.path.abspath(path))
        extras = as_table(data.get("extras")) or {}
        self._extras = {
            normalize(extra): {normalize(n) for n in as_texts(names) or ()} for extra, names in extras.items()
        }
        self._groups: set[str] = set()
        self._files = _old_files(data)

    def read(self) -> LockContent:
        metadata = as_table(self._data.get("metadata"))
        if metadata is None:
            raise self.fail("metadata", "it is missing")
        tables = as_tables(self._data.get("package"))
        for at, table in enumerate(tables):
            self._read_package(f"package[{at}]", table)
        if not any("groups" in table for table in tables):
            _limit(self)
        python = as_text(metadata.get("python-versions"))
        return LockContent(
            packages=self.packages(),
            requires_python=_python(python),
            extras=tuple(sorted(self._extras)),
            groups=tuple(sorted(self._groups)),
            default_groups=tuple(sorted(self._groups & {"dev"})),
            kind="poetry",
            created_by="poetry",
        )

    def _read_package(self, where: str, table: Mapping[str, Any]) -> None:
        name = normalize(self.text(table, "name", where))
        groups = as_texts(table.get("groups")) or [as_text(table.get("category")) or "main"]
        markers = table.get("markers", table.get("marker"))
        by_group = as_table(markers)
        condition = self.sets.any_of(
            self.sets.both(
                self._group(group), self.condition(by_group.get(group) if by_group is not None else markers, where)
            )
            for group in groups
        )
        asked = [self.asked("extras", extra) for extra, names in self._extras.items() if name in names]
        if table.get("optional") is True and asked and not self._asks(condition):
            condition = self.sets.both(condition, self.sets.any_of(asked))
        source = as_table(table.get("source")) or {}
        package = LockedPackage(
            name=name,
            version=self.version(table, where),
            artifacts=wheels_first(
                artifact(one, base=self._base) for one in as_tables(table.get("files", self._files.get(name)))
            ),
            dependencies=tuple(_dependencies(as_table(table.get("dependencies")) or {})),
            origin=self._origin(source, table, where),
            index=as_text(source.get("url")) if source.get("type") == "legacy" else None,
            requires_python=_python(as_text(table.get("python-versions"))),
        )
        self.add(package, condition)

    def _asks(self, condition: Node) -> bool:
        return any(atom[0] == "extras" for atom in self.sets.atoms(condition))

    def _group(self, group: str) -> Node:
        if group == "main":
            return self.condition(None, "")
        self._groups.add(normalize(group))
        return self.asked("dependency_groups", group)

    def _origin(self, source: Mapping[str, Any], table: Mapping[str, Any], where: str) -> Origin | None:
        kind = source.get("type")
        if kind is None or kind == "legacy":
            return None
        url = self.text(source, "url", where)
        below = as_text(source.get("subdirectory"))
        if kind == "git":
            commit = self.text(source, "resolved_reference", where)
            reference = as_text(source.get("reference"))
            return Origin(
                url=url, kind="vcs", vcs="git", commit=commit, requested_revision=reference, subdirectory=below
            )
        files = as_tables(table.get("files"))
        hashes: Mapping[str, str] = artifact(files[0], base=self._base).hashes if files else {}
        if kind == "url":
            return Origin(url=url, kind="archive", hashes=tuple(sorted(hashes.items())), subdirectory=below)
        if kind not in ("directory", "file") or "\0" in url:
            raise self.fail(where, f"a source of type {kind!r} is not known")
        place = Path(os.path.normpath(os.path.join(self._base, url))).as_uri()
        if kind == "file":
            return Origin(url=place, kind="archive", hashes=tuple(sorted(hashes.items())), subdirectory=below)
        return Origin(url=place, kind="directory", editable=table.get("develop") is True, subdirectory=below)


def _old_files(data: Mapping[str, Any]) -> dict[str, object]:
    """Give the files of old locks, which have them by name, or name and version, in a table of their own."""
    metadata = as_table(data.get("metadata")) or {}
    files = as_table(metadata.get("files")) or {}
    return {" ".join((normalize(key.partition(" ")[0]), *key.split(" ")[1:])): value for key, value in files.items()}


def _dependencies(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield names with the markers under which they are needed."""
    for name, value in table.items():
        for wanted in as_list(value) or [value]:
            marker = as_text((as_table(wanted) or {}).get("markers"))
            yield f"{name} ; {marker}" if marker else name


def _limit(reading: LockReading) -> None:
    needs = needs_of(reading, reading.gathered())
    reading.narrow(lambda package: limit(reading, package, needs.get(package.name, ())))


def _python(text: str | None) -> str | None:
    """Give Poetry's ranges as a specifier; alternatives (``||``) and carets have none, and are no limit here."""
    if text is None or text.strip() in ("", "*") or "|" in text or "^" in text:
        return None
    parts = [part.strip() for part in text.replace(" ", ",").split(",") if part.strip()]
    return ",".join(parts) if all(part[0] in "<>=!~" and part[:2] != "~" for part in parts) else None


class _PdmLock(LockReading):
    def __init__(self, path: str, data: Mapping[str, Any]) -> None:
        super().__init__(path)
        self._data = data
        self._base = os.path.dirname(os.path.abspath(path))
        self._files = _old_files(data)

    def read(self) -> LockContent:
        metadata = as_table(self._data.get("metadata"))
        if metadata is None:
            raise self.fail("metadata", "it is missing")
        groups: set[str] = set()
        for at, table in enumerate(as_tables(self._data.get("package"))):
            where = f"package[{at}]"
            names = as_texts(table.get("groups")) or ["default"]
            groups |= {normalize(name) for name in names if name != "default"}
            asked = [
                self.condition(None, where) if name == "default" else self.asked("dependency_groups", name)
                for name in names
            ]
            condition = self.sets.both(self.sets.any_of(asked), self.condition(table.get("marker"), where, extra=""))
            self.add(self._package(where, table), condition)
        if "inherit_metadata" not in (as_texts(metadata.get("strategy")) or ()):
            _limit(self)
        targets = as_tables(metadata.get("targets"))
        python = any_text([target.get("requires_python") for target in targets])
        return LockContent(
            packages=self.packages(),
            requires_python=_python(python) if len(targets) == 1 else None,
            groups=tuple(sorted(groups)),
            default_groups=tuple(sorted(groups & {"dev"})),
            kind="pdm",
            created_by="pdm",
        )

    def _package(self, where: str, table: Mapping[str, Any]) -> LockedPackage:
        name = normalize(self.text(table, "name", where))
        files = table.get("files", self._files.get(f"{name} {table.get('version')}"))
        return LockedPackage(
            name=name,
            version=self.version(table, where),
            artifacts=wheels_first(artifact(one, base=self._base) for one in as_tables(files)),
            dependencies=tuple(as_texts(table.get("dependencies")) or ()),
            origin=self._origin(table, where),
            requires_python=_python(as_text(table.get("requires_python"))),
        )

    def _origin(self, table: Mapping[str, Any], where: str) -> Origin | None:
        below = as_text(table.get("subdirectory"))
        if "git" in table:
            commit = self.text(table, "revision", where)
            url, revision = self.text(table, "git", where), as_text(table.get("ref"))
            return Origin(
                url=url, kind="vcs", vcs="git", commit=commit, requested_revision=revision, subdirectory=below
            )
        files = as_tables(table.get("files"))
        hashes = tuple(sorted(artifact(files[0], base=self._base).hashes.items())) if files else ()
        archive = as_text(table.get("url"))
        if archive is not None:
            return Origin(url=archive, kind="archive", hashes=hashes, subdirectory=below)
        path = as_text(table.get("path"))
        if path is None:
            return None
        if "\0" in path:
            raise self.fail(where, "a path holds a null character")
        place = Path(os.path.normpath(os.path.join(self._base, path))).as_uri()
        if hashes:
            return Origin(url=place, kind="archive", hashes=hashes, subdirectory=below)
        return Origin(url=place, kind="directory", editable=table.get("editable") is True, subdirectory=below)
