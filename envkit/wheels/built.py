"""Wheels that were built, checked and kept: by source, build requirements as resolved, interpreter and settings."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from envkit.cache import Bucket
from envkit.dataclass import dataclass
from envkit.errors import InvalidSource, RequirementError
from envkit.host import files
from envkit.model.candidate import CoreMetadata
from envkit.model.identity import normalize, parse_version
from envkit.model.metadata import MAX_METADATA_BYTES, parse_metadata
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note(Value):
    """What is noted beside a wheel: *dynamic* are the build requirements that its backend asked for."""

    dynamic: tuple[str, ...]
    resolved: str
    filename: str
    sha256: str
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltWheel:
    """A wheel that was built here: *path* is the file, *data* its METADATA, *from_cache* whether nothing had to run."""

    path: str
    filename: str
    sha256: str
    metadata: CoreMetadata
    data: bytes
    from_cache: bool = False


def check_wheel(path: str, *, subject: str, name: str | None, version: str | None) -> BuiltWheel:
    """Look at a wheel that a backend made. Raises `InvalidSource` where it is none, or not what was asked for."""
    filename = os.path.basename(path)
    try:
        file_name, file_version, _, _ = parse_wheel_filename(filename)
        data = _read_metadata(path)
        metadata = parse_metadata(data, where=filename)
    except (InvalidWheelFilename, zipfile.BadZipFile, OSError, ValueError, RequirementError, KeyError) as error:
        raise InvalidSource(f"{subject}: the backend made no wheel: {error}", context={"subject": subject}) from error
    if file_name != normalize(metadata.name) or file_version != parse_version(metadata.version):
        raise InvalidSource(
            f"{subject}: {filename} holds the metadata of {metadata.name} {metadata.version}",
            context={"subject": subject, "filename": filename},
        )
    check_identity(metadata, subject=subject, name=name, version=version)
    with open(path, "rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return BuiltWheel(path=path, filename=filename, sha256=sha256, metadata=metadata, data=data)


def check_identity(metadata: CoreMetadata, *, subject: str, name: str | None, version: str | None) -> None:
    """Raise `InvalidSource` where *metadata* is of another project or version than what was asked for."""
    try:
        found = parse_version(metadata.version)
        same = version is None or parse_version(version) == found
    except RequirementError as error:
        raise InvalidSource(f"{subject}: {error}", context={"subject": subject}) from error
    if name is not None and normalize(metadata.name) != normalize(name):
        reason = f"the name {metadata.name!r} where {name!r} was asked for"
    elif not same:
        reason = f"the version {metadata.version!r} where {version!r} was asked for"
    else:
        return
    raise InvalidSource(f"{subject}: its metadata has {reason}", context={"subject": subject, "reason": reason})


def _read_metadata(path: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
        if len(names) != 1:
            raise ValueError(f"{len(names)} files .dist-info/METADATA inside")
        with archive.open(names[0]) as stream:
            data = stream.read(MAX_METADATA_BYTES + 1)
    if len(data) > MAX_METADATA_BYTES:
        raise ValueError("its METADATA is too large")
    return data


def _place(key: str, filename: str, sha256: str) -> str:
    """Give the key of a wheel: among what belongs to its project."""
    return f"{normalize(filename.partition('-')[0])}/{key}-{sha256}"


class BuiltWheels:
    """The cache of built wheels; entries are immutable folders with one wheel and a note of how it came to be."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def find(self, key: str, still_resolved: Callable[[tuple[str, ...]], str]) -> BuiltWheel | None:
        """Give the wheel of *key*; *still_resolved* resolves its further build requirements, which must come out equal."""
        try:
            note = _Note.from_dict(json.loads(self._bucket.get(f"note-{key}") or b"{}"))
            if note.dynamic and still_resolved(note.dynamic) != note.resolved:
                return None
            path = str(self._bucket.path(_place(key, note.filename, note.sha256)) / note.filename)
            with open(path, "rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != note.sha256:
                    return None
            data = note.metadata.encode("utf-8", "surrogateescape")
            metadata = parse_metadata(data)
        except (OSError, ValueError, RequirementError):
            return None  # a damaged entry only costs a build
        return BuiltWheel(
            path=path, filename=note.filename, sha256=note.sha256, metadata=metadata, data=data, from_cache=True
        )

    def keep(self, key: str, wheel: BuiltWheel, *, dynamic: tuple[str, ...], resolved: str) -> BuiltWheel:
        """Move a fresh wheel into the cache and give it as it is there."""
        staging = self._bucket.staging(".whl")
        _move(wheel.path, str(staging))
        place = _place(key, wheel.filename, wheel.sha256)
        path = str(self._bucket.publish(place, staging, name=wheel.filename))
        note = _Note(
            dynamic=dynamic,
            resolved=resolved,
            filename=wheel.filename,
            sha256=wheel.sha256,
            metadata=wheel.data.decode("utf-8", "surrogateescape"),
        )
        self._bucket.put(f"note-{key}", json.dumps(note.to_dict()).encode())
        return BuiltWheel(
            path=path, filename=wheel.filename, sha256=wheel.sha256, metadata=wheel.metadata, data=wheel.data
        )


def _move(source: str, target: str) -> None:
    try:
        files.rename(source, target)
    except OSError:  # another file system
        with open(source, "rb") as stream:
            files.write_chunks(target, iter(lambda: stream.read(1 << 20), b""))
        files.unlink(source)
