"""One writer at a time, or any number of readers, across processes and threads, by the kernel's locks.

The kernel drops a lock with its holder, however that ends, so there are no stale ones. Who holds it is written into the
lock file, for errors alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

from envkit.host import effect

_LONGEST_PAUSE = 0.05
_FLAGS = getattr(os, "O_CLOEXEC", 0)


class Busy(OSError):
    """The lock is held; *holder* is what the holder wrote about itself."""

    def __init__(self, path: str, holder: dict[str, Any]) -> None:
        super().__init__(f"{path} is locked")
        self.path = path
        self.holder = holder


class FileLock:
    """A lock on the file at *path*, which is made when missing; its folder must exist.

    Any number may hold it together who all want it *shared*, else one alone. Not re-entrant: a second lock on the same
    path waits, also in the same thread.
    """

    def __init__(self, path: str, *, shared: bool = False) -> None:
        self._path = path
        self._shared = shared
        self._descriptor: int | None = None
        self._owner = 0

    def acquire(self, *, timeout: float, purpose: str = "", pause: Callable[[float], object] = time.sleep) -> Self:
        """Take the lock, waiting at most *timeout* seconds. Raises `Busy`; *pause* may raise to give up earlier."""
        effect("lock", self._path)
        deadline = time.monotonic() + timeout
        delay = 0.001
        while True:
            descriptor = self._open()
            try:
                taken = _try_lock(descriptor, shared=self._shared) and _same_file(descriptor, self._path)
            except BaseException:
                os.close(descriptor)
                raise
            if taken:
                break
            os.close(descriptor)
            left = deadline - time.monotonic()
            if left <= 0:
                raise Busy(self._path, read_holder(self._path))
            pause(min(delay, left))
            delay = min(delay * 2, _LONGEST_PAUSE)
        self._descriptor, self._owner = descriptor, os.getpid()
        if not self._shared:
            self._sign(purpose)
        return self

    def _open(self) -> int:
        if self._shared:
            with contextlib.suppress(FileNotFoundError):
                return os.open(self._path, os.O_RDONLY | _FLAGS)  # also where nothing can be written
        return os.open(self._path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o666)

    def _sign(self, purpose: str) -> None:
        assert self._descriptor is not None
        text = json.dumps({"pid": os.getpid(), "purpose": purpose, "since": time.time(), "host": _host()})
        with contextlib.suppress(OSError):  # a full disk must not keep anyone from cleaning up
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, text.encode())

    def fileno(self) -> int:
        """Give the descriptor that holds the lock, which a process that helps may keep as well."""
        assert self._descriptor is not None
        return self._descriptor

    def release(self) -> None:
        """Give the lock back; nothing happens where it is not held. A forked child gives nothing back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if self._owner == os.getpid():
            with contextlib.suppress(OSError):
                if not self._shared:
                    os.ftruncate(descriptor, 0)
                # Closing would not do: a child that another thread forked meanwhile has the descriptor too.
                _unlock(descriptor)
        os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _host() -> str:
    return os.uname().nodename if sys.platform != "win32" else ""


def read_holder(path: str) -> dict[str, Any]:
    """Give what the holder of the lock at *path* wrote about itself, or nothing."""
    try:
        with open(path, "rb") as file:
            data: Any = json.loads(file.read(4096))
    except (OSError, ValueError):
        return {}
    return cast(dict[str, Any], data) if isinstance(data, dict) else {}


def is_orphaned(path: str) -> bool:
    """Whether whoever took the lock at *path* is gone for good; what helped it may still hold it for a moment."""
    holder = read_holder(path)
    pid = holder.get("pid")
    if sys.platform == "win32" or not isinstance(pid, int) or pid <= 0 or holder.get("host") != _host():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _same_file(descriptor: int, path: str) -> bool:
    """Whether the locked file is still the one at *path*: a removed environment may have been made anew."""
    try:
        there = os.stat(path)
    except OSError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # beyond the text, so that others can read it
    _PLACES = 64
    # There are no shared locks: who shares locks one byte, who wants to be alone all of them.

    def _try_lock(descriptor: int, *, shared: bool) -> bool:
        for place in range(_PLACES if shared else 1):
            os.lseek(descriptor, _FAR + place, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1 if shared else _PLACES)
            except OSError:
                continue
            os.lseek(descriptor, 0, os.SEEK_SET)
            return True
        return False

    def _unlock(descriptor: int) -> None:
        """Nothing: no child ever has the descriptor."""

else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
