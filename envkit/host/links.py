"""Put many files of one folder into another: cloned, hardlinked, symlinked or copied.

Whole folders at a time, with the names relative to them, because this is the hottest loop of an installation.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Literal, TypeAlias

from envkit.host import effect, watched

LinkMode = Literal["auto", "clone", "hardlink", "copy", "symlink"]
ConcreteMode = Literal["clone", "hardlink", "copy", "symlink"]

_FICLONE = 0x40049409
# What a file system or a policy answers when it cannot do this at all, or not between these two places.
_IMPOSSIBLE = frozenset((errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS,
    errno.EINVAL, errno.ENOTTY, errno.EMLINK))  # fmt: skip
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_RELATIVE = os.link in os.supports_dir_fd
_WORTH_OPENING = 6  # files; two folders have to be opened and closed for them
# Files of one folder: (folder below the source, folder below the target, names); "" is for these two themselves.
Row: TypeAlias = tuple[str, str, Sequence[str]]
_WEAKER: dict[ConcreteMode, ConcreteMode] = {"clone": "hardlink", "hardlink": "copy", "symlink": "copy"}


class Linker:
    """Links folders in one mode, and steps down to a weaker one where the file system asks for it.

    *mode* "auto" clones where that works, else hardlinks, else copies. ``used`` is the mode of the last file. A forced
    mode also steps down (a hardlink across devices must become a copy), and ``used`` tells.
    """

    def __init__(self, mode: LinkMode = "auto") -> None:
        self.used: ConcreteMode = _first_mode() if mode == "auto" else mode

    def link_folder(self, source: str, target: str, names: Sequence[str]) -> None:
        """Put the files *names* of folder *source* into the folder *target*, where none of them may be."""
        self.link_folders(source, target, (("", "", names),))

    def link_folders(self, source: str, target: str, rows: Sequence[Row]) -> None:
        """Put files of folders below *source* into folders below *target*, which are there and have none of them."""
        done = 0
        if self.used == "hardlink" and not watched():
            done = _hardlink_all(source, target, rows)
        for inner, outer, names in rows:
            skip = min(done, len(names))
            done -= skip
            for name in names[skip:]:
                self._link_one(f"{_join(source, inner)}/{name}", f"{_join(target, outer)}/{name}")

    def _link_one(self, source: str, target: str) -> None:
        mode = self.used
        while True:
            try:
                place(source, target, mode)
            except OSError as error:
                weaker = _WEAKER.get(mode)
                if weaker is None or error.errno not in _IMPOSSIBLE or error.filename == "":
                    raise
                if error.errno != errno.EMLINK:  # too many links is about this one file
                    self.used = weaker
                mode = weaker
            else:
                return


def _join(base: str, inner: str) -> str:
    return f"{base}/{inner}" if inner else base


def _hardlink_all(source: str, target: str, rows: Sequence[Row]) -> int:
    """Hardlink as many as go without trouble; give how many that were."""
    if not _RELATIVE:
        return 0
    # The system walks a path anew for each call, and ours are long: from an open folder it walks what is below alone.
    incoming = os.open(source, _FOLDER)
    try:
        outgoing = os.open(target, _FOLDER)
        try:
            done = 0
            for inner, outer, names in rows:
                linked, error = _hardlink_row(incoming, outgoing, inner, outer, names)
                done += linked
                if error is not None:
                    if error.errno in _IMPOSSIBLE:
                        break
                    # Whoever catches this wants to know which file it was.
                    name = names[linked]
                    first, second = f"{_join(source, inner)}/{name}", f"{_join(target, outer)}/{name}"
                    raise OSError(error.errno, error.strerror, first, None, second) from error
            return done
        finally:
            os.close(outgoing)
    finally:
        os.close(incoming)


def _hardlink_row(
    incoming: int, outgoing: int, inner: str, outer: str, names: Sequence[str]
) -> tuple[int, OSError | None]:
    """Hardlink files between two folders below open ones; give how many went, and what ended it early."""
    link = os.link
    done = 0
    if len(names) < _WORTH_OPENING:
        first, second = f"{inner}/" if inner else "", f"{outer}/" if outer else ""
        try:
            for name in names:
                link(first + name, second + name, src_dir_fd=incoming, dst_dir_fd=outgoing)
                done += 1
        except OSError as error:
            return done, error
        return done, None
    opened: list[int] = []
    try:
        opened.append(os.open(inner or ".", _FOLDER, dir_fd=incoming))
        opened.append(os.open(outer or ".", _FOLDER, dir_fd=outgoing))
        incoming, outgoing = opened
        for name in names:
            link(name, name, src_dir_fd=incoming, dst_dir_fd=outgoing)
            done += 1
    except OSError as error:
        return done, error
    finally:
        for each in opened:
            os.close(each)
    return done, None


def _first_mode() -> ConcreteMode:
    return "clone" if sys.platform in ("linux", "darwin") and _clone_seems_possible() else "hardlink"


_clone_failed = False


def _clone_seems_possible() -> bool:
    return not _clone_failed


def place(source: str, target: str, mode: ConcreteMode) -> None:
    """Put one file at *target*, which must not exist, with the content, mode and mtime of *source*."""
    effect(mode, target)
    if mode == "hardlink":
        os.link(source, target)
    elif mode == "symlink":
        os.symlink(source, target)
    elif mode == "clone":
        _clone(source, target)
    else:
        _copy(source, target)


def _clone(source: str, target: str) -> None:
    global _clone_failed  # noqa: PLW0603  learned once for the process: a try costs more than a hardlink
    try:
        if sys.platform == "darwin":
            _clone_darwin(source, target)
        else:
            _clone_linux(source, target)
    except OSError as error:
        if error.errno in _IMPOSSIBLE and error.errno != errno.EXDEV:
            _clone_failed = True
        raise


def _clone_linux(source: str, target: str) -> None:
    import fcntl

    incoming = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        facts = os.fstat(incoming)
        outgoing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, facts.st_mode & 0o777)
        try:
            fcntl.ioctl(outgoing, _FICLONE, incoming)
            os.fchmod(outgoing, facts.st_mode & 0o777)
            os.utime(outgoing, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        except BaseException:
            os.unlink(target)
            raise
        finally:
            os.close(outgoing)
    finally:
        os.close(incoming)


def _clone_darwin(source: str, target: str) -> None:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if library.clonefile(os.fsencode(source), os.fsencode(target), 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _copy(source: str, target: str) -> None:
    incoming = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        facts = os.fstat(incoming)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        outgoing = os.open(target, flags, facts.st_mode & 0o777)
        try:
            while chunk := os.read(incoming, 1 << 20):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(outgoing, view) :]
        finally:
            os.close(outgoing)
    finally:
        os.close(incoming)
    os.chmod(target, facts.st_mode & 0o777)
    # Bytecode names the mtime of its source, so a copy must keep it.
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
