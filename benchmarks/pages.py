"""Project pages and sidecars made of a recording, as the simple API (PEP 503, 691, 700, 714) gives them."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol

from benchmarks.recording import RecordedFile, RecordedProject


class Source(Protocol):
    """Where a served index takes its facts from."""

    def project(self, name: str) -> RecordedProject | None:
        """Give a project by its normalised name; None if it is unknown."""
        ...

    def sidecar(self, name: str, filename: str) -> bytes | None:
        """Give the metadata file of a wheel; None if there is none."""
        ...

    def digest(self, project: RecordedProject, file: RecordedFile) -> str | bool:
        """Give the sha256 of the sidecar in hex, True if it is not known yet, False if there is none."""
        ...


class RecordedSource:
    """The recording alone; what is not in it does not exist.

    With *closed*, versions whose metadata is not in it do not exist either: a world in which no client can get lost.
    """

    def __init__(self, projects: Mapping[str, RecordedProject], *, closed: bool = False) -> None:
        self._projects = {name: _known(one) for name, one in projects.items()} if closed else projects
        self._digest = lru_cache(maxsize=None)(self._compute_digest)

    def project(self, name: str) -> RecordedProject | None:
        return self._projects.get(name)

    def sidecar(self, name: str, filename: str) -> bytes | None:
        project = self._projects.get(name)
        version = filename.split("-", 2)[1] if filename.endswith(".whl") and filename.count("-") >= 4 else ""
        if project is None or version not in project.metadata:
            return None
        return project.metadata[version].sidecar(name, version)

    def digest(self, project: RecordedProject, file: RecordedFile) -> str | bool:
        return self._digest(project.name, file.version) if file.version in project.metadata else False

    def _compute_digest(self, name: str, version: str) -> str:
        return sha256(self._projects[name].metadata[version].sidecar(name, version)).hexdigest()


def _known(project: RecordedProject) -> RecordedProject:
    files = tuple(file for file in project.files if file.version in project.metadata)
    return replace(project, files=files)


def json_page(source: Source, project: RecordedProject) -> bytes:
    """Give the page in its JSON form, version 1.1, with relative addresses."""
    files: list[dict[str, Any]] = []
    for file in project.files:
        entry: dict[str, Any] = {
            "core-metadata": False,
            "filename": file.filename,
            "hashes": {"sha256": file.sha256.hex()},
            "requires-python": file.requires_python,
            "size": file.size,
            "upload-time": upload_time(file.time) if file.time else None,
            "url": f"../../files/{project.name}/{file.filename}",
            "yanked": file.yanked,
        }
        digest = source.digest(project, file)
        if digest is not False:
            entry["core-metadata"] = {"sha256": digest} if isinstance(digest, str) else True
        if not file.time:
            del entry["upload-time"]
        files.append(entry)
    page = {"files": files, "meta": {"api-version": "1.1"}, "name": project.name, "versions": versions(project)}
    return json.dumps(page, separators=(",", ":")).encode()


def html_page(source: Source, project: RecordedProject) -> bytes:
    """Give the page in its HTML form, version 1.0."""
    lines = ["<!DOCTYPE html>", '<html><head><meta name="pypi:repository-version" content="1.0"></head><body>']
    for file in project.files:
        attributes = ""
        if file.requires_python is not None:
            attributes += f' data-requires-python="{html.escape(file.requires_python)}"'
        digest = source.digest(project, file)
        if digest is not False:
            attributes += f' data-core-metadata="{f"sha256={digest}" if isinstance(digest, str) else "true"}"'
        if file.yanked is not False:
            attributes += f' data-yanked="{html.escape(file.yanked) if isinstance(file.yanked, str) else ""}"'
        href = f"../../files/{project.name}/{file.filename}#sha256={file.sha256.hex()}"
        lines.append(f'<a href="{href}"{attributes}>{html.escape(file.filename)}</a><br>')
    return "\n".join([*lines, "</body></html>", ""]).encode()


def versions(project: RecordedProject) -> list[str]:
    """List the versions of a page as its file names spell them, in the order of the page (PEP 700)."""
    found: dict[str, None] = {}
    for file in project.files:
        stem = file.filename.removesuffix(".tar.gz").removesuffix(".zip")
        found.setdefault(file.version or stem.rpartition("-")[2])
    return list(found)


def upload_time(seconds: int) -> str:
    """Give a time as PEP 700 spells it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
