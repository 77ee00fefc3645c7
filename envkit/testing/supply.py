"""A supply of wheels from a folder or from memory, for tests of installing without an index."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from envkit.errors import InstallError
from envkit.installation.ports import InterpreterFacts
from envkit.model.candidate import Artifact
from envkit.model.distribution import CompiledWheel, LocalWheel
from envkit.model.resolution import Edge, Pin, Request, Resolution
from envkit.model.target import Target
from envkit.wheels.pool import WheelPool


class FolderSupply:
    """Serves the wheels in *folder* through a pool; pins without artifacts are looked up by name and version."""

    def __init__(self, folder: str | os.PathLike[str], pool: WheelPool | None = None, *, verify: str = "stat") -> None:
        self.folder = os.fspath(folder)
        self.pool = pool if pool is not None else WheelPool(os.path.join(self.folder, ".pool"))
        self.lease = self.pool.lease
        self._verify = verify

    def wheels(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel]]:
        """Yield each pin with its wheel. Raises `InstallError` for one that the folder does not have."""
        return ((pin, wheel) for pin, wheel, _ in self._wheels(pins, self._verify))

    def unlooked(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel, bool]]:
        """Do as `wheels`, but leave sizes and mtimes of what is in the pool to be compared later."""
        return self._wheels(pins, "later" if self._verify == "stat" else self._verify)

    def _wheels(self, pins: Iterable[Pin], verify: str) -> Iterator[tuple[Pin, LocalWheel, bool]]:
        for pin in pins:
            path = self._find(pin)
            wheel = None
            for artifact in pin.artifacts:
                if "sha256" in artifact.hashes:
                    wheel = self.pool.get(artifact.hashes["sha256"], origin=pin.origin, verify=verify)
            looked = wheel is None or verify != "later"
            if wheel is None:
                wheel = self.pool.add(path, name=pin.name, version=str(pin.version), origin=pin.origin)
            yield pin, wheel, looked

    def compiled(self, wheels: Sequence[LocalWheel], interpreter: InterpreterFacts) -> Mapping[str, CompiledWheel]:
        """Give the bytecode of *wheels*, compiled once into the pool."""
        from envkit.wheels.pool_bytecode import compile_wheels

        return compile_wheels(self.pool, wheels, interpreter)

    def _find(self, pin: Pin) -> str:
        wanted = {artifact.filename for artifact in pin.artifacts}
        for filename in sorted(os.listdir(self.folder)):
            if filename.endswith(".whl") and (not wanted or filename in wanted):
                name, version, _, _ = parse_wheel_filename(filename)
                if name == canonicalize_name(pin.name) and version == pin.version:
                    return os.path.join(self.folder, filename)
        raise InstallError(f"no wheel of {pin.name} {pin.version} in {self.folder}")


def folder_resolution(folder: str | os.PathLike[str], *requests: str, hashes: bool = True) -> Resolution:
    """Give a resolution of exactly the wheels named by *requests* (``"name==version"``), without resolving anything.

    All of them count as asked for. With *hashes* their artifacts carry the hash of the file, as an index would.
    """
    pins: dict[str, Pin] = {}
    for request in requests:
        name, _, version = request.partition("==")
        name = canonicalize_name(name)
        path = _wheel_path(os.fspath(folder), name, version)
        digest = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()} if hashes else {}
        artifact = Artifact(filename=path.name, url=path.as_uri(), hashes=digest)
        pins[name] = Pin(
            name=name,
            version=Version(version),
            artifacts=(artifact,),
            requested_by=(Request(by="", requirement=request),),
        )
    target = Target(python="3.11.0", markers={}, tags=())
    edges = tuple(Edge(parent="", child=name, requirement=name) for name in pins)
    return Resolution(target=target, roots=requests, pins=dict(sorted(pins.items())), edges=edges)


def _wheel_path(folder: str, name: str, version: str) -> Path:
    for filename in sorted(os.listdir(folder)):
        if filename.endswith(".whl"):
            found = parse_wheel_filename(filename)
            if found[0] == name and found[1] == Version(version):
                return Path(folder).absolute() / filename
    raise InstallError(f"no wheel of {name} {version} in {folder}")
