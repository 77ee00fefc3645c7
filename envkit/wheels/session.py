"""One source with its build environment: from its build requirements to its metadata and its wheel."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Literal, Self

from envkit.cache import Bucket
from envkit.dataclass import dataclass
from envkit.errors import BuildForbidden, InvalidSource
from envkit.events import BuildFinished, BuildStarted, Emitter
from envkit.host import files
from envkit.wheels.backend import Backend, Kind
from envkit.wheels.built import BuiltWheel, BuiltWheels, check_wheel
from envkit.wheels.ports import BuildEnvironment, BuildEnvironments, BuildRequirements
from envkit.wheels.reading import read_file
from envkit.wheels.scratch import scratch_folder
from envkit.wheels.settings import BuildSettings
from envkit.wheels.static import declared_name
from envkit.wheels.trees import SourceTree
from envkit.wheels.variables import build_variables, meaningful_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What all builds of one builder share. *notes* holds the static build requirements of sources by their identity."""

    environments: BuildEnvironments
    settings: BuildSettings
    environ: Mapping[str, str]
    emitter: Emitter
    built: BuiltWheels
    notes: Bucket
    log_dir: str

    def keeps(self, source: SourceTree) -> bool:
        """Whether a wheel of *source* may be kept and found again."""
        return source.identity is not None and self.settings.isolated(source.name)

    def settings_key(self, source: SourceTree) -> str:
        """Give a text that tells apart settings, interpreters and platforms."""
        settings = self.settings
        variables = meaningful_variables(self.environ, also=settings.pass_variables, fixed=settings.variables)
        parts = (settings.fingerprint(source.name, variables), settings.constraints, self.environments.interpreter)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def wheel_key(self, source: SourceTree, requirements: BuildRequirements) -> str:
        """Give the key of a wheel of *source* built with *requirements*."""
        parts = (source.identity, requirements.fingerprint, self.settings_key(source))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


class BuildSession:
    """Opens *source* and makes its environment; close it, or use it as a context manager, to remove both.

    *chain* names the builds that wait for this one and, last, this one. Raises `BuildForbidden` before anything runs.
    """

    def __init__(self, context: BuildContext, source: SourceTree, kind: Kind, chain: tuple[str, ...]) -> None:
        self._context = context
        self._source = source
        self._kind: Kind = kind
        self._stack = ExitStack()
        self._metadata_dir: str | None = None
        self._wheel: BuiltWheel | None = None
        self._key: str | None = None
        self._dynamic: tuple[str, ...] = ()
        self._resolved = ""
        try:
            self._root = self._stack.enter_context(source.open())
            self._allow()
            self._scratch = self._stack.enter_context(scratch_folder())
            self._backend = self._open_backend()
            self._prepare(chain)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Give the session itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Remove the environment, and the folder unless it is the user's."""
        self._stack.close()

    def metadata(self) -> bytes:
        """Ask the backend for the metadata alone, or build the wheel that has it."""
        with self._announced("metadata"):
            self._metadata_dir = self._backend.prepare(self._kind, self._folder("metadata"))
        if self._metadata_dir is None:
            return self.wheel().data
        data = read_file(self._metadata_dir, "METADATA")
        if data is None:
            raise InvalidSource(f"{self._source.subject}: the backend made metadata without a METADATA file")
        return data

    def wheel(self) -> BuiltWheel:
        """Build the wheel, check it, and keep it."""
        if self._wheel is not None:
            return self._wheel
        source = self._source
        with self._announced(self._kind):
            path = self._backend.build(self._kind, self._folder("wheel"), self._metadata_dir)
            wheel = check_wheel(path, subject=source.subject, name=source.name, version=source.version)
        # What must not be found by its source still has to outlive this session: it gets a key of its own.
        key = self._key or hashlib.sha256(f"{wheel.sha256}-{time.time_ns()}".encode()).hexdigest()
        self._wheel = self._context.built.keep(key, wheel, dynamic=self._dynamic, resolved=self._resolved)
        return self._wheel

    def _allow(self) -> None:
        source = self._source
        name = source.name or declared_name(self._root, confined=source.confined)
        if not self._context.settings.allows(name):
            raise BuildForbidden(
                f"{source.subject}: it would have to be built, and builds are not allowed for it",
                hint="allow builds for this project, or ask for a version with wheels",
                context={"subject": source.subject, "name": name},
            )

    @contextmanager
    def _announced(self, what: Literal["wheel", "metadata", "editable", "requirements"]) -> Generator[None]:
        emitter, subject = self._context.emitter, self._source.subject
        emitter.check()
        emitter(BuildStarted(operation=emitter.operation, subject=subject, what=what))
        began, ok = time.monotonic(), False
        try:
            yield
            ok = True
        finally:
            seconds = time.monotonic() - began
            emitter(BuildFinished(operation=emitter.operation, subject=subject, seconds=seconds, ok=ok))

    def _open_backend(self) -> Backend:
        context, source = self._context, self._source
        return Backend(
            self._root,
            subject=source.subject,
            config_settings=context.settings.config_for(source.name),
            emitter=context.emitter,
            timeout=context.settings.timeout,
            log_dir=context.log_dir,
        )

    def _prepare(self, chain: tuple[str, ...]) -> None:
        context, source, backend = self._context, self._source, self._backend
        environments = context.environments
        if not context.settings.isolated(source.name):
            self._use(environments.shared())
            return
        static = (*backend.requires, *context.settings.extra_for(source.name))
        requirements = environments.resolve(static, chain=chain)
        if source.identity is not None:
            context.notes.put(f"requires-{source.identity}", "\n".join(backend.requires).encode())
            if self._kind == "wheel":
                self._key = context.wheel_key(source, requirements)
        environment = environments.make(requirements, chain=chain)
        self._stack.callback(environment.close)
        self._use(environment)
        with self._announced("requirements"):
            self._dynamic = backend.get_requires(self._kind)
        if self._dynamic:
            requirements = environments.resolve((*static, *self._dynamic), chain=chain)
            environment.update(requirements)
        self._resolved = requirements.fingerprint

    def _use(self, environment: BuildEnvironment) -> None:
        context = self._context
        settings = context.settings
        variables = build_variables(
            context.environ, scripts=environment.scripts, also=settings.pass_variables, fixed=settings.variables
        )
        self._backend.use(environment.python, variables)

    def _folder(self, name: str) -> str:
        path = os.path.join(self._scratch, name)
        files.make_dir(path)
        return path
