"""Who uses entries as files, and who takes them away.

Whoever needs several entries to stay where they are for a while holds a lease: a lock on one file of the cache that any
number share. Whoever removes takes it alone, for the renames only. The kernel drops it with its holder, however that ends.
Both wait a bounded time and then go on, as they do where locks cannot be had: to find an entry gone costs time, and to be
stopped for ever by a process that hangs costs more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TypeAlias

from envkit.cache.bucket import set_aside
from envkit.host import files
from envkit.host.locks import FileLock

Lease: TypeAlias = Callable[[Callable[[float], object]], AbstractContextManager[object]]
"""What gives a lease; it is given what waits, which may raise to give up."""

_NAME = "in-use"
_REMOVALS = 10.0
"""Seconds that a lease waits for removals under way: they are renames, so a few milliseconds."""
_LONGEST_PAUSE = 0.005
"""Seconds between two tries to be alone: installations that follow each other leave short gaps."""


@contextmanager
def lease(root: str, pause: Callable[[float], object]) -> Generator[None]:
    """Keep the entries of the cache at *root* where they are; *pause* waits, and may raise to give up."""
    lock = FileLock(os.path.join(root, _NAME), shared=True)
    with suppress(OSError):
        lock.acquire(timeout=_REMOVALS, pause=pause)
    try:
        yield
    finally:
        lock.release()


def no_lease(pause: Callable[[float], object]) -> AbstractContextManager[object]:  # noqa: ARG001  it never waits
    """Give a lease of what nobody removes."""
    return nullcontext()


def remove_all(root: str, paths: Iterable[str], timeout: float) -> None:
    """Remove entries of the cache at *root*, at most *timeout* seconds later than there are no leases."""
    import time

    lock = FileLock(os.path.join(root, _NAME))
    with suppress(OSError):
        lock.acquire(timeout=timeout, purpose="remove", pause=lambda wait: time.sleep(min(wait, _LONGEST_PAUSE)))
    try:
        aside = [moved for moved in map(set_aside, paths) if moved is not None]
    finally:
        lock.release()
    for path in aside:
        with suppress(OSError):
            files.remove_tree(path)
