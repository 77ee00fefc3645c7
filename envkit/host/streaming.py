"""Run a program that we do not trust to end, to be brief, or to tidy up after itself.

Its output is read line by line while it runs, bounded in bytes; time is bounded; and ending it ends the whole tree of
processes that it started, also those that left its process group.
"""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Literal

from envkit.dataclass import dataclass, field
from envkit.host import effect
from envkit.host.limits import left

MAX_OUTPUT_BYTES = 32 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
_MARKER = "ENVKIT_PROCESS_TREE"
_GRACE = 1.0  # seconds between asking a tree to end and ending it


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """How a program ended: *output* is stdout and stderr as one text, *ended* tells what ended it."""

    returncode: int
    output: str
    ended: Literal["itself", "timeout", "cancelled"] = "itself"
    truncated: bool = False


@dataclass(slots=True)
class _Collector:
    """Keeps the first part and the last part of an output that is too long, so that errors at its end are not lost."""

    limit: int
    on_line: Callable[[str], object] | None
    head: list[bytes] = field(default_factory=list[bytes])
    tail: list[bytes] = field(default_factory=list[bytes])
    head_size: int = 0
    tail_size: int = 0
    truncated: bool = False

    def feed(self, stream: IO[bytes]) -> None:
        # closed here, as whoever waits may have gone; or under our hands once the tree is ended
        with suppress(OSError, ValueError), stream:
            for line in iter(lambda: stream.readline(MAX_LINE_BYTES), b""):
                self._keep(line)
                if self.on_line is not None:
                    self.on_line(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _keep(self, line: bytes) -> None:
        half = self.limit // 2
        if not self.truncated and self.head_size + len(line) <= half:
            self.head.append(line)
            self.head_size += len(line)
            return
        self.truncated = True
        self.tail.append(line)
        self.tail_size += len(line)
        while self.tail_size > half:
            self.tail_size -= len(self.tail.pop(0))

    def text(self) -> tuple[str, bool]:
        whole = b"".join(self.head + self.tail)
        return whole.decode("utf-8", "replace").replace("\r\n", "\n"), self.truncated


def run_streaming(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    cwd: str | None = None,
    timeout: float | None = None,
    on_line: Callable[[str], object] | None = None,
    on_cancel: Callable[[Callable[[], object]], Callable[[], None]] | None = None,
    max_output: int = MAX_OUTPUT_BYTES,
) -> StreamResult:
    """Run *command* with no input and no terminal, and wait for it.

    *environ* is all it sees; *timeout* is in seconds of wall time, cut short by `envkit.host.limits.until`; *on_cancel*
    takes a callback and gives a function that takes it off again (`CancelToken.on_cancel`). Raises `OSError` when the
    program cannot be started.
    """
    effect("process", command[0])
    marker = os.urandom(16).hex()
    process = _start(command, {**environ, _MARKER: marker}, cwd)
    collector = _Collector(max_output, on_line)
    assert process.stdout is not None
    reader = threading.Thread(target=collector.feed, args=(process.stdout,), name="envkit-output", daemon=True)
    reader.start()
    ended: list[Literal["timeout", "cancelled"]] = []

    def cancel() -> None:
        ended.append("cancelled")
        end_tree(process, marker, grace=0.0)

    forget = on_cancel(cancel) if on_cancel is not None else None
    try:
        try:
            _wait(process, _bounded(timeout))
        except subprocess.TimeoutExpired:
            ended.append("timeout")
            end_tree(process, marker)
    except BaseException:
        end_tree(process, marker, grace=0.0)
        raise
    finally:
        if forget is not None:
            forget()
        _finish_reading(reader, process, marker)
    output, truncated = collector.text()
    return StreamResult(
        returncode=process.returncode, output=output, ended=ended[0] if ended else "itself", truncated=truncated
    )


def _bounded(timeout: float | None) -> float | None:
    seconds = max(0.0, left())
    if timeout is None:
        return None if math.isinf(seconds) else seconds
    return min(timeout, seconds)


def _start(command: Sequence[str], environ: Mapping[str, str], cwd: str | None) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=-1,
        start_new_session=True,  # no controlling terminal: nothing can prompt there
        creationflags=flags,
    )


def _wait(process: subprocess.Popen[bytes], timeout: float | None) -> None:
    """Wait without polling where the system can: the standard library's own wait sleeps up to 50 ms too long."""
    if sys.platform == "linux" and timeout is not None:
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            pass
        else:
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                if not poll.poll(min(timeout, 1_000_000.0) * 1000):
                    raise subprocess.TimeoutExpired(process.args, timeout)
            finally:
                os.close(descriptor)
            timeout = None
    process.wait(timeout)


def _finish_reading(reader: threading.Thread, process: subprocess.Popen[bytes], marker: str) -> None:
    """Read what is left. A daemon that kept the pipe open must not keep us: it gets a moment, then is ended."""
    reader.join(5.0 if process.returncode is not None else 0.0)
    if reader.is_alive():
        end_tree(process, marker, grace=0.0)
        reader.join(2.0)
    if not reader.is_alive() and process.stdout is not None:
        process.stdout.close()


def end_tree(process: subprocess.Popen[bytes], marker: str, *, grace: float = _GRACE) -> None:
    """End a process and all that it started: politely where *grace* seconds are given, then by force."""
    if sys.platform == "win32":
        with suppress(OSError):
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        with suppress(OSError):
            process.kill()
        process.wait()
        return
    if grace:
        _signal_tree(process, marker, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and (process.poll() is None or _members(marker)):
            time.sleep(0.01)
    for _ in range(50):  # one that forks while we look is caught in the next round
        _signal_tree(process, marker, signal.SIGKILL)
        if process.poll() is not None and not _members(marker):
            break
        time.sleep(0.01)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5.0)


def _signal_tree(process: subprocess.Popen[bytes], marker: str, number: int) -> None:
    if sys.platform == "win32":
        return
    if process.returncode is None:
        # Before it is reaped its id cannot belong to another; the group has the same id as it leads the session.
        with suppress(OSError):
            os.killpg(process.pid, number)
    for pid in _members(marker):
        with suppress(OSError):
            os.kill(pid, number)


def _members(marker: str) -> tuple[int, ...]:
    """Find the living processes that carry *marker* in their environment (Linux), wherever they went."""
    wanted = f"{_MARKER}={marker}".encode()
    found: list[int] = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return ()
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as stream:
                    if wanted in stream.read():
                        found.append(int(name))
            except OSError:
                continue
    return tuple(found)
