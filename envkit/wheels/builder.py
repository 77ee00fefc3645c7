"""Get metadata and wheels out of sources: without running code where that suffices, from the cache, or by a build."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Self

from envkit.cache import Cache
from envkit.errors import WheelBuildError
from envkit.events import Emitter, MetadataFetched
from envkit.model.metadata import parse_metadata
from envkit.wheels.backend import Kind
from envkit.wheels.built import BuiltWheel, BuiltWheels, check_identity
from envkit.wheels.ports import BuildEnvironments
from envkit.wheels.session import BuildContext, BuildSession
from envkit.wheels.settings import BuildSettings
from envkit.wheels.trees import SourceTree

MAX_CHAIN = 16
_MAX_SESSIONS = 8


class WheelBuilder:
    """Builds projects. Thread-safe; *chain* names the builds that wait for those of this builder.

    *environ* is the caller's environment, of which builds see an allow-list. Close it to remove what it keeps open.
    """

    def __init__(
        self,
        environments: BuildEnvironments,
        cache: Cache,
        *,
        settings: BuildSettings | None = None,
        environ: Mapping[str, str] | None = None,
        emitter: Emitter | None = None,
        chain: tuple[str, ...] = (),
    ) -> None:
        self._context = BuildContext(
            environments=environments,
            settings=settings or BuildSettings(),
            environ=dict(environ or {}),
            emitter=emitter or Emitter(kind="build"),
            built=BuiltWheels(cache.bucket("built-wheels")),
            notes=cache.bucket("built-metadata"),
            log_dir=str(cache.bucket("build-logs").root / "logs"),
        )
        self._chain = chain
        self._jobs = threading.BoundedSemaphore(self._context.settings.jobs)
        self._lock = threading.Lock()
        self._running: dict[str, threading.Lock] = {}
        self._sessions: dict[str, BuildSession] = {}
        # Folders must not outlive a builder that nobody closed, nor the process.
        weakref.finalize(self, _close_all, self._sessions)

    def metadata(self, source: SourceTree, *, editable: bool = False) -> bytes:
        """Give core metadata of *source*, running its code only where nothing else tells.

        Raises `InvalidSource`, `BuildForbidden` or `WheelBuildError`.
        """
        data, how = self._static(source), "static"
        if data is None:
            notes = self._context.notes
            key = f"metadata-{source.identity}-{self._context.settings_key(source)}"
            data, how = notes.get(key) if self._context.keeps(source) else None, "cache"
            if data is None:
                data, how = self._ask(source, "editable" if editable else "wheel"), "build"
                if self._context.keeps(source):
                    notes.put(key, data)
        found = parse_metadata(data, where=source.subject)
        check_identity(found, subject=source.subject, name=source.name, version=source.version)
        emitter = self._context.emitter
        emitter(MetadataFetched(operation=emitter.operation, project=found.name, filename=source.subject, how=how))
        return data

    def wheel(self, source: SourceTree) -> BuiltWheel:
        """Give a wheel of *source*, built now or before. Raises as `metadata` does."""
        with self._one_at_a_time(source):
            session = self._take_session(source, "wheel")
            if session is None:
                found = self._find(source)
                if found is not None:
                    return found
                session = self._session(source, "wheel")
            with session:
                return session.wheel()

    def editable(self, source: SourceTree) -> BuiltWheel:
        """Build an editable wheel (PEP 660) of the user's folder *source*; it is always made anew, as it points there."""
        with self._one_at_a_time(source):
            session = self._take_session(source, "editable") or self._session(source, "editable")
            with session:
                return session.wheel()

    def close(self) -> None:
        """Remove the folders and environments that wait for a build to follow."""
        _close_all(self._sessions)

    def __enter__(self) -> Self:
        """Give the builder itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()

    def _static(self, source: SourceTree) -> bytes | None:
        if source.identity is None or not source.sdist:
            return source.static()
        key = f"static-{source.identity}"
        data = self._context.notes.get(key)
        if data is None:
            data = source.static() or b""
            self._context.notes.put(key, data)
        return data or None

    def _ask(self, source: SourceTree, kind: Kind) -> bytes:
        with self._one_at_a_time(source):
            found = self._find(source) if kind == "wheel" else None
            if found is not None:
                return found.data
            session = self._session(source, kind)
            try:
                data = session.metadata()
            except BaseException:
                session.close()
                raise
            self._leave_session(source, kind, session)
            return data

    def _find(self, source: SourceTree) -> BuiltWheel | None:
        """Look into the cache, which takes resolving the build requirements but runs no code."""
        context = self._context
        note = context.notes.get(f"requires-{source.identity}") if context.keeps(source) else None
        if note is None:
            return None
        static = (*filter(None, note.decode().split("\n")), *context.settings.extra_for(source.name))
        chain = self._extended(source)
        environments = context.environments

        def still(dynamic: tuple[str, ...]) -> str:
            return environments.resolve((*static, *dynamic), chain=chain).fingerprint

        key = context.wheel_key(source, environments.resolve(static, chain=chain))
        return context.built.find(key, still)

    def _extended(self, source: SourceTree) -> tuple[str, ...]:
        if source.subject in self._chain:
            cycle = (*self._chain[self._chain.index(source.subject) :], source.subject)
            raise WheelBuildError(
                f"cyclic build requirements: {' -> '.join(cycle)}",
                hint="let one of them come as a wheel",
                context={"cycle": cycle},
            )
        if len(self._chain) >= MAX_CHAIN:
            raise WheelBuildError(
                f"build requirements are nested deeper than {MAX_CHAIN}: {' -> '.join(self._chain)}",
                context={"chain": self._chain},
            )
        return (*self._chain, source.subject)

    def _session(self, source: SourceTree, kind: Kind) -> BuildSession:
        return BuildSession(self._context, source, kind, self._extended(source))

    def _leave_session(self, source: SourceTree, kind: Kind, session: BuildSession) -> None:
        """Keep an environment that told the metadata: the wheel will most likely be asked for next."""
        if source.identity is None:
            session.close()
            return
        with self._lock:
            key = f"{kind}-{source.identity}"
            dropped = self._sessions.pop(key, None)
            self._sessions[key] = session
            if dropped is None and len(self._sessions) > _MAX_SESSIONS:
                dropped = self._sessions.pop(next(iter(self._sessions)))
        if dropped is not None:
            dropped.close()

    def _take_session(self, source: SourceTree, kind: Kind) -> BuildSession | None:
        with self._lock:
            return self._sessions.pop(f"{kind}-{source.identity}", None)

    @contextmanager
    def _one_at_a_time(self, source: SourceTree) -> Generator[None]:
        """Let one thread build a source while others wait for the wheel.

        Builds that another build waits for do not wait themselves: two that need each other would wait for ever.
        """
        if self._chain:
            yield
            return
        with self._lock:
            own = self._running.setdefault(source.identity or source.subject, threading.Lock())
        with own, self._jobs:
            yield


def _close_all(sessions: dict[str, BuildSession]) -> None:
    while sessions:
        with suppress(KeyError, OSError):
            sessions.popitem()[1].close()
