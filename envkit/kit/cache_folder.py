"""Where things are kept that only cost time when they are lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.cache.store import Cache
    from envkit.errors import EnvkitError
    from envkit.events import Emitter


def default_cache_dir() -> str:
    """Give the user's cache folder for envkit, by the rules of the platform."""
    from platformdirs import user_cache_dir

    return user_cache_dir("envkit", appauthor=False)


class CacheFolder:
    """The cache of a kit, and of the kits that are made of it; made once, when first needed.

    *named* is its folder, None for the user's. *refuse* says whether a folder that cannot be used is an error; otherwise a
    temporary one takes its place, for as long as one of these kits is there.
    """

    def __init__(self, named: str | None, *, refuse: bool) -> None:
        self.named = named
        self.refuse = refuse
        self._lock = threading.Lock()
        self._path: str | None = None
        self._cache: Cache | None = None

    @property
    def path(self) -> str:
        """The folder that is asked for."""
        if self._path is None:
            self._path = self.named if self.named is not None else default_cache_dir()
        return self._path

    def cache(self, emitter: Callable[[], Emitter]) -> Cache:
        """Give the cache; *emitter* gives whom to tell if a temporary folder takes the place of the one asked for."""
        found = self._cache
        if found is None:
            from envkit.cache.store import Cache

            with self._lock:
                found = self._cache
                if found is None:
                    found = self._cache = Cache(self.path, instead=_Instead(emitter(), refuse=self.refuse))
        return found


class _Instead:
    """What the cache asks before it uses a temporary folder."""

    def __init__(self, emitter: Emitter, *, refuse: bool) -> None:
        self._emitter = emitter
        self._refuse = refuse

    def __call__(self, error: EnvkitError) -> None:
        if self._refuse:
            raise error
        if self._emitter.active:
            from envkit.events import Warned

            message = f"{error.message}; a temporary folder is used, so what is fetched is not kept ({error.hint})"
            self._emitter(Warned(operation=self._emitter.operation, code="temporary-cache", message=message))
