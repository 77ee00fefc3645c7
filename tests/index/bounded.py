"""A process of its own that asks an index: what a fault costs in time and memory is measured where nothing else runs.

Run as a script it answers lines of JSON until its input ends.
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ADDRESS_SPACE = 4 * 1024**3
"""Bytes, of which arenas of threads take most; above it the kernel refuses: an unbounded fault ends the child alone."""


@dataclass(frozen=True)
class Outcome:
    """*error* is the class's name, None for success; *text* the message, or what was read; *peak* is in MB."""

    error: str | None
    text: str
    seconds: float
    peak: float
    context: dict[str, Any] = field(default_factory=dict)


class BoundedClient:
    """The child, from outside; begun when first needed, and anew where it died."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def ask(self, what: str, url: str, cache: Path, *, seconds: float, read: float) -> Outcome:
        """Have the child read *what* ("page", "metadata" or "file") of the project demo, with a deadline of *seconds*.

        *read* are the seconds that it waits for anything to arrive.
        """
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        rescue = threading.Timer(200, child.kill)
        rescue.start()
        try:
            child.stdin.write(json.dumps([what, url, str(cache), seconds, read]) + "\n")
            child.stdin.flush()
            answer = child.stdout.readline()
        finally:
            rescue.cancel()
        assert answer, f"the child ended with {child.wait(10)}"
        return Outcome(**json.loads(answer))

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.communicate(timeout=20)


def _measured_peak() -> float:
    if sys.platform == "linux":
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)


def _read(what: str, url: str, cache: str, seconds: float, read: float) -> str:
    from envkit.cache import Cache
    from envkit.index.client import IndexClient
    from envkit.index.transport import Limits, Timeouts

    # Bounds on sizes are the usual ones: the memory that they allow is what is measured.
    timeouts = Timeouts(connect=20.0, read=read, page=seconds, file=seconds)
    limits = Limits(retries=2, retry_after=0.1)
    with IndexClient([url], cache=Cache(cache), timeouts=timeouts, limits=limits) as client:
        page = client.project("demo")
        if what == "page":
            return " ".join(artifact.filename for artifact in page.artifacts)
        if what == "metadata":
            return client.metadata(page.artifacts[0]).decode()
        return str(client.fetch(page.artifacts[0]))


def _serve() -> None:
    from envkit.errors import EnvkitError

    for line in sys.stdin:
        if sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")  # begins the high-water mark anew
        start = time.monotonic()
        error, context = None, {}
        try:
            text = _read(*json.loads(line))
        except EnvkitError as problem:
            error, text, context = type(problem).__name__, problem.message, dict(problem.context)
        seconds = time.monotonic() - start
        answer = {"error": error, "text": text, "seconds": seconds, "peak": _measured_peak(), "context": context}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    if os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    _serve()
