"""Which reader a lock file needs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from envkit.errors import LockError, RequirementError
from envkit.formats.lock_content import LockContent
from envkit.formats.text import decode_text, read_lock_bytes

_PYLOCK = re.compile(r"pylock(?:\.[^.]+)?\.toml")


def read_lock(path: str | Path) -> LockContent:
    """Read a lock file of any known format. Raises `LockError`."""
    place = os.path.abspath(path)
    if not os.path.isfile(place):
        there = "is no file" if os.path.exists(place) else "no such file"
        raise LockError(f"{place}: {there}", context={"file": place})
    _reader(place)
    try:
        text = decode_text(read_lock_bytes(place), place)
    except RequirementError as error:
        raise LockError(error.message, context=error.context) from error
    return parse_lock(text, path=place)


def parse_lock(text: str, *, path: str) -> LockContent:
    """Read the text of a lock file; the last part of *path* tells the format. Raises `LockError`."""
    try:
        return _reader(path)(text, path)
    except RequirementError as error:
        raise LockError(f"{path}: {error.message}", hint=error.hint, context={"file": path, **error.context}) from error


def _reader(path: str) -> Callable[[str, str], LockContent]:
    name = os.path.basename(path)
    if _PYLOCK.fullmatch(name):
        from envkit.formats.pylock import parse_pylock

        return lambda text, place: parse_pylock(text, path=place)
    if name == "uv.lock":
        from envkit.formats.uv_lock import parse_uv_lock

        return lambda text, place: parse_uv_lock(text, path=place)
    if name == "poetry.lock":
        from envkit.formats.poetry_lock import parse_poetry_lock

        return lambda text, place: parse_poetry_lock(text, path=place)
    if name == "pdm.lock":
        from envkit.formats.poetry_lock import parse_pdm_lock

        return lambda text, place: parse_pdm_lock(text, path=place)
    if name == "Pipfile.lock":
        from envkit.formats.pipfile_lock import parse_pipfile_lock

        return lambda text, place: parse_pipfile_lock(text, path=place)
    raise LockError(
        f"{path} is no lock file that envkit knows",
        hint="pylock.toml, pylock.<name>.toml, uv.lock, poetry.lock, pdm.lock and Pipfile.lock are",
        context={"file": path},
    )
