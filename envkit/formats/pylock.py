"""Read ``pylock.toml`` (PEP 751)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from packaging.pylock import Package, Pylock, PylockUnsupportedVersionError, PylockValidationError

from envkit.errors import LockError, RequirementError
from envkit.formats.lock_content import LockContent
from envkit.formats.text import decode_text, read_lock_bytes
from envkit.formats.toml import as_list, as_table, as_tables, as_text, as_texts, load_toml
from envkit.model.candidate import Artifact
from envkit.model.lock import LockedPackage
from envkit.model.requirement import check_bounds
from envkit.model.source import Origin

MAX_PACKAGES = 50_000
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")


def read_pylock(path: str | Path) -> LockContent:
    """Read a lock file. Raises `LockError` naming the place in it: ``packages[3].wheels[0]``."""
    place = os.path.abspath(path)
    try:
        text = decode_text(read_lock_bytes(place), place)
    except RequirementError as error:
        raise LockError(error.message, context=error.context) from error
    return parse_pylock(text, path=place)


def parse_pylock(text: str, *, path: str = "pylock.toml") -> LockContent:
    """Read the text of a lock file; relative places in it are relative to the folder of *path*, also a URL."""
    try:
        data = load_toml(text)
        _check_bounds(data)
        lock = Pylock.from_dict(data)
    except PylockUnsupportedVersionError as error:
        raise LockError(f"{path}: {error}", hint="a newer version of envkit may read it") from error
    except PylockValidationError as error:
        shown = f"{path}, {error.context}: {error.message}" if error.context else f"{path}: {error.message}"
        raise LockError(shown, context={"file": path, "key": error.context}) from error
    except (ValueError, RecursionError) as error:
        raise LockError(f"{path} is no lock file: {error}", context={"file": path}) from error
    if len(lock.packages) > MAX_PACKAGES:
        raise LockError(f"{path} has more than {MAX_PACKAGES} packages")
    tool = as_table((as_table(data.get("tool")) or {}).get("envkit")) or {}
    return LockContent(
        packages=tuple(_Package(package, at, path).read() for at, package in enumerate(lock.packages)),
        requires_python=str(lock.requires_python) if lock.requires_python is not None else None,
        environments=tuple(str(marker) for marker in lock.environments or ()),
        extras=tuple(lock.extras or ()),
        groups=tuple(lock.dependency_groups or ()),
        default_groups=tuple(lock.default_groups or ()),
        roots=tuple(as_texts(tool.get("roots")) or ()),
        constraints=tuple(as_texts(tool.get("constraints")) or ()),
        overrides=tuple(as_texts(tool.get("overrides")) or ()),
        conflicts=_conflicts(tool.get("conflicts")),
        kind="pylock",
        created_by=lock.created_by,
    )


def _conflicts(value: object) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(names) for one in as_list(value) if (names := as_texts(one)))


def _check_bounds(data: Mapping[str, Any]) -> None:
    markers = list(as_texts(data.get("environments")) or ())
    markers += [marker for table in as_tables(data.get("packages")) if (marker := as_text(table.get("marker")))]
    for marker in markers:
        check_bounds(marker, "marker")


class _Package:
    def __init__(self, package: Package, at: int, path: str) -> None:
        self._package = package
        self._at = at
        self._path = path

    def read(self) -> LockedPackage:
        package = self._package
        tool = as_table((package.tool or {}).get("envkit")) or {}
        names = [str(table.get("name")) for table in package.dependencies or () if as_text(table.get("name"))]
        return LockedPackage(
            name=package.name,
            version=package.version,
            marker=str(package.marker) if package.marker is not None else None,
            requires_python=str(package.requires_python) if package.requires_python is not None else None,
            artifacts=self._artifacts(),
            dependencies=tuple(as_texts(tool.get("requires")) or names),
            origin=self._origin(),
            index=package.index,
        )

    def _fail(self, where: str, message: str) -> LockError:
        key = f"packages[{self._at}].{where}"
        return LockError(f"{self._path}, {key}: {message}", context={"file": self._path, "key": key})

    def _artifacts(self) -> tuple[Artifact, ...]:
        package = self._package
        found = [self._artifact(f"wheels[{at}]", wheel) for at, wheel in enumerate(package.wheels or ())]
        if package.sdist is not None:
            found.append(self._artifact("sdist", package.sdist))
        if package.archive is not None:
            archive = package.archive
            url = self._place("archive", archive.url, archive.path)
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            found.append(self._file("archive", name, url, archive.hashes, archive.size, archive.upload_time))
        return tuple(found)

    def _artifact(self, where: str, file: Any) -> Artifact:
        name = file.filename
        if "/" in name or "\\" in name or name in (".", ".."):
            raise self._fail(where, f"{name!r} is not a file name")
        return self._file(
            where, name, self._place(where, file.url, file.path), file.hashes, file.size, file.upload_time
        )

    def _file(
        self, where: str, name: str, url: str, hashes: Mapping[str, str], size: int | None, time: datetime | None
    ) -> Artifact:
        for value in hashes.values():
            if not _HEX.fullmatch(value):
                raise self._fail(f"{where}.hashes", f"{value[:80]!r} is not a hash in hexadecimal")
        if size is not None and size < 0:
            raise self._fail(f"{where}.size", "it is negative")
        return Artifact(
            filename=name,
            url=url,
            hashes={algorithm: value.lower() for algorithm, value in hashes.items()},
            size=size,
            upload_time=time.isoformat() if time is not None else None,
            index=self._package.index,
        )

    def _place(self, where: str, url: str | None, path: str | None) -> str:
        """Give the address of a file; a path, which counts first, may be relative to the lock file."""
        if path:
            if self._path.lower().startswith(("http:", "https:")):
                return urljoin(self._path, path)
            if "\0" in path:
                raise self._fail(where, "a path holds a null character")
            local = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(self._path)), path))
            return Path(local).as_uri()
        try:
            scheme = urlsplit(url or "").scheme
        except ValueError as error:
            raise self._fail(where, f"the URL cannot be read: {error}") from error
        if not scheme:
            raise self._fail(where, "the URL is not absolute")
        return url or ""

    def _origin(self) -> Origin | None:
        package = self._package
        if package.vcs is not None:
            vcs = package.vcs
            if vcs.commit_id.startswith("-") or not vcs.type.isalnum():
                raise self._fail("vcs", "the commit or the kind of repository cannot be right")
            return Origin(
                url=self._place("vcs", vcs.url, vcs.path),
                kind="vcs",
                vcs=vcs.type,
                commit=vcs.commit_id,
                requested_revision=vcs.requested_revision,
                subdirectory=vcs.subdirectory,
            )
        if package.directory is not None:
            folder = package.directory
            return Origin(
                url=self._place("directory", None, folder.path or "."),
                kind="directory",
                editable=bool(folder.editable),
                subdirectory=folder.subdirectory,
            )
        if package.archive is not None:
            archive = package.archive
            hashes: Sequence[tuple[str, str]] = sorted(archive.hashes.items())
            return Origin(
                url=self._place("archive", archive.url, archive.path),
                kind="archive",
                hashes=tuple(hashes),
                subdirectory=archive.subdirectory,
            )
        return None
