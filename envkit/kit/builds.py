"""Build environments out of the other layers, and builds for the resolver and the installer.

This is where the knot is tied: a build asks for an environment, which is resolved and installed by envkit itself, and the
resolution may ask for builds again. Each level knows who waits for it, so that a circle is found out.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from envkit.dataclass import replace
from envkit.errors import InvalidSource, ResolutionError, WheelBuildError
from envkit.events import Emitter
from envkit.kit.build_environments import Environments, Workshop
from envkit.model.candidate import Artifact, CoreMetadata
from envkit.model.identity import normalize, parse_version
from envkit.model.metadata import parse_metadata
from envkit.model.policy import ResolutionPolicy
from envkit.model.recent import Recent
from envkit.model.resolution import Pin
from envkit.resolve.ports import DirectCandidate, DirectRequest
from envkit.wheels.builder import WheelBuilder
from envkit.wheels.reading import read_file
from envkit.wheels.settings import BuildSettings
from envkit.wheels.sources import Sources

_FAILURES = 256

if TYPE_CHECKING:
    from envkit.index.vcs import VcsClient
    from envkit.interpreter.interpreter import Interpreter
    from envkit.wheels.built import BuiltWheel


__all__ = ["Builds", "Workshop", "settings_for"]


class Builds:
    """What needs code of projects: implements ``Builder`` of `envkit.kit.source` and of `envkit.kit.supply`.

    Thread-safe. *failures* keeps the error of each project that could not be built, by what it was called, in order.
    Close it to remove what it keeps open.
    """

    def __init__(self, workshop: Workshop, *, chain: tuple[str, ...] = ()) -> None:
        self._workshop = workshop
        self._emitter = Emitter(workshop.reporter, cancel=workshop.cancel, kind="build")
        self._lock = threading.Lock()
        self._vcs: VcsClient | None = None
        self.failures: dict[str, WheelBuildError] = Recent[str, WheelBuildError](_FAILURES)
        self.builder = WheelBuilder(
            Environments(workshop, self._nested),
            workshop.cache,
            settings=workshop.settings,
            environ=workshop.environ,
            emitter=self._emitter,
            chain=chain,
        )
        self.sources = Sources(
            workshop.client,
            self._vcs_client,
            notes=workshop.cache.bucket("built-metadata"),
            settings=workshop.settings,
            editable_dir=workshop.settings.editable_dir or _own_sources(workshop.interpreter),
        )

    def sdist_metadata(self, artifact: Artifact) -> CoreMetadata:
        """Give the metadata of an index's sdist: what it promises, else what its backend says.

        Raises `WheelBuildError`, or with ``on_failure="raise"`` a `ResolutionError` that ends the resolution.
        """
        tree = self.sources.sdist(artifact)
        try:
            return parse_metadata(self.builder.metadata(tree), where=artifact.filename)
        except WheelBuildError as error:
            self.failures[tree.subject] = error
            if self._workshop.settings.on_failure == "raise":
                why = error.message.removeprefix(f"{tree.subject}: ")
                raise ResolutionError(
                    f"{tree.subject} could not be built: {why}", hint=error.hint, context=error.context
                ) from error
            raise

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names, with its metadata."""
        found = self.sources.direct(request.url, name=request.name, editable=request.editable)
        if found.wheel is not None:
            artifact = found.artifact
            assert artifact is not None
            sha256 = artifact.hashes["sha256"]
            # Into the pool at once: the address may have held credentials, which nothing keeps.
            wheel = self._workshop.pool.add(found.wheel, filename=artifact.filename, sha256=sha256, name=request.name)
            data = read_file(os.path.join(wheel.root, wheel.dist_info), "METADATA") or b""
            metadata = parse_metadata(data, where=artifact.filename)
        else:
            assert found.tree is not None
            data = self.builder.metadata(found.tree, editable=request.editable)
            metadata = parse_metadata(data, where=found.tree.subject)
        if request.name is not None and normalize(metadata.name) != normalize(request.name):
            raise InvalidSource(f"{found.origin.url}: it is {metadata.name}, not {request.name}")
        return DirectCandidate(
            name=normalize(metadata.name),
            version=parse_version(metadata.version),
            origin=found.origin,
            metadata=metadata,
            artifacts=() if found.artifact is None else (found.artifact,),
        )

    def build(self, pin: Pin) -> BuiltWheel:
        """Give the wheel of *pin*, built now or before."""
        version = str(pin.version)
        artifact = pin.artifacts[0] if pin.artifacts else None
        if pin.origin is not None:
            tree = self.sources.of_origin(pin.origin, artifact, name=pin.name, version=version)
        elif artifact is not None:
            tree = self.sources.sdist(artifact, name=pin.name, version=version)
        else:
            raise InvalidSource(f"{pin.name} {version}: there is no file to build it from")
        if pin.origin is not None and pin.origin.editable:
            return self.builder.editable(tree)
        return self.builder.wheel(tree)

    def wheel_for(self, pin: Pin) -> Path:
        """Give the path of the wheel of *pin*: what `envkit.kit.supply.PoolSupply` takes as *build*."""
        return Path(self.build(pin).path)

    def close(self) -> None:
        """Remove the folders and environments that wait for a build to follow."""
        self.builder.close()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()

    def _nested(self, chain: tuple[str, ...]) -> Builds:
        return Builds(self._workshop, chain=chain)

    def _vcs_client(self) -> VcsClient:
        from envkit.index.vcs import VcsClient

        with self._lock:
            if self._vcs is None:
                workshop = self._workshop
                self._vcs = VcsClient(
                    workshop.cache, environ=workshop.environ, emitter=self._emitter, offline=workshop.offline
                )
            return self._vcs


def _own_sources(interpreter: Interpreter) -> str | None:
    """Give where an environment keeps clones that are worked in, as pip has it; None for a mere interpreter."""
    return os.path.join(interpreter.paths["data"], "src") if interpreter.is_environment else None


def settings_for(settings: BuildSettings, policy: ResolutionPolicy) -> BuildSettings:
    """Give *settings* under what *policy* says about whose code may run."""
    return settings if settings.builds == policy.builds else replace(settings, builds=policy.builds)
