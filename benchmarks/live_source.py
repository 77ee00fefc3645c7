"""The live index as a source: a served index in front of it records all that a client asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.live import LiveIndex
from benchmarks.metadata_fields import MetadataFields
from benchmarks.recording import RecordedFile, RecordedProject


class LiveSource:
    """Pages and metadata of the live index, kept by `LiveIndex`. One wheel per version is ever asked for."""

    def __init__(self, live: LiveIndex) -> None:
        self._live = live
        self._pages: dict[str, tuple[RecordedProject, dict[str, str]] | None] = {}
        self._known: dict[str, dict[str, MetadataFields | None]] = {}

    def project(self, name: str) -> RecordedProject | None:
        """Give the page as it is recorded, with the metadata known so far."""
        if name not in self._pages:
            page = self._live.page(name)
            self._pages[name] = None if page is None else read_page(name, page)
            kept = self._live.kept(name)
            order = sorted(kept, key=_preference)
            self._known[name] = {file.split("-", 2)[1]: kept[file] for file in reversed(order)}
        found = self._pages[name]
        if found is None:
            return None
        known = {version: fields for version, fields in sorted(self._known[name].items()) if fields is not None}
        return RecordedProject(name, found[0].files, known)

    def fields(self, name: str, filename: str) -> MetadataFields | None:
        """Give the fields for a wheel: those of whichever wheel of its version was asked for first."""
        version = filename.split("-", 2)[1]
        if self.project(name) is None:
            return None
        known, page = self._known[name], self._pages[name]
        if version not in known and page is not None and filename in page[1]:
            known[version] = self._live.metadata(name, filename, page[1][filename])
        return known.get(version)

    def sidecar(self, name: str, filename: str) -> bytes | None:
        if not filename.endswith(".whl") or filename.count("-") < 4:
            return None
        fields = self.fields(name, filename)
        return fields.sidecar(name, filename.split("-", 2)[1]) if fields is not None else None

    def digest(self, project: RecordedProject, file: RecordedFile) -> str | bool:
        return file.is_wheel and self._known[project.name].get(file.version, ()) is not None


class Kept(Mapping[str, RecordedProject]):
    """What a database keeps of the live index by now: each project is read when it is asked for."""

    def __init__(self, database: Path) -> None:
        self._live = LiveIndex(database, offline=True)

    def __getitem__(self, name: str) -> RecordedProject:
        project = LiveSource(self._live).project(name)
        if project is None:
            raise KeyError(name)
        return project

    def __iter__(self) -> Iterator[str]:
        return iter(self._live.pages())

    def __len__(self) -> int:
        return len(self._live.pages())


def read_page(name: str, page: dict[str, Any]) -> tuple[RecordedProject, dict[str, str]]:
    """Read a raw page: the project, and where its files are. Old formats (eggs, installers) are left out."""
    files: list[RecordedFile] = []
    addresses: dict[str, str] = {}
    for entry in page["files"]:
        filename, digest = entry["filename"], entry["hashes"].get("sha256")
        wheel = filename.endswith(".whl") and filename.count("-") >= 4
        if digest is None or not (wheel or filename.endswith((".tar.gz", ".zip"))):
            continue
        time = entry.get("upload-time")
        seconds = int(datetime.fromisoformat(time).timestamp()) if time else 0
        python, yanked = entry.get("requires-python"), entry.get("yanked", False)
        if isinstance(yanked, str):  # reasons link to places; a recording holds no address
            yanked = re.sub(r"\S*://\S*", "(link)", yanked)
        files.append(RecordedFile(filename, bytes.fromhex(digest), entry.get("size") or 0, seconds, python, yanked))
        addresses[filename] = entry["url"]
    return RecordedProject(name, tuple(files)), addresses


def _preference(filename: str) -> tuple[bool, bool, str]:
    # The same wheel speaks for a version whatever the order in which clients asked.
    return (not filename.endswith("-none-any.whl"), "manylinux" not in filename, filename)
