"""What the readers of other tools' locks share: files, conditions and the merging of entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.version import Version

from envkit.dataclass import replace
from envkit.errors import LockError, RequirementError
from envkit.formats.toml import as_text
from envkit.model.candidate import Artifact
from envkit.model.identity import normalize, parse_version
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import ALL, EMPTY, MarkerSets, Node
from envkit.model.marker_text import marker_of, set_of

MAX_PACKAGES = 50_000


class LockReading:
    """One lock that is being read: errors with a place, and packages that are gathered with conditions."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sets = MarkerSets()
        self._packages: dict[tuple[str, str, str], tuple[LockedPackage, Node]] = {}

    def fail(self, where: str, message: str) -> LockError:
        """Make the error for a place in the file."""
        return LockError(f"{self.path}, {where}: {message}", context={"file": self.path, "key": where})

    def text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        """Give a text that has to be there."""
        value = as_text(table.get(key))
        if value is None:
            raise self.fail(where, f"{key} is missing or not a text")
        return value

    def version(self, table: Mapping[str, Any], where: str) -> Version | None:
        """Give the version, or None where there is none."""
        value = table.get("version")
        if value is None:
            return None
        try:
            return parse_version(str(value).removeprefix("=="))
        except RequirementError as error:
            raise self.fail(where, error.message) from error

    def condition(self, marker: object, where: str, *, extra: str | None = None) -> Node:
        """Read a marker; with *extra* None, ``extra == "x"`` becomes a question about the extras of the lock."""
        text = as_text(marker)
        if marker is not None and text is None:
            raise self.fail(where, "a marker is not a text")
        try:
            node = set_of(self.sets, text or None, extra=extra)
        except RequirementError as error:
            raise self.fail(where, error.message) from error
        for atom in self.sets.atoms(node):
            if atom[0] == "extra" and atom[1] == "==":
                asked = self.sets.atom(("extras", "has", atom[2]))
                yes, no = self.sets.fix(node, atom, answer=True), self.sets.fix(node, atom, answer=False)
                node = self.sets.choose(asked, yes, no)
        return node

    def asked(self, variable: str, name: str) -> Node:
        """Give the condition that an extra or a group was asked for."""
        return self.sets.atom((variable, "has", normalize(name)))

    def add(self, package: LockedPackage, condition: Node) -> None:
        """Gather a package; the same version again unites the conditions."""
        if len(self._packages) >= MAX_PACKAGES:
            raise LockError(f"{self.path} has more than {MAX_PACKAGES} packages")
        origin = package.origin.url if package.origin is not None else ""
        key = (package.name, str(package.version), origin)
        known = self._packages.get(key)
        if known is None:
            self._packages[key] = (package, condition)
            return
        merged = replace(
            known[0],
            artifacts=tuple({one.filename: one for one in (*known[0].artifacts, *package.artifacts)}.values()),
            dependencies=tuple(dict.fromkeys((*known[0].dependencies, *package.dependencies))),
        )
        self._packages[key] = (merged, self.sets.either(known[1], condition))

    def narrow(self, limit: Callable[[LockedPackage], Node]) -> None:
        """Take every package away where *limit* says that it is not wanted."""
        for key, (package, condition) in self._packages.items():
            self._packages[key] = (package, self.sets.both(condition, limit(package)))

    def gathered(self) -> list[LockedPackage]:
        """Give what was gathered so far, without markers."""
        return [package for package, _ in self._packages.values()]

    def packages(self, whole: Node = ALL) -> tuple[LockedPackage, ...]:
        """Give what was gathered, with markers; what can never be wanted is left out."""
        found: list[LockedPackage] = []
        for package, condition in self._packages.values():
            if condition == EMPTY or self.sets.is_empty(self.sets.both(condition, whole)):
                continue
            found.append(replace(package, marker=marker_of(self.sets, condition, whole)))
        return tuple(sorted(found, key=lambda one: (one.name, str(one.version), one.marker or "")))


def hash_of(text: object) -> dict[str, str]:
    """Give ``algorithm:hex`` as a mapping, empty for anything else."""
    algorithm, colon, value = (as_text(text) or "").partition(":")
    return {algorithm: value.lower()} if colon and algorithm and value else {}


def artifact(table: Mapping[str, Any], *, base: str, index: str | None = None) -> Artifact:
    """Give a file as uv, Poetry and PDM describe them; *base* is the folder of the lock."""
    url = as_text(table.get("url"))
    path = as_text(table.get("path"))
    if url is None and path is not None and "\0" not in path:
        url = Path(base, path).absolute().as_uri()
    name = as_text(table.get("file")) or as_text(table.get("filename")) or ""
    if not name and url:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
    size = table.get("size")
    time: object = table.get("upload-time")
    return Artifact(
        filename=name.rpartition("/")[2],
        url=(url or "").partition("#")[0],
        hashes=hash_of(table.get("hash")),
        size=size if isinstance(size, int) and size >= 0 else None,
        upload_time=time if isinstance(time, str) else time.isoformat() if isinstance(time, datetime) else None,
        index=index,
    )


def wheels_first(artifacts: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Give files in the order of a lock."""
    return tuple(sorted(artifacts, key=lambda one: (not one.is_wheel, one.filename)))


def any_text(values: Sequence[object]) -> str | None:
    """Give the first text among *values*."""
    return next((value for value in values if isinstance(value, str) and value), None)
