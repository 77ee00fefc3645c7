"""Errors of an installation in words that say what to do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from envkit.errors import InstallError
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize


def explain(error: OSError, root: str) -> InstallError:
    """Give the library's error for one of the system, in words that say what to do."""
    import errno

    hints = {
        errno.ENOSPC: "the disk is full; free some space and try again",
        errno.EDQUOT: "the quota is used up; free some space and try again",
        errno.EACCES: "you may not write there",
        errno.EPERM: "you may not write there",
        errno.EROFS: "the file system is read-only",
        errno.EXDEV: "the file system does not rename a folder there, as an overlay (of a container) those of its lower"
        " layers; atomic='entries' needs no such rename",
    }
    return InstallError(
        f"{root} could not be changed and is as it was: {error.strerror or error}",
        hint=hints.get(error.errno or 0),
        context={"root": root, "errno": error.errno, "path": os.fspath(error.filename or "")},
    )


def not_installed(missing: Sequence[str], installed: Iterable[InstalledDistribution], root: str) -> InstallError:
    """Give the error for names of which nothing is installed at *root*, with those that may have been meant."""
    import difflib

    names = {normalize(distribution.name) for distribution in installed}
    near = [found for name in missing for found in difflib.get_close_matches(name, names, n=1)]
    return InstallError(
        f"not installed: {', '.join(missing)} (in {root})",
        hint=f"did you mean {' or '.join(near)}?" if near else None,
        context={"names": tuple(missing), "root": root},
    )
