"""Run a peer's process: clean surroundings, a bound on time, and its peak memory."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. ``seconds`` is wall time, ``peak`` its largest resident set in bytes (0: unknown)."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float
    peak: int
    timed_out: bool = False


def surroundings(**changes: str) -> dict[str, str]:
    """Give the environment without what would configure a peer or envkit, and with *changes*."""
    dropped = ("PIP_", "UV_", "ENVKIT_", "PDM_", "PYTHON", "VIRTUAL_ENV", "COVERAGE", "NAB_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1", **changes}


def run(
    command: Sequence[str],
    *,
    stdin: str = "",
    timeout: float = 600.0,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Ended:
    """Run *command* to its end or *timeout* seconds; its whole process group ends with it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, tempfile.TemporaryFile("w+") as feed:
        feed.write(stdin)
        feed.seek(0)
        expired = threading.Event()
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=feed, stdout=out, stderr=err, env=env or surroundings(), cwd=cwd, start_new_session=True
        )

        def expire() -> None:
            expired.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, expire)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        peak = usage.ru_maxrss * 1024
        return Ended(process.returncode, out.read(), err.read(), seconds, peak, expired.is_set())
