"""Put many files of one folder into another: cloned, hardlinked, symlinked or copied.

Whole folders at a time, with the names relative to them, because this is the hottest loop of an installation.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from envkit.host import effect, files, watched
from envkit.host.link_worker import IMPOSSIBLE, compare, hardlink_all, join

if TYPE_CHECKING:
    from envkit.host.link_worker import Row

LinkMode = Literal["auto", "clone", "hardlink", "copy", "symlink"]
ConcreteMode = Literal["clone", "hardlink", "copy", "symlink"]

_FICLONE = 0x40049409
_RELATIVE = os.link in os.supports_dir_fd
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
        self.link_folders(source, target, (("", "", names, None),))

    def link_folders(self, source: str, target: str, rows: Sequence[Row]) -> None:
        """Put files of folders below *source* into folders below *target*, which are there and have none of them.

        Raises `FileChanged` for what is not as its facts say.
        """
        done = 0
        if self.used == "hardlink" and _RELATIVE and not watched():
            done = hardlink_all(source, target, rows)
        for inner, outer, names, facts in rows:
            skip = min(done, len(names))
            done -= skip
            if facts is not None and skip < len(names):
                compare(None, f"{join(source, inner)}/", names, facts)
            for name in names[skip:]:
                self._link_one(f"{join(source, inner)}/{name}", f"{join(target, outer)}/{name}")

    def settle(self, source: str, target: str) -> None:
        """Learn which mode works from putting *source* at *target*, where nothing stays."""
        if self.used == "clone" and not watched():
            with suppress(OSError):  # whatever it is, it will be met again
                self._link_one(source, target)
            with suppress(OSError):
                os.unlink(target)

    def _link_one(self, source: str, target: str) -> None:
        mode = self.used
        while True:
            try:
                place(source, target, mode)
            except OSError as error:
                weaker = _WEAKER.get(mode)
                if weaker is None or error.errno not in IMPOSSIBLE or error.filename == "":
                    raise
                if error.errno != errno.EMLINK:  # too many links is about this one file
                    self.used = weaker
                mode = weaker
            else:
                return


def unlink_rows(target: str, rows: Iterable[Row]) -> None:
    """Remove what `Linker.link_folders` may have put below *target* before it was broken off."""
    for _, outer, names, _ in rows:
        for name in names:
            files.unlink(f"{join(target, outer)}/{name}", missing_ok=True)


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
        if error.errno in IMPOSSIBLE and error.errno != errno.EXDEV:
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
