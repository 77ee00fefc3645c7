"""Change a library folder in one step: the new one is made beside it by links, and the two change places.

A reader that has the folder open, or looks anything up by its path, sees the whole old state or the whole new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from envkit.errors import InstallError
from envkit.host import exchange, files
from envkit.host.links import Linker
from envkit.installation.layout import Layout


def check_possible(layout: Layout, stage: str) -> None:
    """Refuse where folders cannot change places. Raises `InstallError`."""
    if any(library == layout.locate(library)[0] for library in layout.libraries):
        raise InstallError("a destination that is its own library folder cannot be changed in one step")
    first, second = f"{stage}/.first", f"{stage}/.second"
    for path in (first, second):
        files.make_dir(path)
    possible = exchange.exchange(first, second)
    for path in (first, second):
        files.remove_dir(path)
    if not possible:
        raise InstallError(
            "the file system cannot let two folders change places",
            hint="use atomic='entries', where a reader may see some entries before others for a moment",
        )


def clone_rest(folder: str, gone: frozenset[str], stage: Callable[[str], str], linker: Linker) -> None:
    """Put everything in *folder* that stays beside what is staged for it; *gone* are paths that do not stay."""
    staged = stage(folder)
    files.make_dirs(staged)
    there = frozenset(os.listdir(staged))
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.path in gone:
                continue
            if entry.is_dir(follow_symlinks=False):
                clone_rest(entry.path, gone, stage, linker)
            elif entry.name not in there:
                if entry.is_symlink():
                    files.symlink(os.readlink(entry.path), f"{staged}/{entry.name}")
                else:
                    names.append(entry.name)
    linker.link_folder(folder, staged, names)
