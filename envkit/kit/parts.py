"""The parts of a kit: made when first needed, shared by its operations, wired here and nowhere else."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from envkit.events import Emitter
from envkit.kit.cache_folder import CacheFolder
from envkit.kit.places import as_environment
from envkit.kit.settings import Settings

if TYPE_CHECKING:
    from envkit.cache.store import Cache
    from envkit.environment.environment import Environment
    from envkit.index.client import IndexClient
    from envkit.inspection.freezer import Freezer
    from envkit.installation.installer import Installer
    from envkit.interpreter.interpreter import Interpreter
    from envkit.kit.builds import Builds
    from envkit.kit.source import IndexSource
    from envkit.kit.supply import PoolSupply
    from envkit.kit.wanted import Wanted
    from envkit.model.target import Target
    from envkit.resolve.resolver import Resolver
    from envkit.wheels.pool import WheelPool

_INTERPRETERS = 32
_PartT = TypeVar("_PartT")


class Parts:
    """Lazily made parts of one kit. Thread-safe; each part is made once."""

    def __init__(self, settings: Settings, folder: CacheFolder | None = None) -> None:
        self.settings = settings
        self._folder = folder or CacheFolder(settings.cache_dir, refuse=settings.unusable_cache == "refuse")
        self._made: dict[str, Any] = {}
        self._lock = threading.RLock()
        # A kit that is dropped without being closed must not leave connections to the garbage collector.
        weakref.finalize(self, _close, self._made)

    def _once_for(self, kind: str, interpreter: Interpreter, make: Callable[[], _PartT]) -> _PartT:
        """Give a part that belongs to an interpreter. Environments come and go: of the oldest one the parts are dropped."""
        name = f"{kind} {interpreter.executable}"
        found = self._made.get(name)
        if found is None:
            with self._lock:
                found = self._once(name, make)
                same = [each for each in self._made if each.startswith(f"{kind} ")]
                if len(same) > _INTERPRETERS:
                    del self._made[same[0]]  # builds that are under way keep what they use
        return cast(_PartT, found)

    def _once(self, name: str, make: Callable[[], _PartT]) -> _PartT:
        found = self._made.get(name)
        if found is None:
            with self._lock:
                found = self._made.get(name)
                if found is None:
                    found = self._made[name] = make()
        return cast(_PartT, found)

    def twin(self, settings: Settings) -> Parts:
        """Give parts for other *settings*, with the same cache where these ask for the same one."""
        mine = self.settings
        same = (settings.cache_dir, settings.unusable_cache) == (mine.cache_dir, mine.unusable_cache)
        return Parts(settings, self._folder if same else None)

    def close(self) -> None:
        """Close connections; parts are made anew when needed again."""
        with self._lock:
            _close(self._made)

    def emitter(self, kind: str) -> Emitter:
        """Give the reporter and the cancel token for one operation."""
        return Emitter(self.settings.reporter, cancel=self.settings.cancel, kind=kind)

    @property
    def cache_dir(self) -> str:
        """The folder of the cache that is asked for."""
        return self._folder.path

    @property
    def cache(self) -> Cache:
        """The cache."""
        return self._folder.cache(lambda: self.emitter("cache"))

    @property
    def client(self) -> IndexClient:
        """The client of the indexes."""
        from envkit.kit.clients import make_client

        return self._once("client", lambda: make_client(self.settings, self.cache, self.emitter("index")))

    def builds(self, interpreter: Interpreter) -> Builds:
        """Give what runs code of projects, with *interpreter*; made when first needed."""
        from envkit.kit.workshop import make_builds

        return self._once_for(
            "builds",
            interpreter,
            lambda: make_builds(self.settings, interpreter, self.client, self.cache, self.pool),
        )

    def _later(self, interpreter: Interpreter) -> Callable[[], Builds]:
        """Give what makes the builds; it does not keep these parts alive, as they would never be closed then."""
        weak = weakref.ref(self)

        def make() -> Builds:
            parts = weak()
            assert parts is not None, "an operation holds the parts that it uses"
            return parts.builds(interpreter)

        return make

    def source(self, interpreter: Interpreter) -> IndexSource:
        """Give candidates for the resolver; *interpreter* reads or builds what only a build can tell."""
        from envkit.kit.deferred import DeferredBuilds
        from envkit.kit.source import DigestMemory, IndexSource

        def make() -> IndexSource:
            builds = DeferredBuilds(self._later(interpreter))
            memory = self._once("digests", DigestMemory)
            return IndexSource(self.client, self.cache.bucket("digests", 3), builds, memory=memory)

        return self._once_for("source", interpreter, make)

    def hashed_source(self, interpreter: Interpreter, wanted: Wanted) -> IndexSource:
        """Give candidates with the hashes that are asked for, also where indexes give none."""
        from envkit.kit.deferred import DeferredBuilds
        from envkit.kit.direct_hashes import ComparedBuilds
        from envkit.kit.hashed_source import HashedSource

        digests, builds = self.cache.bucket("digests", 3), DeferredBuilds(self._later(interpreter))
        compared = ComparedBuilds(builds, self.client.fetch, wanted.direct_hashes)
        requirements = (*wanted.requirements, *wanted.constraints)
        return HashedSource(self.client, digests, compared, hashes=wanted.hashes, requirements=requirements)

    def resolver(self, target: Target, interpreter: Interpreter, source: IndexSource | None = None) -> Resolver:
        """Give a resolver for *target*; *interpreter* builds what only a build can tell."""
        from envkit.resolve.resolver import Resolver

        settings = self.settings
        return Resolver(
            target,
            source if source is not None else self.source(interpreter),
            settings.policy,
            solver=settings.solver,
            reporter=settings.reporter,
            cancel=settings.cancel,
        )

    @property
    def pool(self) -> WheelPool:
        """The unpacked wheels."""
        return self._once("pool", self._make_pool)

    def _make_pool(self) -> WheelPool:
        from envkit.wheels.pool import VERSION, WheelPool

        bucket = self.cache.bucket("wheels", VERSION)
        below = None if bucket.below is None else bucket.below.root
        return WheelPool(bucket.root, lease=self.cache.lease, below=below)

    def supply(self, interpreter: Interpreter) -> PoolSupply:
        """Give verified wheels for the installer, built with *interpreter* where there is none."""
        from envkit.kit.supply import PoolSupply

        settings, later = self.settings, self._later(interpreter)
        verify = "hash" if settings.policy.require_hashes else settings.verify
        return self._once_for(
            "supply",
            interpreter,
            lambda: PoolSupply(
                self.client,
                self.pool,
                build=lambda pin: later().wheel_for(pin),
                verify=verify,
                processes=settings.processes,
                executor=settings.executor,
                emitter=self.emitter("wheels"),
            ),
        )

    def installer(self, env: Environment, *, compile_bytecode: bool | None = None, **places: Any) -> Installer:
        """Give an installer for *env*, or for one of the *places* that `Installer` takes."""
        from envkit.environment.recognise import check_there
        from envkit.installation.installer import Installer

        env, settings = as_environment(env), self.settings
        check_there(env.path, env.kind, str(env.executable))
        supply, link_mode = self.supply(env.interpreter), settings.link_mode
        if link_mode == "symlink" and self.cache.is_temporary:
            link_mode = "auto"  # what is linked to would go away with the kit
        return Installer(
            env,
            supply,
            link_mode=link_mode,
            compile_bytecode=settings.compile_bytecode if compile_bytecode is None else compile_bytecode,
            atomic=settings.atomic,
            durable=settings.durable,
            break_system_packages=settings.break_system_packages,
            without_record=settings.without_record,
            reporter=settings.reporter,
            lock_timeout=settings.lock_timeout,
            processes=settings.processes,
            cancel=settings.cancel,
            **places,
        )

    def freezer(self, env: Environment) -> Freezer:
        """Give a freezer for *env*."""
        from envkit.inspection.freezer import Freezer
        from envkit.kit.user_site import user_site

        env = as_environment(env)
        return Freezer(env, user_site=user_site(env.interpreter, os.environ), reporter=self.settings.reporter)


def _close(made: dict[str, Any]) -> None:
    client = made.get("client")
    for name in [name for name in made if name.startswith(("builds", "client", "source", "supply"))]:
        part = made.pop(name)
        if name.startswith("builds"):
            part.close()
    if client is not None:
        client.close()
