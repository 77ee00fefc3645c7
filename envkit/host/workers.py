"""Processes that help this one for a while: which Python they run, how they are begun, spoken to and ended."""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from envkit.host import effect, watched

if TYPE_CHECKING:
    import subprocess

_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*[a-z]?\Z")
_GRACE = 5.0  # seconds to end by itself


def can_help() -> bool:
    """Whether a process of this very Python can be begun, and has a processor of its own.

    Not where it is unsure what would be started (frozen programs, programs that embed Python, other systems than Linux), and
    not with a guard in the gate, which sees the effects of this process alone.
    """
    return not watched() and own_python() is not None and len(os.sched_getaffinity(0)) > 1


@functools.cache
def own_python() -> str | None:
    """Give the program that this process runs, if that is evidently a Python."""
    if sys.platform != "linux" or getattr(sys, "frozen", False):
        return None
    # Not of the environment, if this is one: what helps needs nothing that is installed there.
    path = str(getattr(sys, "_base_executable", None) or sys.executable or "")
    try:
        is_this = os.path.samefile(path, "/proc/self/exe")
    except OSError:
        return None
    return path if is_this and _PYTHON.match(os.path.basename(os.path.realpath(path))) else None


class Worker:
    """A process with pipes to its standard input and output. Raises `OSError` where it cannot be started.

    It has none of our other descriptors but *keep*, and says nothing on our standard error.
    """

    def __init__(self, command: Sequence[str], *, stdin: int | None = None, keep: Sequence[int] = ()) -> None:
        import subprocess

        effect("start", command[0])
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=keep,
        )

    @property
    def output(self) -> IO[bytes]:
        """What it says."""
        assert self._process.stdout is not None
        return self._process.stdout

    def ask(self, line: bytes, timeout: float) -> bytes:
        """Give its answer to one line, a line too; b"" where it ended, or was ended after *timeout* seconds."""
        assert self._process.stdin is not None
        timer = threading.Timer(timeout, self._process.kill)
        timer.daemon = True
        with suppress(RuntimeError):  # Python 3.12 begins none when the main thread has ended
            timer.start()
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
            return self.output.readline()
        except OSError:
            return b""
        finally:
            timer.cancel()

    def end(self, *, grace: float = _GRACE) -> None:
        """End it: by itself, as it has nothing to read any more, else after *grace* seconds. Then it does nothing more."""
        import subprocess

        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            if grace:
                self._process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
        self._process.kill()
        self._process.wait()
