"""Look whether files that were unpacked once are still what they were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeAlias

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_RELATIVE = os.stat in os.supports_dir_fd
# (scheme, folder in it, folder below the root, names, sizes, mtimes in ns)
Group: TypeAlias = tuple[str, str, str, Sequence[str], Sequence[int], Sequence[int]]


def is_intact(root: str, groups: Sequence[Group], modes: Sequence[Sequence[int]] | None = None) -> bool:
    """Whether every file below *root* still has the size and mtime that it was unpacked with, and its mode if given."""
    if modes is None:
        modes = tuple((-1,) * len(group[3]) for group in groups)
    look = os.stat
    base: int | None = None
    try:
        # From an open folder the system has less of a path to walk, for every single file.
        base = os.open(root, _FOLDER) if _RELATIVE else None
        above = "" if base is not None else f"{root}/"
        for (_, _, source, names, sizes, mtimes), wanted in zip(groups, modes, strict=True):
            prefix = f"{above}{source}/" if source else above
            for name, size, mtime, mode in zip(names, sizes, mtimes, wanted, strict=True):
                facts = look(prefix + name, dir_fd=base, follow_symlinks=False)
                if facts.st_size != size or facts.st_mtime_ns != mtime or (facts.st_mode != mode and mode != -1):
                    return False
    except (OSError, ValueError):
        return False
    finally:
        if base is not None:
            os.close(base)
    return True
