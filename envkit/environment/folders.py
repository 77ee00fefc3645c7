"""Folders and files of an environment: made as ``venv`` makes them, but without following a link."""

from __future__ import annotations

import os
import stat

from envkit.environment.rules import CLAIM, NEW
from envkit.host import files


def check_path(path: str) -> None:
    """Raise `ValueError` for a path that PATH could not hold."""
    if os.pathsep in path:
        raise ValueError(f"Refusing to create a venv in {path} because it contains the PATH separator {os.pathsep}.")


def is_folder(path: str) -> bool:
    """Tell whether there is a folder, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def make_fresh(path: str) -> bool:
    """Make a folder; false where something was there, also when another made it at this moment."""
    try:
        files.make_dir(path, exist_ok=False)
    except FileNotFoundError:
        files.make_dirs(os.path.dirname(path))
        return make_fresh(path)
    except FileExistsError:
        return False
    return True


def make_folder(path: str) -> None:
    """Make a folder that may be there. Raises `ValueError` where it can be none."""
    try:
        files.make_dir(path, exist_ok=False)
    except FileNotFoundError:
        files.make_dirs(path)
    except FileExistsError:
        if not is_folder(path):
            raise ValueError(f"Unable to create directory {path!r}") from None


def make_below(root: str, path: str) -> None:
    """Make a folder below *root*, from above, which needs no failed attempts."""
    inner = path[len(root) :].split(os.sep) if path.startswith(root + os.sep) else []
    folder = root
    for name in inner[1:-1]:
        folder = f"{folder}{os.sep}{name}"
        try:
            files.make_dir(folder, exist_ok=False)
        except FileExistsError:
            continue
    make_folder(path)


def put(path: str, data: bytes, mode: int = 0o666) -> None:
    """Write a file. One that is there is replaced at once, and a link is never written through."""
    try:
        files.write_bytes(path, data, mode, exclusive=True)
    except FileExistsError:
        files.publish_bytes(path, data, mode, temporary=path + NEW)


def below(root: str, path: str) -> str:
    """Give a path as seen from *root*."""
    return path[len(root) + 1 :] if path.startswith(root + os.sep) else os.path.relpath(path, root)


def empty(path: str) -> None:
    """Remove what is in a folder but the claim on it; links are removed, never followed."""
    for entry in list(os.scandir(path)):
        if entry.name == CLAIM:
            continue
        if entry.is_dir(follow_symlinks=False):
            files.remove_tree(entry.path)
        else:
            files.unlink(entry.path)


def same_long_path(path1: str, path2: str) -> bool:
    """Tell whether two paths of Windows are the same but for short names and case."""
    return os.path.normcase(_long_path(path1)) == os.path.normcase(_long_path(path2))


def _long_path(path: str) -> str:
    import _winapi

    try:
        return str(_winapi.GetLongPathName(os.fsdecode(path)))  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return path
