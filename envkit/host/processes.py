"""Start other programs: the environment variables that they see.

This is the one place below `envkit.kit` that looks at this process's variables, and only to hand them on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_HARMLESS = frozenset(
    [
        "PATH",
        "HOME",
        "USERPROFILE",
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "TEMP",
        "TMP",
        "TMPDIR",
        "LOCALAPPDATA",
        "APPDATA",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "LANG",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "DYLD_FRAMEWORK_PATH",
        "NIX_LD",
        "NIX_LD_LIBRARY_PATH",
    ]
)
_HARMLESS_STARTS = ("LC_", "PYENV_", "ASDF_", "MISE_")


def inherited(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Give this process's variables with *changes*; None takes a variable away."""
    found = dict(os.environ)
    for name, value in (changes or {}).items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return found


def harmless(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Keep what a program needs to start and what version managers choose by.

    For programs that nobody vouched for: tokens and passwords that the caller has in its variables are none of their
    business.
    """
    source = os.environ if environ is None else environ
    return {
        name: value
        for name, value in source.items()
        if name.upper() in _HARMLESS or name.upper().startswith(_HARMLESS_STARTS)
    }
