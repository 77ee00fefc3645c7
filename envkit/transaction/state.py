"""Where the bookkeeping of an environment lives, and what its files are called.

``<root>/.envkit`` holds ``lock``; ``txn-<id>`` for each operation, with ``new`` (what was staged) and ``old`` (what was
set aside); ``journal`` while renames are going on; and ``last``, the journal of the last operation that was finished,
whose folder keeps what `undo` needs. One rename from ``journal`` to ``last`` is the moment of commitment; one that was
taken back becomes ``undone``, by which readers know that something happened.
"""

from __future__ import annotations

import os
import stat

from envkit.errors import InstallError

STATE_DIR = ".envkit"
JOURNAL = "journal"
LAST = "last"
UNDONE = "undone"
LOCK = "lock"
ELSEWHERE = "elsewhere"
NOTE = "note"
PREFIX = "txn-"


def state_dir(root: str) -> str:
    """Give the folder with the bookkeeping of the environment at *root*."""
    return os.path.join(root, STATE_DIR)


def is_state(name: str) -> bool:
    """Whether a folder of this name, at the top of a place, is our bookkeeping: of its environment, or of one operation."""
    return name == STATE_DIR or (name.startswith(f"{STATE_DIR}-") and is_id(name[len(STATE_DIR) + 1 :]))


def new_id() -> str:
    """Give a fresh name for one operation."""
    return os.urandom(6).hex()


def is_id(name: str) -> bool:
    """Whether `new_id` may have given *name*."""
    return len(name) == 12 and all(each in "0123456789abcdef" for each in name)


def is_real_dir(path: str) -> bool:
    """Whether a folder stands at *path* itself, not through a symlink."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def inode(path: str) -> int | None:
    """Give the inode of what stands at *path*, without following a symlink; None where nothing does."""
    try:
        return os.lstat(path).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


def identify(path: str) -> tuple[int, int | None] | None:
    """Give inode and, for what is no folder, mtime (ns) of what stands at *path*; None where nothing does."""
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return facts.st_ino, None if stat.S_ISDIR(facts.st_mode) else facts.st_mtime_ns


def check_relative(path: str) -> str:
    """Give *path* back if it is relative, has forward slashes and stays inside. Raises `InstallError`."""
    parts = path.split("/")
    if (
        not path
        or path.startswith("/")
        or "\\" in path
        or "\0" in path
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise InstallError("a journal names a path outside the environment", context={"path": path})
    return path
