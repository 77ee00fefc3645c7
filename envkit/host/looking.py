"""Look whether files that were unpacked once are still what they were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeAlias

from envkit.host.link_worker import ANY_MODE, compare

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_RELATIVE = os.stat in os.supports_dir_fd
# (scheme, folder in it, folder below the root, names, sizes, mtimes in ns)
Group: TypeAlias = tuple[str, str, str, Sequence[str], Sequence[int], Sequence[int]]


def is_intact(root: str, groups: Sequence[Group], modes: Sequence[Sequence[int]] | None = None) -> bool:
    """Whether every file below *root* still has the size and mtime that it was unpacked with, and its mode if given."""
    if modes is None:
        modes = tuple((ANY_MODE,) * len(group[3]) for group in groups)
    base: int | None = None
    try:
        # From an open folder the system has less of a path to walk, for every single file.
        base = os.open(root, _FOLDER) if _RELATIVE else None
        above = "" if base is not None else f"{root}/"
        for (_, _, source, names, sizes, mtimes), wanted in zip(groups, modes, strict=True):
            compare(base, f"{above}{source}/" if source else above, names, (sizes, mtimes, wanted))
    except (OSError, ValueError):
        return False
    finally:
        if base is not None:
            os.close(base)
    return True
