"""Local sources: folders of files, saved pages of links, and simple indexes laid out in folders."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from typing import TYPE_CHECKING

from envkit.errors import TransportError
from envkit.index.filenames import check_filename, project_of
from envkit.index.parsed_page import ParsedPage
from envkit.index.places import file_url
from envkit.index.simple_api import JSON_TYPE, parse_page

if TYPE_CHECKING:
    from envkit.model.candidate import Reason
    from envkit.model.listing import Row

_PAGES = (("index.json", JSON_TYPE), ("index.html", "text/html"))
_MAX_ENTRIES = 200_000
_SEEN_SECONDS = 1.0
_TICK = 0.1
"""Seconds for which a folder that was just changed may change again without its time telling."""


def folder_state(folder: str) -> str:
    """Give a text that changes when files of a folder are added, removed or replaced; "" where there is no folder."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries)
    except OSError:
        return ""
    digest.update(repr((folder, found)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def file_state(path: str) -> str:
    """Give a text that changes when a file does; "" where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    if not stat.S_ISREG(status.st_mode):
        return ""
    seen = repr((path, status.st_size, status.st_mtime_ns, status.st_ino))
    return hashlib.blake2b(seen.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class LocalIndex:
    """A simple index in a folder: a folder for each project with ``index.json``, ``index.html`` or just files."""

    def __init__(self, path: str, label: str, max_bytes: int) -> None:
        self.label = label
        self.path = path
        self._max_bytes = max_bytes

    def problem(self) -> str | None:
        """Say why the place cannot be read; None where it can."""
        return _problem(self.path) or (None if os.path.isdir(self.path) else "not a folder")

    def identity(self, project: str) -> str:
        """Give the identity of a project's page; "" where there is none."""
        folder = os.path.join(self.path, project)
        for name, _ in _PAGES:
            state = file_state(os.path.join(folder, name))
            if state:
                return state
        return folder_state(folder)

    def page(self, project: str) -> ParsedPage | None:
        """Read a project's page. Raises `TransportError`."""
        folder = os.path.join(self.path, project)
        for name, kind in _PAGES:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return parse_page(read_file(path, self._max_bytes), kind, file_url(path), project)
        if not os.path.isdir(folder):
            return None
        return only(parse_folder(folder), project)


class FlatFolder:
    """A folder of files (find-links), or a saved page of links to them."""

    def __init__(self, path: str, label: str, max_bytes: int) -> None:
        self.label = label
        self.path = path
        self._max_bytes = max_bytes
        self._parsed: tuple[str, dict[str, ParsedPage]] = ("", {})
        self._seen = (0.0, 0, "")

    def problem(self) -> str | None:
        """Say why the place cannot be read; None where it can."""
        return None if self.state() else _problem(self.path) or "neither a folder nor a regular file"

    def state(self) -> str:
        """Give the identity of the whole; "" where there is nothing.

        Files that come and go count at once, those that are written to where they are within a second.
        """
        # Every project of a resolution asks, and a large folder takes milliseconds to look through.
        until, stamp, state = self._seen
        now = _changed(self.path)
        if until < time.monotonic() or stamp != now:
            state = folder_state(self.path) or file_state(self.path)
            settled = time.time() - now / 1e9 > _TICK
            self._seen = (time.monotonic() + _SEEN_SECONDS if settled else 0.0, now, state)
        return state

    def identity(self, project: str) -> str:
        """Give the identity as far as *project* goes; "" where it has no file here."""
        state = self.state()
        return state if state and project in self._by_project(state) else ""

    def page(self, project: str) -> ParsedPage | None:
        """Give the files of *project*. Raises `TransportError` where the place cannot be read."""
        state = self.state()
        return self._by_project(state).get(project) if state else None

    def _by_project(self, state: str) -> dict[str, ParsedPage]:
        if self._parsed[0] != state:
            if os.path.isdir(self.path):
                whole = parse_folder(self.path)
            else:
                data = read_file(self.path, self._max_bytes)
                whole = parse_page(data, "text/html", file_url(self.path), None)
            self._parsed = (state, split_by_project(whole))
        return self._parsed[1]


def _changed(path: str) -> int:
    """Give when entries of a folder came or went, or a file was written, in ns; 0 where there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _problem(path: str) -> str | None:
    try:
        if os.path.isdir(path):
            os.scandir(path).close()
        else:
            os.stat(path)
    except FileNotFoundError:
        return "no such folder or file"
    except OSError as error:
        return error.strerror or str(error)
    return None


def read_file(path: str, max_bytes: int) -> bytes:
    """Read a local page. Raises `TransportError`."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise TransportError(f"{path}: {error.strerror or error}", context={"path": path}) from error
    if len(data) > max_bytes:
        raise TransportError(f"{path}: larger than {max_bytes} bytes", context={"path": path, "limit": max_bytes})
    return data


def parse_folder(folder: str) -> ParsedPage:
    """Give the wheels and sdists that are in *folder*. Raises `TransportError`."""
    rows: list[Row] = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if len(rows) >= _MAX_ENTRIES:
                    raise TransportError(f"{folder}: more than {_MAX_ENTRIES} files")
                if project_of(entry.name) and entry.is_file():
                    sidecar: dict[str, str] | None = {} if os.path.isfile(entry.path + ".metadata") else None
                    size = entry.stat().st_size
                    rows.append((entry.name, "=" + file_url(entry.path), {}, size, None, None, None, sidecar, None))
    except OSError as error:
        raise TransportError(f"{folder}: {error.strerror or error}", context={"path": folder}) from error
    return ParsedPage(rows=tuple(rows))


def split_by_project(whole: ParsedPage) -> dict[str, ParsedPage]:
    """Give a page of each project that *whole* has files of; an sdist whose name fits several goes to each of them."""
    found: dict[str, list[Row]] = {}
    broken: dict[str, list[tuple[str, Reason, str]]] = {}
    for row in whole.rows:
        for project in project_of(row[0]):
            problem = check_filename(row[0], project)
            if problem is None:
                found.setdefault(project, []).append(row)
            else:
                broken.setdefault(project, []).append((row[0], *problem))
    for rejection in whole.rejected:
        for project in project_of(rejection[0]):
            broken.setdefault(project, []).append(rejection)
    return {
        project: ParsedPage(rows=tuple(found.get(project, ())), rejected=tuple(broken.get(project, ())))
        for project in found.keys() | broken.keys()
    }


def only(whole: ParsedPage, project: str) -> ParsedPage:
    """Give what *whole* has of *project*."""
    return split_by_project(whole).get(project, ParsedPage(rows=()))
