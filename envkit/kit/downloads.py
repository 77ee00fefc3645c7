"""Save the files of a resolution into a folder: as they are, or all as wheels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from envkit.errors import InstallError
from envkit.host import files
from envkit.host.threads import Threads
from envkit.model.candidate import Artifact
from envkit.model.resolution import Pin, Resolution


class Fetcher(Protocol):
    """What is needed of the client of the indexes."""

    def fetch(self, artifact: Artifact) -> Path:
        """Give a local file whose hashes are right."""
        ...

    def prefetch_files(self, artifacts: Iterable[Artifact]) -> None:
        """Begin to fetch."""
        ...


class Maker(Protocol):
    """What is needed of `envkit.kit.builds.Builds`."""

    def wheel_for(self, pin: Pin) -> Path:
        """Give the path of the wheel of a pin, built now or before."""
        ...


def save_files(
    resolution: Resolution,
    dest: str | os.PathLike[str],
    *,
    client: Fetcher,
    builds: Maker,
    wheels: bool = False,
    jobs: int = 4,
) -> tuple[Path, ...]:
    """Put one file for each pin into the folder *dest*, made when missing, and give their paths in the order of names.

    That is the preferred file of the version, as an index has it. With *wheels*, sdists are built and their wheels are
    saved; folders and checkouts are built always, as they have no file. A file of the same name is replaced in one step.
    Raises what fetching and building raise, and `InstallError` where *dest* cannot be written.
    """
    folder = os.path.abspath(dest)
    pins = [pin for _, pin in sorted(resolution.pins.items())]
    as_it_is = {pin.name: artifact for pin in pins if (artifact := _file_of(pin, wheels=wheels)) is not None}
    client.prefetch_files(as_it_is.values())

    def save(pin: Pin) -> Path:
        artifact = as_it_is.get(pin.name)
        if artifact is None:
            path = builds.wheel_for(pin)
            return _copy(path, os.path.join(folder, path.name))
        return _copy(client.fetch(artifact), os.path.join(folder, artifact.filename))

    try:
        files.make_dirs(folder)
        with Threads(min(jobs, len(pins)) or 1, "envkit-save") as executor:
            return tuple(executor.map(save, pins))
    except OSError as error:
        raise InstallError(
            f"{folder}: cannot be written: {error.strerror or error}", context={"path": folder, "errno": error.errno}
        ) from error


def _file_of(pin: Pin, *, wheels: bool) -> Artifact | None:
    artifact = pin.artifacts[0] if pin.artifacts else None
    if artifact is None or (wheels and not artifact.is_wheel):
        return None
    return artifact


def _copy(source: Path, target: str) -> Path:
    temporary = files.temporary_beside(target)
    try:
        with open(source, "rb") as stream:
            files.write_chunks(temporary, iter(lambda: stream.read(1 << 20), b""))
        files.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    return Path(target)
