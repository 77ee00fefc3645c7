"""Start a served index and stop it again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Served:
    """A running index: ``url`` is the address of its simple API, with a slash at the end."""

    url: str
    pid: int

    def stats(self) -> dict[str, Any]:
        """Tell what was asked (path -> times) and what of that was not found."""
        with urlopen(urljoin(self.url, "/-/stats"), timeout=30) as response:
            facts: dict[str, Any] = json.load(response)
            return facts

    def requests(self) -> int:
        """Tell how many requests were answered so far."""
        return int(self.stats()["requests"])


@contextmanager
def served(
    recording: Path | None = None,
    *,
    wheels: Path | None = None,
    fill: Path | None = None,
    latency: float = 0.0,
    max_age: int = 600,
    closed: bool = False,
) -> Iterator[Served]:
    """Serve a recording (the one of the repository if None) in a process of its own for the length of the block.

    *closed* hides versions whose metadata is not recorded, so that any resolver finds its way.
    """
    command = [sys.executable, "-m", "benchmarks.server", f"--latency={latency}", f"--max-age={max_age}"]
    command += ["--closed"] if closed else []
    for option, value in (("--recording", recording), ("--wheels", wheels), ("--fill", fill)):
        if value is not None:
            command.append(f"{option}={value}")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the served index did not start")
        yield Served(url, process.pid)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=30)
