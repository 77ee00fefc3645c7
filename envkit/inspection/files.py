"""The files of installed distributions: what RECORD lists, and whether they are still what was installed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal

from envkit.dataclass import dataclass
from envkit.errors import InstallError
from envkit.installed import record
from envkit.model.distribution import InstalledDistribution
from envkit.model.values import Value

MAX_CONTENT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState(Value):
    """One file of a distribution: *path* as RECORD has it, *size* in bytes as it is now (None: missing).

    *state* is "unchecked" where nothing was compared: no hash is recorded, or contents were not asked for.
    """

    path: str
    size: int | None
    state: Literal["good", "missing", "changed", "unchecked"]


def file_states(one: InstalledDistribution, *, contents: bool) -> Iterator[FileState]:
    """Yield the state of each recorded file. Raises `InstallError` for a RECORD that is missing or makes no sense.

    Legacy eggs record no hashes and yield nothing.
    """
    if one.kind != "dist-info":
        return
    for row in record.read(one.path):
        path = locate(one, row.path)
        try:
            size = os.stat(path).st_size
        except (OSError, ValueError):
            # compiled files come and go, and are no loss
            if not row.path.endswith(".pyc"):
                yield FileState(path=row.path, size=None, state="missing")
            continue
        recorded_size = int(row.size) if row.size.isascii() and row.size.isdigit() else None
        if row.hash and recorded_size is not None and recorded_size != size:
            yield FileState(path=row.path, size=size, state="changed")
        elif contents and row.hash:
            yield FileState(path=row.path, size=size, state=_compare(path, row.hash))
        else:
            yield FileState(path=row.path, size=size, state="unchecked")


def locate(one: InstalledDistribution, path: str) -> str:
    """Give the place of a recorded path: relative ones belong below the folder that holds the metadata folder."""
    return os.path.normpath(os.path.join(one.path.parent, path))


def _compare(path: str, recorded: str) -> Literal["good", "changed", "unchecked"]:
    try:
        return "good" if record.has_digest(path, recorded) else "changed"
    except ValueError:
        return "unchecked"
    except OSError:
        return "changed"


def total_size(one: InstalledDistribution) -> int:
    """Give the bytes that the recorded files take, compiled ones too; 0 where nothing is recorded."""
    try:
        return sum(state.size or 0 for state in file_states(one, contents=False))
    except InstallError:
        return 0


def read_file(one: InstalledDistribution, path: str, *, within: Iterable[str | os.PathLike[str]]) -> bytes:
    """Give the content of a recorded file.

    Raises `InstallError` for one that is not recorded, missing, huge or in none of the folders *within*: a RECORD can name
    any file of the machine.
    """
    if not any(row.path == path for row in record.read(one.path)):
        raise InstallError(f"{one.name} has no file {path!r}", context={"project": one.name, "path": path})
    place = os.path.realpath(locate(one, path))
    if not any(place.startswith(os.path.join(os.path.realpath(folder), "")) for folder in within):
        raise InstallError(
            f"{path} of {one.name} is outside the environment", context={"project": one.name, "path": path}
        )
    try:
        with open(place, "rb") as file:
            data = file.read(MAX_CONTENT_BYTES + 1)
    except OSError as error:
        raise InstallError(f"{path} of {one.name} cannot be read: {error.strerror}") from error
    if len(data) > MAX_CONTENT_BYTES:
        raise InstallError(f"{path} of {one.name} is larger than {MAX_CONTENT_BYTES} bytes")
    return data
