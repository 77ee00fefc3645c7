"""The recording: what resolution reads of an index, in one folder of compressed shards.

A recorded project has its wheels and sdists (name, sha256, size, upload time, ``requires-python``, yanked) and, per
version, the fields of one wheel's metadata; the other wheels of that version are served with the same fields. Addresses
are made by whoever serves the recording, so none is kept.

A shard is ``MAGIC``, four lengths (unsigned 32 bit, big-endian), and four sections: an xz stream with a JSON list of
projects, an xz stream of file sizes, one of upload times (both as byte planes of 64 and 32 bit), and the hashes as they
are. The same projects give the same bytes.
"""

from __future__ import annotations

import json
import lzma
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.metadata_fields import MetadataFields

MAGIC = b"envkit-recording-1\n"
SHARDS = 8
DEFAULT = Path(__file__).parent / "recordings"


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One wheel or sdist. ``size`` is in bytes, ``time`` in seconds since 1970 UTC (0: unknown)."""

    filename: str
    sha256: bytes
    size: int
    time: int
    requires_python: str | None = None
    yanked: bool | str = False

    @property
    def is_wheel(self) -> bool:
        return self.filename.endswith(".whl")

    @property
    def version(self) -> str:
        """The version as the name of a wheel spells it; empty for an sdist, whose name does not say where it starts."""
        return self.filename.split("-", 2)[1] if self.is_wheel else ""


@dataclass(frozen=True, slots=True)
class RecordedProject:
    """A project page, files in the order of the page, and metadata by version as the names of its wheels spell it."""

    name: str
    files: tuple[RecordedFile, ...]
    metadata: Mapping[str, MetadataFields] = field(default_factory=dict)


def write_recording(folder: Path, projects: Iterable[RecordedProject]) -> int:
    """Write the shards of a recording, leave those alone that stay the same, and give their size in all, in bytes."""
    shards: dict[int, list[RecordedProject]] = {number: [] for number in range(SHARDS)}
    for project in sorted(projects, key=lambda project: project.name):
        shards[zlib.crc32(project.name.encode()) % SHARDS].append(project)
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for number, members in shards.items():
        path, data = folder / f"{number}.rec", encode_shard(members)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
        total += len(data)
    return total


def read_recording(folder: Path = DEFAULT) -> dict[str, RecordedProject]:
    """Read all shards of a recording: name -> project."""
    paths = sorted(folder.glob("*.rec"))
    if not paths:
        raise FileNotFoundError(f"no recording in {folder}")
    return {project.name: project for path in paths for project in decode_shard(path.read_bytes())}


def encode_shard(projects: list[RecordedProject]) -> bytes:
    """Give the bytes of one shard."""
    files = [file for project in projects for file in project.files]
    text = json.dumps([_project_to_json(project) for project in projects], separators=(",", ":"), ensure_ascii=False)
    sections = [
        _compress(text.encode()),
        _compress(_planes(array("Q", [file.size for file in files]))),
        _compress(_planes(array("I", [file.time for file in files]))),
        b"".join(file.sha256 for file in files),
    ]
    return MAGIC + struct.pack(">4I", *map(len, sections)) + b"".join(sections)


def decode_shard(data: bytes) -> Iterator[RecordedProject]:
    """Read what `encode_shard` wrote."""
    if not data.startswith(MAGIC):
        raise ValueError("not a shard of a recording")
    lengths = struct.unpack_from(">4I", data, len(MAGIC))
    position, sections = len(MAGIC) + 16, []
    for length in lengths:
        sections.append(data[position : position + length])
        position += length
    sizes = _from_planes("Q", _decompress(sections[1]))
    times = _from_planes("I", _decompress(sections[2]))
    start = 0
    for entry in json.loads(_decompress(sections[0])):
        count = entry["files"].count("\n") + 1 if entry["files"] else 0
        span = range(start, start + count)
        facts = ((sections[3][i * 32 : i * 32 + 32], sizes[i], times[i]) for i in span)
        yield _project_from_json(entry, facts)
        start += count


def _project_to_json(project: RecordedProject) -> dict[str, Any]:
    bodies: dict[MetadataFields, int] = {}
    versions = {version: bodies.setdefault(fields, len(bodies)) for version, fields in project.metadata.items()}
    return {
        "name": project.name,
        "files": "\n".join(file.filename for file in project.files),
        "pythons": [(key, len(list(run))) for key, run in groupby(file.requires_python for file in project.files)],
        "yanked": [(i, file.yanked) for i, file in enumerate(project.files) if file.yanked is not False],
        "bodies": [[b.metadata_version, b.requires_python, b.requires_dist, b.provides_extra] for b in bodies],
        "versions": list(versions.items()),
    }


def _project_from_json(entry: dict[str, Any], facts: Iterable[tuple[bytes, int, int]]) -> RecordedProject:
    pythons = [value for value, length in entry["pythons"] for _ in range(length)]
    yanked = dict(entry["yanked"])
    bodies = [MetadataFields(version, python, tuple(r), tuple(e)) for version, python, r, e in entry["bodies"]]
    names = entry["files"].split("\n") if entry["files"] else []
    files = tuple(
        RecordedFile(name, digest, size, time, python, yanked.get(i, False))
        for i, (name, (digest, size, time), python) in enumerate(zip(names, facts, pythons, strict=True))
    )
    return RecordedProject(entry["name"], files, {version: bodies[i] for version, i in entry["versions"]})


def _compress(data: bytes) -> bytes:
    size = max(1 << 12, min(1 << 26, 1 << len(data).bit_length()))  # no more than the data can use: it is cleared first
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": size}]
    return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)


def _decompress(data: bytes) -> bytes:
    return lzma.decompress(data, format=lzma.FORMAT_XZ)


def _planes(values: array[int]) -> bytes:
    # All lowest bytes first, then all second ones: the high planes are nearly constant and vanish.
    data = values.tobytes()
    return b"".join(data[i :: values.itemsize] for i in range(values.itemsize))


def _from_planes(kind: str, data: bytes) -> array[int]:
    values = array(kind)
    count = len(data) // values.itemsize
    joined = bytearray(len(data))
    for i in range(values.itemsize):
        joined[i :: values.itemsize] = data[i * count : (i + 1) * count]
    values.frombytes(bytes(joined))
    return values
