"""Read ``Pipfile.lock``: hashes without file names, so its files have to be looked up in an index."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envkit.errors import LockError
from envkit.formats.lock_content import LockContent
from envkit.formats.lock_parts import LockReading, hash_of
from envkit.formats.toml import as_table, as_tables, as_text, as_texts
from envkit.model.candidate import Artifact
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.sdist_names import sdist_suffix
from envkit.model.source import Origin


def parse_pipfile_lock(text: str, *, path: str = "Pipfile.lock") -> LockContent:
    """Read the text of a ``Pipfile.lock``: ``develop`` and further categories are groups. Raises `LockError`."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LockError(f"{path} is no lock file: {error}", context={"file": path}) from error
    table = as_table(data)
    if table is None or as_table(table.get("_meta")) is None:
        raise LockError(f"{path}: _meta is missing", context={"file": path})
    return _PipfileLock(path, table).read()


class _PipfileLock(LockReading):
    def __init__(self, path: str, data: Mapping[str, Any]) -> None:
        super().__init__(path)
        self._data = data
        self._base = os.path.dirname(os.path.abspath(path))

    def read(self) -> LockContent:
        meta = as_table(self._data.get("_meta")) or {}
        sources = {as_text(one.get("name")): as_text(one.get("url")) for one in as_tables(meta.get("sources"))}
        groups: set[str] = set()
        for section, value in self._data.items():
            if section == "_meta":
                continue
            entries = as_table(value)
            if entries is None:
                raise self.fail(section, "it is not a table")
            if section != "default":
                groups.add(normalize(section))
            for name, entry in entries.items():
                table = as_table(entry)
                if table is None:
                    raise self.fail(f"{section}.{name}", "it is not a table")
                self._add(section, name, table, sources)
        requires = as_table(meta.get("requires")) or {}
        python = as_text(requires.get("python_full_version"))
        short = as_text(requires.get("python_version"))
        return LockContent(
            packages=self.packages(),
            requires_python=f"=={python}" if python else f"=={short}.*" if short else None,
            groups=tuple(sorted(groups)),
            kind="pipfile",
            created_by="pipenv",
        )

    def _add(self, section: str, name: str, table: Mapping[str, Any], sources: Mapping[str | None, str | None]) -> None:
        where = f"{section}.{name}"
        condition = self.condition(table.get("markers"), where, extra="")
        if section != "default":
            condition = self.sets.both(condition, self.asked("dependency_groups", section))
        hashes = [hash_of(text) for text in as_texts(table.get("hashes")) or ()]
        index = sources.get(as_text(table.get("index")))
        package = LockedPackage(
            name=normalize(name),
            # Of what the platform that was locked on does not need, pipenv writes no version.
            version=self.version(table, where) if table.get("version") != "*" else None,
            artifacts=tuple(
                Artifact(filename=f"{next(iter(one.values()))}", url="", hashes=one) for one in hashes if one
            ),
            origin=self._origin(table, where),
            index=index,
        )
        self.add(package, condition)

    def _origin(self, table: Mapping[str, Any], where: str) -> Origin | None:
        below = as_text(table.get("subdirectory"))
        for tool in ("git", "hg", "svn", "bzr"):
            if tool in table:
                return Origin(
                    url=self.text(table, tool, where),
                    kind="vcs",
                    vcs=tool,
                    commit=self.text(table, "ref", where),
                    subdirectory=below,
                )
        place = as_text(table.get("path")) or as_text(table.get("file"))
        if place is None:
            return None
        if "\0" in place:
            raise self.fail(where, "a path holds a null character")
        if "://" in place:
            return Origin(url=place, kind="archive", subdirectory=below)
        url = Path(os.path.normpath(os.path.join(self._base, place))).as_uri()
        if place.endswith(".whl") or sdist_suffix(place):
            return Origin(url=url, kind="archive", subdirectory=below)
        return Origin(url=url, kind="directory", editable=table.get("editable") is True, subdirectory=below)
