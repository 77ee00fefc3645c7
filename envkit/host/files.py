"""Files and folders: every write, rename and removal of the library.

Functions take text paths, raise `OSError` as the system gives it, and announce themselves to the gate first.
"""

import os
import stat

from envkit.host import effect, watched

TYPE_CHECKING = False
if TYPE_CHECKING:  # this module is on every path, also on those that take a millisecond
    from collections.abc import Iterable

_WRITE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_OVER = _WRITE | os.O_TRUNC
_EXCLUSIVE = _WRITE | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def make_dir(path: str, mode: int = 0o777, *, exist_ok: bool = True) -> None:
    """Make one folder."""
    effect("mkdir", path)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not exist_ok or not stat.S_ISDIR(os.lstat(path).st_mode):
            raise


def make_dirs(path: str, mode: int = 0o777) -> None:
    """Make a folder and the ones above it that are missing; *mode* holds for all that are made."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent and parent != path:
        make_dirs(parent, mode)
    try:
        make_dir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):  # a symlink to a folder serves
            raise


def make_below(base: str, folders: "Iterable[str]", made: set[str]) -> None:
    """Make *folders*, relative with forward slashes, below *base*, which is there; and those above them that are missing.

    *made* are those that are there, and gets the new ones: nobody else may make any meanwhile. From an open folder the
    system walks less of a path for each.
    """
    if watched() or os.mkdir not in os.supports_dir_fd:
        for folder in folders:
            make_dirs(f"{base}/{folder}")
            made.add(folder)
        return
    opened = os.open(base, _FOLDER)
    try:
        for folder in folders:
            missing = [folder]
            while (above := missing[-1].rpartition("/")[0]) and above not in made:
                missing.append(above)
            for each in reversed(missing):
                try:
                    os.mkdir(each, dir_fd=opened)
                except FileExistsError:
                    pass
                except OSError as error:
                    raise OSError(error.errno, error.strerror, f"{base}/{each}") from error
                made.add(each)
    finally:
        os.close(opened)


def write_bytes(path: str, data: bytes, mode: int = 0o666, *, exclusive: bool = False, sync: bool = False) -> None:
    """Write a whole file; *exclusive* refuses one that is there and never follows a symlink."""
    effect("write", path)
    descriptor = os.open(path, _EXCLUSIVE if exclusive else _OVER, mode)
    try:
        written = os.write(descriptor, data) if data else 0
        while written < len(data):  # rare: a signal, or a disk that is nearly full
            written += os.write(descriptor, memoryview(data)[written:])
        if sync:
            effect("sync", path)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_chunks(path: str, chunks: "Iterable[bytes]", mode: int = 0o666) -> int:
    """Write a new file piece by piece and give its size in bytes; one that is there, also a symlink, is an error."""
    effect("write", path)
    descriptor = os.open(path, _EXCLUSIVE, mode)
    total = 0
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            total += len(view)
            while view:
                view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    return total


def read_own(path: str, most: int) -> bytes:
    """Read at most *most* bytes of a file that nobody but its owner, who is this user or root, can have written.

    Raises `OSError`, `PermissionError` for a file of others.
    """
    descriptor = os.open(path, _READ)
    try:
        facts = os.fstat(descriptor)
        others = os.name == "posix" and (facts.st_uid not in (os.geteuid(), 0) or facts.st_mode & 0o022)
        if others or not stat.S_ISREG(facts.st_mode):
            raise PermissionError(f"{path} is not a file of this user alone")
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def publish_bytes(
    path: str, data: bytes, mode: int = 0o666, *, sync: bool = False, temporary: str | None = None
) -> None:
    """Write a file so that readers see the old content or the new one, never a part.

    A caller who is alone may name the *temporary* file: then one that a killed caller left is taken away first.
    """
    if temporary is None:
        temporary = temporary_beside(path)
    else:
        unlink(temporary, missing_ok=True)
    try:
        write_bytes(temporary, data, mode, exclusive=True, sync=sync)
        replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def temporary_beside(path: str) -> str:
    """Give a fresh name in the folder of *path*, so that a rename stays on one file system."""
    return os.path.join(os.path.dirname(path), f".{os.urandom(8).hex()}.tmp")


def rename(source: str, target: str) -> None:
    """Rename a file or folder; what stands at *target* is an error except where the system replaces files."""
    effect("rename", source)
    os.rename(source, target)


def replace(source: str, target: str) -> None:
    """Rename a file over another, atomically."""
    effect("replace", source)
    os.replace(source, target)


def unlink(path: str, *, missing_ok: bool = False) -> None:
    """Remove a file or a symlink."""
    effect("unlink", path)
    try:
        os.unlink(path)
    except FileNotFoundError:
        if not missing_ok:
            raise


def remove_dir(path: str) -> None:
    """Remove an empty folder."""
    effect("rmdir", path)
    os.rmdir(path)


def remove_tree(path: str) -> None:
    """Remove a folder and all below it; symlinks are removed, never followed. A missing folder is no error."""
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            unlink(entry.path, missing_ok=True)
    try:
        remove_dir(path)
    except FileNotFoundError:
        pass


def change_mode(path: str, mode: int) -> None:
    """Set the permission bits."""
    effect("chmod", path)
    os.chmod(path, mode)


def symlink(target: str, path: str) -> None:
    """Make a symlink at *path* that points to *target*."""
    effect("symlink", path)
    os.symlink(target, path)


def sync_dir(path: str) -> None:
    """Make the names in a folder durable, where the platform can."""
    if os.name != "posix":
        return
    effect("sync", path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
