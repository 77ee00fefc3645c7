"""What in an environment belongs to the environment, and to no distribution."""

from __future__ import annotations

import os
import re

from envkit.installation.layout import Layout, inside
from envkit.transaction import STATE_DIR

# The environment's own commands. Activation scripts of every shell are among them.
_COMMANDS = re.compile(
    r"(?:pythonw?|pypy3?|python\d(?:\.\d+)?t?|pypy\d(?:\.\d+)?|activate(?:\.\w+)?|activate_this\.py|deactivate(?:\.\w+)?"
    r"|pydoc\.bat)(?:\.exe)?\Z",
    re.IGNORECASE,
)


def is_protected(path: str, layout: Layout) -> bool:
    """Whether the absolute real *path* is the interpreter's or the environment's own."""
    inner = inside(path, layout.root)
    if (inner is not None and inner.lower() == "pyvenv.cfg") or is_bookkeeping(path, layout):
        return True
    folder, name = os.path.split(path)
    if folder == layout.schemes["scripts"] and _COMMANDS.match(name):
        return True
    if any(inside(path, library) for library in layout.libraries):
        return False
    return any(inside(path, folder) is not None for folder in layout.stdlib)


def is_bookkeeping(path: str, layout: Layout) -> bool:
    """Whether the absolute real *path* is, or is in, the folder of our own; some file systems ignore case."""
    inner = inside(path, layout.root)
    return inner is not None and inner.partition("/")[0].lower() == STATE_DIR


def standing_folders(layout: Layout) -> frozenset[str]:
    """Give the folders that stay, however empty they become: destinations and all above them up to the root."""
    standing: set[str] = set()
    for path in (layout.root, *(path for scheme, path in layout.schemes.items() if scheme != "headers")):
        base = layout.locate(path)[0]
        while True:
            standing.add(path)
            if path == base:
                break
            path = os.path.dirname(path)
    return frozenset(standing)
