"""Temporary folders that do not outlive their makers for long: what a killed process left is removed by a later one."""

from __future__ import annotations

import functools
import os
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from envkit.host import files
from envkit.host.claims import claim, holder

_PREFIX = "envkit-build-"
_CLAIM = ".envkit-in-use"
_STALE = 3600.0  # seconds, in which a folder surely has got its claim


@contextmanager
def scratch_folder() -> Generator[str]:
    """Give a new folder, and remove it afterwards. Its claim, a locked file, tells others that it is in use."""
    parent = os.path.realpath(tempfile.gettempdir())
    _remove_leftovers(parent, int(time.monotonic() // _STALE))
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    held = None
    try:
        held = claim(os.path.join(folder, _CLAIM), timeout=0)
        yield folder
    finally:
        if held is not None:
            held.drop()  # first, as an open file cannot be removed everywhere
        files.remove_tree(folder)


@functools.lru_cache(maxsize=4)
def _remove_leftovers(parent: str, _hour: int) -> None:
    """Remove what killed processes left in *parent*; once an hour is often enough for each process."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):  # of another user, or another process removes it right now
                    if _is_left_over(entry.path):
                        files.remove_tree(entry.path)


def _is_left_over(folder: str) -> bool:
    """Whether *folder* is an old one of this user, and whoever made it is gone."""
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or time.time() - status.st_mtime < _STALE:
        return False
    if os.name != "nt" and status.st_uid != os.getuid():
        return False
    path = os.path.join(folder, _CLAIM)
    return holder(path) is None and not _is_running(path)


def _is_running(path: str) -> bool:
    """Whether the process that a claim names is there: some file systems have no locks, and every claim looks free."""
    if os.name == "nt":  # always has locks, and asking for a process like this would end it
        return False
    try:
        with open(path, "rb") as file:
            os.kill(int(file.readline(32)), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
