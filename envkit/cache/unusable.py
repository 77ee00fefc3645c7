"""What is done where the cache's folder cannot be believed, or cannot be written."""

from __future__ import annotations

import os
import stat
import tempfile

from envkit.cache.bucket import PRIVATE_DIR
from envkit.errors import EnvkitError
from envkit.host import files


def own_folder(root: str) -> str | None:
    """Give a private folder inside *root*, where nobody else can rename or remove it; None where there is none.

    That is so in a folder with the sticky bit that is ours or root's, like ``/tmp``. Without the bit anyone who can write
    to *root* could put a folder of his in the place of ours, at any time after we looked at it.
    """
    if os.name != "posix":
        return None
    facts = os.stat(root)
    if not facts.st_mode & stat.S_ISVTX or facts.st_uid not in (os.geteuid(), 0):
        return None
    own = os.path.join(root, f"envkit-{os.geteuid()}")
    try:
        files.make_dir(own, PRIVATE_DIR)
    except OSError:
        pass  # what there is instead is looked at below
    try:
        made = os.lstat(own)
    except OSError:
        return None
    private = stat.S_ISDIR(made.st_mode) and not made.st_mode & (stat.S_IWOTH | stat.S_IWGRP)
    return own if private and made.st_uid == os.geteuid() else None


def make_temporary() -> str:
    """Make a folder that only we can use. Raises `EnvkitError`."""
    try:
        return tempfile.mkdtemp(prefix="envkit-cache-")
    except OSError as error:
        raise EnvkitError(
            f"there is no folder for temporary files: {error.strerror or error}",
            hint="name one that can be written in TMPDIR, or a folder of your own as cache_dir",
        ) from error


def not_trusted(path: str, problem: str) -> EnvkitError:
    """Give the error for a folder whose content others may have written."""
    return EnvkitError(
        f"the cache cannot be trusted: {path} {problem}",
        hint="name a folder of your own as cache_dir; one that is missing is made so that only you can use it",
        context={"path": path},
    )


def not_writable(path: str, problem: OSError | None) -> EnvkitError:
    """Give the error for a bucket at *path* that cannot be made, as *problem* says, or cannot be written."""
    reason = f"cannot be made ({problem.strerror or problem})" if problem is not None else "can only be read"
    return EnvkitError(
        f"the cache cannot be written: {path} {reason}",
        hint="name a folder as cache_dir that you can write to, or give yourself the right to write to this one",
        context={"path": path},
    )
