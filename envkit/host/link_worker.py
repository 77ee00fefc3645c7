"""Hardlink files folder by folder, after a look at each: the hottest loop of an installation.

A process that helps runs this very file (`envkit.host.sharing` starts it), so it is quick to load: it imports what is built
into the interpreter, and nothing of envkit.
"""

import errno
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    # What files were when they were put there: sizes, mtimes (ns) and modes, in the order of the names.
    Facts: TypeAlias = tuple[Sequence[int], Sequence[int], Sequence[int]]
    # Files of one folder: (folder below the source, folder below the target, names, facts to compare); "" is for these two
    # themselves, and no facts are for files that were looked at.
    Row: TypeAlias = tuple[str, str, Sequence[str], Facts | None]

# What a file system or a policy answers when it cannot do this at all, or not between these two places.
IMPOSSIBLE = frozenset((errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS,
    errno.EINVAL, errno.ENOTTY, errno.EMLINK))  # fmt: skip
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
TICKET = struct.Struct("=HLL")  # number of a job, and where it is described: start and length in bytes
ANSWER = struct.Struct("=H?")  # number of a job, and whether all of it is done
ANY_MODE = -1  # for a file whose mode is not compared
_LOOK_MS = 100
_WORTH_OPENING = 6  # files; two folders have to be opened and closed for them


class FileChanged(OSError):
    """A file is not what it was when it was put there."""


def hardlink_all(source: str, target: str, rows: "Sequence[Row]") -> int:
    """Hardlink as many as go without trouble; give how many that were. Raises `FileChanged` before linking such a file."""
    # The system walks a path anew for each call, and ours are long: from an open folder it walks what is below alone.
    incoming = os.open(source, _FOLDER)
    try:
        outgoing = os.open(target, _FOLDER)
        try:
            done = 0
            for inner, outer, names, facts in rows:
                linked, error = _hardlink_row(incoming, outgoing, inner, outer, names, facts)
                done += linked
                if error is not None:
                    if error.errno in IMPOSSIBLE:
                        break
                    # Whoever catches this wants to know which file it was.
                    first, second = f"{join(source, inner)}/{names[linked]}", f"{join(target, outer)}/{names[linked]}"
                    kind = FileChanged if isinstance(error, FileChanged) else OSError
                    raise kind(error.errno, error.strerror, first, None, second) from error
            return done
        finally:
            os.close(outgoing)
    finally:
        os.close(incoming)


def join(base: str, inner: str) -> str:
    """Give the path of a folder below another, or this one itself for ""."""
    return f"{base}/{inner}" if inner else base


def _hardlink_row(
    incoming: int, outgoing: int, inner: str, outer: str, names: "Sequence[str]", facts: "Facts | None"
) -> "tuple[int, OSError | None]":
    """Hardlink files between two folders below open ones; give how many went, and what ended it early."""
    link = os.link
    done = 0
    if len(names) < _WORTH_OPENING:
        first, second = f"{inner}/" if inner else "", f"{outer}/" if outer else ""
        try:
            if facts is not None:
                compare(incoming, first, names, facts)
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
        if facts is not None:
            compare(incoming, "", names, facts)
        for name in names:
            link(name, name, src_dir_fd=incoming, dst_dir_fd=outgoing)
            done += 1
    except OSError as error:
        return done, error
    finally:
        for each in opened:
            os.close(each)
    return done, None


def compare(folder: "int | None", above: str, names: "Sequence[str]", facts: "Facts") -> None:
    """Compare files, whose paths below an open folder begin with *above*, with what they were.

    Raises `FileChanged`, and `OSError` for what is gone.
    """
    look = os.stat
    sizes, mtimes, modes = facts
    for name, size, mtime, mode in zip(names, sizes, mtimes, modes, strict=True):
        found = look(above + name, dir_fd=folder, follow_symlinks=False)
        if found.st_size != size or found.st_mtime_ns != mtime or (found.st_mode != mode and mode != ANY_MODE):
            raise FileChanged(errno.ESTALE, "the file has changed", above + name)


def main(parent: int, store: int) -> None:
    """Serve process *parent*: take tickets from stdin, which it takes some from, too, do the jobs, and answer each.

    A ticket says where in the file *store* a job is. What works here must not outlive its parent by more than a job: nobody
    else may change the environment meanwhile.
    """
    import marshal
    from select import POLLIN, poll

    tickets = poll()
    tickets.register(0, POLLIN)
    while os.getppid() == parent:
        # Not for ever: a child that the parent forked meanwhile holds the other end, too, so that it may never be closed.
        if not tickets.poll(_LOOK_MS):
            continue
        try:
            ticket = os.read(0, TICKET.size)
        except BlockingIOError:  # the parent was faster
            continue
        if not ticket:
            return  # there will be no more
        number, start, length = TICKET.unpack(ticket)
        source, target, rows = marshal.loads(os.pread(store, length, start))  # noqa: S302  written by our own parent
        try:
            good = hardlink_all(source, target, rows) == sum(len(row[2]) for row in rows)
        except (OSError, ValueError):
            good = False  # the parent tries again, and says what the matter is
        os.write(1, ANSWER.pack(number, good))


if __name__ == "__main__":
    import sys

    main(int(sys.argv[1]), int(sys.argv[2]))
    os._exit(0)  # there is nothing to clear away, and clearing away takes time
