"""Unpack many wheels at once: here, and in a process of its own, since threads would take turns at small files."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from importlib.util import find_spec
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from envkit.errors import InstallError
from envkit.host.workers import Worker, can_help, own_python
from envkit.model.distribution import LocalWheel
from envkit.wheels.pool import WheelPool
from envkit.wheels.pool_archive import POOL_BOUNDS

TIMEOUT = 600.0  # seconds for one wheel
_NEEDED = ("envkit", "packaging", "installer")
_USEFUL = ("isal",)


class Unpacking:
    """Adds wheels to *pool*, some at a time, for any number of threads that have fetched one each.

    With *processes* one of two places is that of a process, where one can be had; it ends with the block.
    """

    def __init__(self, pool: WheelPool, *, processes: bool) -> None:
        self._pool = pool
        self._worker = _begin(pool) if processes else None
        self._places: SimpleQueue[Worker | None] = SimpleQueue()
        if self._worker is not None:
            self._places.put(self._worker)
            self._places.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            self._worker.end()

    def add(self, path: str | os.PathLike[str], *, owned: bool, **options: Any) -> LocalWheel:
        """Do as `WheelPool.add`, wherever there is room."""
        if self._worker is None:
            return self._pool.add(path, owned=owned, **options)
        place = self._places.get()
        try:
            wheel = None if place is None else self._ask(place, path, owned=owned, **options)
            if wheel is None:
                # What the process could not do is done here, with its error if it has one.
                wheel = self._pool.add(path, owned=owned, **options)
        finally:
            self._places.put(place)
        return wheel

    def _ask(self, worker: Worker, path: str | os.PathLike[str], **options: Any) -> LocalWheel | None:
        """Let the process add a wheel; None where it cannot, or is not there any more."""
        origin = options.pop("origin", None)
        line = worker.ask(json.dumps({"archive": os.fspath(path), **options}).encode(), TIMEOUT)
        try:
            sha256 = json.loads(line or b"null")
        except ValueError:
            return None
        if not isinstance(sha256, str) or options.get("sha256") not in (None, sha256):
            return None
        names = {key: options.get(key) for key in ("filename", "index", "url")}
        try:
            return self._pool.get(sha256, origin=origin, verify="later", **names)  # it was looked at as it was written
        except InstallError:
            return None


def _begin(pool: WheelPool) -> Worker | None:
    python, paths = own_python(), _paths()
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unpack_worker.py")
    if python is None or paths is None or pool.bounds != POOL_BOUNDS or not can_help():
        return None
    with suppress(OSError):  # no more processes for us
        return Worker([python, "-I", "-S", "-B", script, json.dumps(paths), pool.root, str(os.getpid())])
    return None


def _paths() -> list[str] | None:
    """Give the folders that envkit and what it needs are in; None where one is not in a folder, as in an archive."""
    found: dict[str, None] = {}
    for name in (*_NEEDED, *_USEFUL):
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            spec = None
        origin = None if spec is None else spec.origin
        if origin is not None and os.path.isfile(origin):
            found[os.path.dirname(os.path.dirname(origin))] = None
        elif name in _NEEDED:
            return None
    return list(found)
