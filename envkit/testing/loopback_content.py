"""What a loopback index says of its files: entries, pages, metadata, parts."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias, cast

from envkit.testing.loopback_http import LoopbackAnswer

Files: TypeAlias = Mapping[str, bytes] | Iterable[Path | str] | Path | str


def part(data: bytes, wanted: str, headers: dict[str, str]) -> LoopbackAnswer:
    """Give the part of *data* that a ``Range`` header asks for."""
    first, _, last = wanted.partition("-")
    size = len(data)
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size:
        return LoopbackAnswer(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return LoopbackAnswer(status=206, headers=headers, body=data[start:end])


def html_page(title: str, entries: Iterable[Mapping[str, Any]]) -> bytes:
    """Give a page of links (PEP 503) with *entries* as in the JSON API."""
    lines = ["<!DOCTYPE html><html><head>", '<meta name="pypi:repository-version" content="1.1">']
    lines.append(f"<title>{escape(title)}</title></head><body>")
    for entry in entries:
        attributes = ""
        if entry.get("requires-python"):
            attributes += f' data-requires-python="{escape(entry["requires-python"])}"'
        metadata = entry.get("core-metadata")
        if metadata:
            text = f"sha256={metadata['sha256']}" if isinstance(metadata, dict) else "true"
            attributes += f' data-core-metadata="{text}"'
        yanked = entry.get("yanked", False)
        if yanked is not False:
            attributes += f' data-yanked="{escape(yanked if isinstance(yanked, str) else "")}"'
        digest = entry["hashes"].get("sha256")
        fragment = f"#sha256={digest}" if digest else ""
        href = escape(entry["url"]) + fragment
        lines.append(f'<a href="{href}"{attributes}>{escape(entry["filename"])}</a><br>')
    return "\n".join([*lines, "</body></html>"]).encode()


def named(files: Files) -> Iterable[tuple[str, bytes]]:
    """Give names and bytes, whichever way they are given."""
    if isinstance(files, Mapping):
        yield from cast("Mapping[str, bytes]", files).items()
        return
    if isinstance(files, (str, Path)):
        files = sorted(Path(files).iterdir())
    for path in map(Path, files):
        if path.is_file():
            yield path.name, path.read_bytes()


def wheel_metadata(data: bytes) -> bytes | None:
    """Give ``METADATA`` of a wheel; None for anything else."""
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                return archive.read(name)
    return None


def requires_python(metadata: bytes | None) -> str | None:
    """Give what metadata says about Pythons."""
    for line in (metadata or b"").decode("utf-8", "replace").partition("\n\n")[0].splitlines():
        if line.lower().startswith("requires-python:"):
            return line.partition(":")[2].strip()
    return None


def basic(user: str, password: str) -> str:
    """Give the value of ``Authorization``."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
