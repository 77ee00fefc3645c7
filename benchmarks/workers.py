"""envkit in process, as a program that imports it feels it: workers that have everything loaded and wait."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.peers import Outcome, request
from benchmarks.processes import surroundings
from benchmarks.serving import ROOT
from benchmarks.workloads import Workload


class Worker:
    """One process with envkit loaded; the first `resolve` is its first call, later ones are hot."""

    def __init__(self, url: str, cache: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.envkit_worker", url, str(cache)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=surroundings(),
        )
        self._salt = 0
        if self._line() is None:
            self.close()
            raise RuntimeError(f"the worker did not start: {self._complaint()}")

    def resolve(self, workload: Workload, *, anew: bool = False) -> Outcome:
        """Resolve; *anew* makes the inputs new (an unused constraint), so that no remembered answer serves."""
        self._salt += anew
        return self._ask(request(workload, self._salt if anew else 0))

    def install(self, workload: Workload, env: Path, *, compiled: bool) -> Outcome:
        """Resolve and install into the environment at *env*."""
        return self._ask(request(workload, environment=str(env), compiled=compiled))

    def lock(self, workload: Workload, options: dict[str, Any], *, again: bool = False, anew: bool = False) -> Outcome:
        """Make a universal lock; *again* starts from the last one, *anew* makes the inputs new."""
        self._salt += anew
        return self._ask(request(workload, self._salt if anew else 0, lock=options, again=again))

    def _ask(self, request: str) -> Outcome:
        assert self._process.stdin is not None
        self._process.stdin.write(request)
        self._process.stdin.flush()
        line = self._line()
        if line is None:
            raise RuntimeError(f"the worker ended: {self._complaint()}")
        facts: dict[str, Any] = json.loads(line)
        return Outcome(facts["pins"], facts["seconds"], facts["peak"], facts["error"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.wait(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self) -> str | None:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or None

    def _complaint(self) -> str:
        assert self._process.stderr is not None
        return (self._process.stderr.read().strip().splitlines() or ["it said nothing"])[-1]
