"""``python -m benchmarks.locking``: universal locks by ``uv lock`` and envkit, in turns on one served index, warm.

The index is the recording, closed: versions whose metadata is not recorded do not exist, for nobody. With ``--live`` what is
missing is asked of the live index while the caches fill.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.lockers import UvLock
from benchmarks.peers import Outcome, outcome, request
from benchmarks.processes import run, surroundings
from benchmarks.resolving import FRESH
from benchmarks.serving import ROOT, Served, served
from benchmarks.timing import Subject, Table, Timed, interleave
from benchmarks.workers import Worker
from benchmarks.workloads import ALL, Workload

PLATFORMS = tuple(f"sys_platform == '{name}'" for name in ("linux", "darwin", "win32"))
THEIRS, THEIRS_AGAIN = "uv lock", "uv lock, unchanged"
FIRST, HOT, PROCESS, AGAIN = (
    "envkit, first call",
    "envkit, hot call",
    "envkit, fresh process",
    "envkit, unchanged",
)


class Bench:
    """The subjects for one workload, and what each of them last answered."""

    def __init__(self, workload: Workload, index: Served, folder: Path, requires_python: str) -> None:
        self.workload, self.index, self.folder = workload, index, folder
        self.options: dict[str, Any] = {"requires_python": requires_python, "environments": list(PLATFORMS)}
        self.outcomes: dict[str, Outcome] = {}
        self._worker: Worker | None = None

    def subjects(self) -> dict[str, Subject]:
        """Give all that is timed, by name."""
        cache = self.folder / "envkit"
        theirs = UvLock(
            self.index.url, self.folder / "uv", self.folder / "project", self.options["requires_python"], PLATFORMS
        )
        again = UvLock(theirs.url, theirs.cache, self.folder / "kept", theirs.requires_python, PLATFORMS, kept=True)
        return {
            THEIRS: Subject(lambda: self._note(THEIRS, theirs.resolve(self.workload))),
            FIRST: Subject(self._asked(FIRST), prepare=lambda: Worker(self.index.url, cache), finish=_close),
            HOT: Subject(self._asked(HOT, anew=True), prepare=self._resident),
            PROCESS: Subject(lambda: self._note(PROCESS, self._once(cache))),
            THEIRS_AGAIN: Subject(lambda: self._note(THEIRS_AGAIN, again.resolve(self.workload))),
            AGAIN: Subject(self._asked(AGAIN, again=True), prepare=self._primed),
        }

    def _asked(self, label: str, **options: bool) -> Callable[[Worker], Timed]:
        def ask(worker: Worker) -> Timed:
            return Timed(self._note(label, worker.lock(self.workload, self.options, **options)).seconds, worker)

        return ask

    def _resident(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(self.index.url, self.folder / "envkit")
        return self._worker

    def _primed(self) -> Worker:
        self._resident().lock(self.workload, self.options)
        return self._resident()

    def _once(self, cache: Path) -> Outcome:
        command = [sys.executable, "-m", "benchmarks.envkit_worker", self.index.url, str(cache), "--once"]
        asked = request(self.workload, lock=self.options)
        ended = run(command, stdin=asked, timeout=300, env=surroundings(PYTHONPATH=str(ROOT)))
        return outcome(ended, lambda: json.loads(ended.stdout)["pins"] or {})

    def _note(self, label: str, result: Outcome) -> Timed:
        self.outcomes[label] = result
        if not result.pins:
            raise RuntimeError(result.error or "no packages")
        return Timed(result.seconds)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()


def _close(worker: Worker) -> None:
    worker.close()


def time_locks(
    workload: Workload, rounds: int, requires_python: str, *, live: bool
) -> tuple[Table, dict[str, Outcome]]:
    """Time one workload; the first turn fills the caches and is not counted."""
    from benchmarks.live import default_database

    fill = default_database() if live else None
    with (
        served(fill=fill, max_age=FRESH, closed=not live) as index,
        tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder,
    ):
        bench = Bench(workload, index, Path(folder), requires_python)
        try:
            return interleave(bench.subjects(), rounds=rounds, warmup=1), bench.outcomes
        finally:
            bench.close()


def main() -> None:
    """Read the command line, time, and print a table for each workload."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.locking", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=["airflow"], help="airflow if none is named")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--pythons", default=">=3.10,<3.13", help="the range of Pythons, which the recording is made for"
    )
    parser.add_argument("--live", action="store_true", help="ask the live index for what is not recorded")
    options = parser.parse_args()
    print(machine.markdown(machine.facts()))
    for name in options.workloads:
        table, outcomes = time_locks(ALL[name], options.rounds, options.pythons, live=options.live)
        print(f"\n{table.markdown(THEIRS, name)}\n")
        print("; ".join(f"{label}: {len(one.pins or ())} packages" for label, one in outcomes.items()))


if __name__ == "__main__":
    main()
