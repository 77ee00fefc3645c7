"""Folders and files of an environment: made as ``venv`` makes them, but without following a link.

And being alone with a folder while an environment is made in it, and telling what others made or left there.
"""

import os
import stat

from envkit.environment.rules import CLAIM, NEW
from envkit.host import effect, files
from envkit.host.claims import claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envkit.environment.rules import Rules
    from envkit.host.claims import Claim

_TIMEOUT = 60.0  # seconds to wait for another, who needs milliseconds, or a minute where pip comes from an index
_CHUNK = 1024 * 1024


def check_path(path: str) -> None:
    """Raise `ValueError` for a path that PATH could not hold, and for an empty one, which would be the working folder."""
    if not path:
        raise ValueError("an empty path names no folder")
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


def put(path: str, data: bytes, mode: int | None = None) -> None:
    """Write a file. One that is there is replaced at once, and a link is never written through.

    With *mode* None it keeps the one that it has, or gets the usual one.
    """
    try:
        files.write_bytes(path, data, 0o666 if mode is None else mode, exclusive=True)
    except FileExistsError:
        there = os.lstat(path).st_mode
        files.publish_bytes(path, data, 0o666 if mode is None else mode, temporary=path + NEW)
        if mode is None and stat.S_ISREG(there):
            files.change_mode(path, stat.S_IMODE(there))


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


def copy_file(source: str, target: str, mode: int | None = None) -> None:
    """Copy a file so that *target* is never seen in part; with *mode* None it keeps the one that it has or would get."""
    if os.path.islink(target):
        files.unlink(target)  # never through a link
    temporary = target + NEW
    files.unlink(temporary, missing_ok=True)
    try:
        with open(source, "rb") as reader:
            files.write_chunks(temporary, iter(lambda: reader.read(_CHUNK), b""))
        if mode is not None:
            files.change_mode(temporary, mode)
        files.replace(temporary, target)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def link(source: str, target: str) -> None:
    """Make a symlink, in place of another one that leads elsewhere. Raises `FileExistsError` for what is no link."""
    effect("symlink", target)
    try:
        os.symlink(source, target)
    except FileExistsError:
        if not os.path.islink(target):
            raise
        if os.readlink(target) == source:
            return
        temporary = target + NEW
        files.unlink(temporary, missing_ok=True)
        os.symlink(source, temporary)
        os.replace(temporary, target)


def claim_folder(path: str, *, clear: bool, force: bool) -> "Claim | None":
    """Claim a folder, made where it is missing; None where it cannot be one, which the first hook will tell."""
    fresh = make_fresh(path)
    if not fresh:
        if not is_folder(path):
            return None
        if clear:
            check_clearable(path, force=force)
    try:
        found = claim(f"{path}{os.sep}{CLAIM}", timeout=_TIMEOUT)
    except OSError:
        if fresh and not os.listdir(path):
            files.remove_dir(path)
        raise
    if found is None:
        raise problem(path, "being-made", f"{path} is being made by another process", hint="wait for it, and try again")
    found.fresh = fresh
    return found


def give_up(path: str, held: "Claim") -> None:
    """Leave a failed creation as one that was cut off, or nothing where nothing had been made."""
    names = os.listdir(path) if os.path.isdir(path) else []
    if (held.unfinished or held.fresh) and names != [CLAIM]:
        held.drop()
        return
    held.fulfil()
    if held.fresh and names == [CLAIM]:
        files.remove_dir(path)


def is_made(path: str, rules: "Rules") -> bool:
    """Tell whether there is an environment already. Raises `VenvError` where it is for another Python.

    To make both in one folder would give neither.
    """
    if not os.path.lexists(f"{path}{os.sep}pyvenv.cfg"):
        return False
    from envkit.interpreter.pyvenv import read_config

    config = read_config(path) or {}
    made = (config.get("version") or config.get("version_info") or "").split(".")[:2]
    ours = [str(number) for number in rules.version[:2]]
    if len(made) == 2 and made != ours:
        raise problem(
            path,
            "other-interpreter",
            f"{path} is an environment for Python {'.'.join(made)} already, not for {'.'.join(ours)}",
            hint="clear it, or choose another folder",
        )
    return True


def check_clearable(path: str, *, force: bool) -> None:
    """Raise `VenvError` for a folder that has something in it and is not an environment."""
    if force or any(os.path.lexists(os.path.join(path, name)) for name in ("pyvenv.cfg", CLAIM)):
        return
    if os.listdir(path):
        raise problem(
            path,
            "not-an-environment",
            f"{path} is not empty, and not an environment: it is not cleared",
            hint="choose another folder, or say force=True to lose what is in it",
        )


def problem(path: str, name: str, message: str, hint: str) -> Exception:
    """Give the error for a folder."""
    from envkit.errors import VenvError

    return VenvError(message, hint=hint, context={"path": path, "problem": name})
