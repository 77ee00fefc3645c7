"""Claim a folder while it is being made.

A claim is a locked file inside the folder. The kernel drops the lock with its holder but leaves the file, so a claim that
nobody holds tells of work that was cut off. This is the light one of the two kinds of locks: it needs no slow module.

The first line of the file is the holder's process. A second one notes that the folder is being cleared; it tells the
file's own inode, so that a file from elsewhere (an archive, a checkout) cannot ask for the removal of anything.
"""

import os
import time

from envkit.host import effect

_FLAGS = (
    os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)

_MOST = 128  # bytes that are read of a claim; ours have at most 50


class Claim:
    """A claim that is held: *waited* for another holder, *unfinished* where an earlier holder was cut off.

    Its holder says whether the folder was not there before (*fresh*), and from when on a failure leaves it *unfinished*.
    *clearing* tells that this or an earlier holder began to clear the folder and did not come to the end.
    """

    __slots__ = ("_descriptor", "clearing", "fresh", "path", "unfinished", "waited")

    def __init__(self, path: str, descriptor: int, *, waited: bool, unfinished: bool, clearing: bool) -> None:
        self.path = path
        self.clearing = clearing
        self.fresh = False
        self.waited = waited
        self.unfinished = unfinished
        self._descriptor = descriptor

    def begin_clearing(self) -> None:
        """Note that the folder is being cleared, so that the next holder ends what is cut off from here on."""
        if not self.clearing:
            effect("write", self.path)
            _write(self._descriptor, clearing=True)
            self.clearing = True

    def end_clearing(self) -> None:
        """Take the note back: what is in the folder now is new."""
        if self.clearing:
            effect("write", self.path)
            _write(self._descriptor, clearing=False)
            self.clearing = False

    def fulfil(self) -> None:
        """Say that the work is done, and let go; a second time does nothing."""
        if self._descriptor < 0:
            return
        try:
            effect("unlink", self.path)
            if os.name == "nt":  # an open file cannot be removed there
                self.drop()
            os.unlink(self.path)
        except FileNotFoundError:
            pass  # a hook emptied the folder
        finally:
            self.drop()

    def drop(self) -> None:
        """Let go and leave the file, as a kill would."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def claim(path: str, *, timeout: float) -> "Claim | None":
    """Claim the folder that *path* is a file in, waiting at most *timeout* seconds; None when another still holds it."""
    waited = False
    deadline = time.monotonic() + timeout
    while True:
        effect("lock", path)
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            if _lock(descriptor):
                seen = os.fstat(descriptor)
                if _still(path, seen):
                    clearing = seen.st_size > 0 and _note(descriptor) in os.read(descriptor, _MOST).splitlines()
                    if seen.st_size:
                        _write(descriptor, clearing=clearing)
                    else:
                        os.write(descriptor, b"%d\n" % os.getpid())
                    return Claim(path, descriptor, waited=waited, unfinished=seen.st_size > 0, clearing=clearing)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        waited = True
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.003)


def holder(path: str) -> int | None:
    """Give the process that holds a claim, 0 where it cannot be told, None where nobody does."""
    try:
        descriptor = os.open(path, _FLAGS & ~os.O_CREAT)
    except FileNotFoundError:
        return None
    except OSError:
        return 0
    try:
        if _lock(descriptor):
            return None
        text = os.read(descriptor, _MOST).partition(b"\n")[0]
        return int(text) if text.isdigit() else 0
    except OSError:
        return 0
    finally:
        os.close(descriptor)


def _write(descriptor: int, *, clearing: bool) -> None:
    """Write what a claim says, then cut off what is longer: a kill in between leaves the note and the size above zero."""
    data = b"%d\n" % os.getpid() + (_note(descriptor) + b"\n" if clearing else b"")
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, data)
    os.ftruncate(descriptor, len(data))


def _note(descriptor: int) -> bytes:
    return b"clearing %d" % os.fstat(descriptor).st_ino


def _still(path: str, seen: "os.stat_result") -> bool:
    try:
        now = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return (now.st_ino, now.st_dev) == (seen.st_ino, seen.st_dev)


if os.name == "nt":

    def _lock(descriptor: int) -> bool:
        import msvcrt

        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # behind what is written, as Windows locks are against reading too
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True
else:

    def _lock(descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            from errno import EINVAL, ENOLCK, ENOSYS, ENOTSUP

            # Some network file systems have no locks. Then there is no protection from others, and work goes on.
            return error.errno in (ENOLCK, ENOTSUP, ENOSYS, EINVAL)
        return True
