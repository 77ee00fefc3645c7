"""Build environments, resolved and installed by envkit itself.

A resolution of build requirements may ask for builds again: whoever makes the environments gives builds for that, which
know who waits for them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from envkit.dataclass import dataclass, replace
from envkit.errors import EnvkitError, NoCandidate, ProjectNotFound, ResolutionImpossible, WheelBuildError
from envkit.events import CancelToken, Reporter
from envkit.host import files
from envkit.kit.source import Builder, IndexSource
from envkit.model.policy import ResolutionPolicy
from envkit.model.recent import Recent
from envkit.model.resolution import Pin, Resolution
from envkit.model.target import Target
from envkit.wheels.ports import BuildEnvironment, BuildRequirements
from envkit.wheels.settings import BuildSettings

if TYPE_CHECKING:
    from envkit.cache import Cache
    from envkit.environment.environment import Environment
    from envkit.index.client import IndexClient
    from envkit.interpreter.interpreter import Interpreter
    from envkit.wheels.pool import WheelPool

_REMEMBERED = 256
_LASTING = 300.0
"""Seconds for which a resolution of build requirements holds; pages of indexes are looked at again later than that."""

_HOPELESS = (NoCandidate, ProjectNotFound, ResolutionImpossible)


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
    processes: bool = True
    reporter: Reporter | None = None
    cancel: CancelToken | None = None


class Nested(Builder, AbstractContextManager["Nested"], Protocol):
    """Builds that another build waits for: `envkit.kit.builds.Builds`."""

    failures: dict[str, WheelBuildError]

    def wheel_for(self, pin: Pin) -> Path:
        """Give the path of the wheel of a pin."""
        ...


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


class Environments:
    """Implements `envkit.wheels.ports.BuildEnvironments`; *nested* gives builds that know who waits for them."""

    def __init__(self, workshop: Workshop, nested: Callable[[tuple[str, ...]], Nested]) -> None:
        self._workshop = workshop
        self._nested = nested
        self._known = Recent[tuple[str, ...], tuple[float, _Requirements]](_REMEMBERED)
        # Hashes, strategies and exclusions are said of what is installed, not of what builds it.
        self._policy = replace(
            workshop.policy,
            require_hashes=False,
            strategy="highest",
            excluded=(),
            dependencies=True,
            requires_python=None,
        )

    @property
    def interpreter(self) -> str:
        """Tell interpreters and platforms apart."""
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
        with self._nested(chain) as nested:
            source = IndexSource(workshop.client, workshop.cache.bucket("digests", 3), nested)
            resolver = Resolver(Target.of(workshop.interpreter), source, self._policy, cancel=workshop.cancel)
            try:
                resolution = resolver.resolve(requirements, constraints=workshop.settings.constraints)
            except EnvkitError as error:
                cause = _build_failure(error, nested, chain)
                if cause is not None:
                    raise cause from error
                raise
            return resolution

    def make(self, requirements: BuildRequirements, *, chain: tuple[str, ...]) -> BuildEnvironment:
        """Make a fresh environment and install the requirements, with bytecode, from the pool."""
        assert isinstance(requirements, _Requirements)
        return _Isolated(self._workshop, self._nested, requirements, chain)

    def shared(self) -> BuildEnvironment:
        """Give the environment that the result will be installed into."""
        return _Shared(self._workshop)


def _build_failure(error: EnvkitError, nested: Nested, chain: tuple[str, ...]) -> WheelBuildError | None:
    """Give what a failed resolution of build requirements means for the build that needs them.

    That is the circle, where every version of a requirement needs a build that waits for it. Where nothing fits, the error
    says for whom: nobody asked for these requirements. What may be different next time (a network) ends everything.
    """
    circles = [failure for failure in nested.failures.values() if "cycle" in failure.context]
    if isinstance(error, WheelBuildError) or (not circles and not isinstance(error, _HOPELESS)):
        return None
    if circles:
        return circles[0]
    return WheelBuildError(
        f"{chain[-1]}: its build requirements cannot be had: {error.message}", hint=error.hint, context=error.context
    )


class _Isolated:
    def __init__(
        self,
        workshop: Workshop,
        nested: Callable[[tuple[str, ...]], Nested],
        requirements: _Requirements,
        chain: tuple[str, ...],
    ) -> None:
        from envkit.environment.builder import EnvBuilder

        self._nested = nested
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
        with self._nested(self._chain) as nested:
            processes = workshop.processes
            supply = PoolSupply(workshop.client, workshop.pool, build=nested.wheel_for, processes=processes)
            installer = Installer(self._env, supply, compile_bytecode=True, processes=processes, cancel=workshop.cancel)
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
