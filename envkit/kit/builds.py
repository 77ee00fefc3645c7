"""Build environments out of the other layers, and builds for the resolver and the installer.

This is where the knot is tied: a build asks for an environment, which is resolved and installed by envkit itself, and the
resolution may ask for builds again. Each level knows who waits for it, so that a circle is found out.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from envkit.errors import EnvkitError, InvalidSource, ResolutionError, WheelBuildError
from envkit.events import CancelToken, Emitter, Reporter
from envkit.host import files
from envkit.kit.source import IndexSource
from envkit.model.candidate import Artifact, CoreMetadata
from envkit.model.identity import normalize, parse_version
from envkit.model.metadata import parse_metadata
from envkit.model.policy import ResolutionPolicy
from envkit.model.resolution import Pin, Resolution
from envkit.model.target import Target
from envkit.resolve.ports import DirectCandidate, DirectRequest
from envkit.wheels.builder import WheelBuilder
from envkit.wheels.ports import BuildEnvironment, BuildRequirements
from envkit.wheels.reading import read_file
from envkit.wheels.settings import BuildSettings
from envkit.wheels.sources import Sources

if TYPE_CHECKING:
    from envkit.cache import Cache
    from envkit.environment.environment import Environment
    from envkit.index.client import IndexClient
    from envkit.index.vcs import VcsClient
    from envkit.interpreter.interpreter import Interpreter
    from envkit.wheels.built import BuiltWheel
    from envkit.wheels.pool import WheelPool


_LASTING = 300.0
"""Seconds for which a resolution of build requirements holds; pages of indexes are looked at again later than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """All that builds are made with. *environ* is the caller's environment, of which builds see an allow-list.

    *interpreter* runs the builds; *shared* is the environment of builds without isolation (None: the interpreter itself).
    """

    client: IndexClient
    cache: Cache
    pool: WheelPool
    interpreter: Interpreter
    settings: BuildSettings
    policy: ResolutionPolicy
    environ: Mapping[str, str]
    shared: Environment | None = None
    offline: bool = False
    reporter: Reporter | None = None
    cancel: CancelToken | None = None


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
        self.failures: dict[str, WheelBuildError] = {}
        self.builder = WheelBuilder(
            _Environments(workshop),
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
                raise ResolutionError(
                    f"{tree.subject} could not be built: {error.message}", hint=error.hint, context=error.context
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


class _Requirements:
    def __init__(self, resolution: Resolution | None) -> None:
        self.resolution = resolution
        chosen = [] if resolution is None else [_choice(pin) for _, pin in sorted(resolution.pins.items())]
        self._fingerprint = hashlib.sha256(repr(chosen).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return self._fingerprint


def _choice(pin: Pin) -> tuple[object, ...]:
    artifact = pin.artifacts[0] if pin.artifacts else None
    file = None if artifact is None else (artifact.filename, sorted(artifact.hashes.items()))
    return pin.name, str(pin.version), file, None if pin.origin is None else repr(pin.origin)


class _Environments:
    """Implements `envkit.wheels.ports.BuildEnvironments`."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._known: dict[tuple[str, ...], tuple[float, _Requirements]] = {}
        # Hashes, strategies and exclusions are said of what is installed, not of what builds it.
        self._policy = replace(
            workshop.policy, require_hashes=False, strategy="highest", excluded=(), requires_python=None
        )

    @property
    def interpreter(self) -> str:
        interpreter = self._workshop.interpreter.base  # environments of one interpreter build the same wheels
        return f"{interpreter.implementation} {interpreter.version} {interpreter.executable} {interpreter.tags[:1]}"

    def resolve(self, requirements: Sequence[str], *, chain: tuple[str, ...]) -> BuildRequirements:
        """Resolve build requirements as envkit resolves everything else."""
        key = tuple(sorted(set(requirements)))
        known = self._known.get(key)
        if known is None or known[0] < time.monotonic():
            found = _Requirements(self._resolve(key, chain) if key else None)
            known = self._known[key] = (time.monotonic() + _LASTING, found)
        return known[1]

    def _resolve(self, requirements: tuple[str, ...], chain: tuple[str, ...]) -> Resolution:
        from envkit.resolve.resolver import Resolver

        workshop = self._workshop
        with Builds(workshop, chain=chain) as nested:
            source = IndexSource(workshop.client, workshop.cache.bucket("digests", 1), nested)
            resolver = Resolver(Target.of(workshop.interpreter), source, self._policy, cancel=workshop.cancel)
            try:
                resolution = resolver.resolve(requirements, constraints=workshop.settings.constraints)
            except EnvkitError as error:
                cause = _build_failure(error, nested)
                if cause is not None:
                    raise cause from error
                raise
            return resolution

    def make(self, requirements: BuildRequirements, *, chain: tuple[str, ...]) -> BuildEnvironment:
        """Make a fresh environment and install the requirements, with bytecode, from the pool."""
        assert isinstance(requirements, _Requirements)
        return _Isolated(self._workshop, requirements, chain)

    def shared(self) -> BuildEnvironment:
        """Give the environment that the result will be installed into."""
        return _Shared(self._workshop)


def _build_failure(error: EnvkitError, nested: Builds) -> WheelBuildError | None:
    """Find the circle in a resolution that failed because every version of a build requirement needs a build."""
    circles = [failure for failure in nested.failures.values() if "cycle" in failure.context]
    return None if isinstance(error, WheelBuildError) or not circles else circles[0]


class _Isolated:
    def __init__(self, workshop: Workshop, requirements: _Requirements, chain: tuple[str, ...]) -> None:
        from envkit.environment.builder import EnvBuilder

        self._workshop = workshop
        self._chain = chain
        # Beside the pool, so that files can be linked.
        self._root = str(workshop.cache.bucket("build-environments").staging())
        try:
            builder = EnvBuilder(interpreter=workshop.interpreter, symlinks=True, activators=())
            self._env = builder.create(self._root)
            self._install(requirements)
        except BaseException:
            self.close()
            raise

    @property
    def python(self) -> str:
        return str(self._env.executable)

    @property
    def scripts(self) -> str | None:
        return str(self._env.paths["scripts"])

    def update(self, requirements: BuildRequirements) -> None:
        assert isinstance(requirements, _Requirements)
        self._install(requirements)

    def close(self) -> None:
        files.remove_tree(self._root)

    def _install(self, requirements: _Requirements) -> None:
        if requirements.resolution is None:
            return
        from envkit.installation.installer import Installer
        from envkit.kit.supply import PoolSupply

        workshop = self._workshop
        with Builds(workshop, chain=self._chain) as nested:
            supply = PoolSupply(workshop.client, workshop.pool, build=nested.wheel_for)
            installer = Installer(self._env, supply, compile_bytecode=True, cancel=workshop.cancel)
            installer.apply(installer.plan(requirements.resolution, mode="sync"))


class _Shared:
    def __init__(self, workshop: Workshop) -> None:
        env = workshop.shared
        self.python = str(env.executable if env is not None else workshop.interpreter.executable)
        self.scripts: str | None = str(env.paths["scripts"]) if env is not None else None

    def update(self, requirements: BuildRequirements) -> None:
        """Leave it as it is: what it holds is the caller's affair."""

    def close(self) -> None:
        """Leave it."""


def settings_for(settings: BuildSettings, policy: ResolutionPolicy) -> BuildSettings:
    """Give *settings* under what *policy* says about whose code may run."""
    return settings if settings.builds == policy.builds else replace(settings, builds=policy.builds)
