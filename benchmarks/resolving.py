"""Time one workload: all peers in turns on one served index, warm and cold apart, and what they chose."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers import PEERS, Outcome
from benchmarks.serving import Served, served
from benchmarks.timing import Subject, Table, Timed, interleave
from benchmarks.workers import Worker
from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from benchmarks.verify import Judge

FIRST, HOT, AGAIN, PROCESS = (
    "envkit, first call",
    "envkit, hot call",
    "envkit, same inputs again",
    "envkit, fresh process",
)
#: a served page stays fresh for the whole run: warm means warm, for everyone
FRESH = 86_400


@dataclass(slots=True)
class Result:
    """What one workload gave. ``pins`` and ``peaks`` (bytes) are by subject; ``ratios`` are to uv."""

    workload: Workload
    warm: Table
    cold: Table
    pins: dict[str, Mapping[str, str] | None] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)
    #: subjects that found out that there is no resolution
    impossible: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    #: what each subject asked of the index: in its first turn, which fills its cache, and in its last one, which is warm
    requests: dict[str, tuple[int, int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        workload = self.workload
        return {
            "name": workload.name,
            "requirements": list(workload.requirements),
            "exclude_newer": workload.exclude_newer,
            "origin": workload.origin,
            "warm": self.warm.to_dict(),
            "cold": self.cold.to_dict(),
            "pins": {name: dict(pins) if pins is not None else None for name, pins in self.pins.items()},
            "errors": self.errors,
            "peak_bytes": self.peaks,
            "problems": self.problems,
            "differences_to_uv": self.differences,
            "misses": self.misses,
            "requests": self.requests,
        }


@dataclass(frozen=True, slots=True)
class Options:
    """How to time: *rounds* per subject, *slow_rounds* for peers that take seconds, bounds in seconds."""

    rounds: int = 9
    slow_rounds: int = 3
    timeout: float = 300.0
    budget: float = 120.0
    peers: tuple[str, ...] = ("uv", "pip", "envkit")
    cold: bool = True
    recording: Path | None = None
    #: a database in front of the live index, which serves in place of a recording
    fill: Path | None = None


def time_workload(workload: Workload, options: Options) -> tuple[Result, dict[str, Outcome]]:
    """Time *workload*; the first turn of each peer fills its cache and is not counted. `complete` adds to the result.

    This stays a small process: the peak memory of a child starts at what its parent held when it was started.
    """
    with (
        served(options.recording, max_age=FRESH, fill=options.fill) as index,
        tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder,
    ):
        bench = _Bench(workload, index, Path(folder), options)
        try:
            warm = interleave(bench.warm(), rounds=options.rounds, warmup=1, budget=options.budget)
            cold = interleave(bench.cold(), rounds=options.rounds, warmup=0, budget=options.budget)
        finally:
            bench.close()
        result = Result(workload, warm, cold if options.cold else Table())
        result.misses = sorted(index.stats()["misses"])
        result.requests = bench.requests
    return result, bench.outcomes


class _Bench:
    """The subjects of one workload, and what each of them last answered."""

    def __init__(self, workload: Workload, index: Served, folder: Path, options: Options) -> None:
        self.workload, self.index, self.folder, self.options = workload, index, folder, options
        self.outcomes: dict[str, Outcome] = {}
        self.requests: dict[str, tuple[int, int]] = {}
        self._numbers = itertools.count()
        self._workers: list[Worker] = []

    def warm(self) -> dict[str, Subject]:
        """Give the subjects that keep their cache from turn to turn."""
        subjects: dict[str, Subject] = {}
        for name in self.options.peers:
            label = PROCESS if name == "envkit" else name
            peer = PEERS[name](self.index.url, self.folder / name, self.options.timeout)
            rounds = None if name in ("uv", "envkit") else self.options.slow_rounds
            subjects[label] = self._subject(label, lambda peer=peer: peer.resolve(self.workload), rounds)
        if "envkit" in self.options.peers:
            cache = self.folder / "envkit"
            subjects[FIRST] = Subject(self._in_worker(FIRST), prepare=lambda: self._fresh(cache), finish=self._done)
            resident: list[Worker] = []

            def hot() -> Worker:
                if not resident:
                    resident.append(self._worker(cache))
                    resident[0].resolve(self.workload)
                return resident[0]

            subjects[HOT] = Subject(self._in_worker(HOT, anew=True), prepare=hot)
            subjects[AGAIN] = Subject(self._in_worker(AGAIN), prepare=hot)
        return subjects

    def cold(self) -> dict[str, Subject]:
        """Give the subjects that start with an empty cache each time."""
        subjects: dict[str, Subject] = {}
        if not self.options.cold:
            return subjects
        for name in self.options.peers:
            if name not in ("uv", "envkit"):
                continue
            label = PROCESS if name == "envkit" else name

            def resolve(name: str = name) -> Outcome:
                return PEERS[name](self.index.url, self._new_folder(), self.options.timeout).resolve(self.workload)

            subjects[label] = self._subject(f"{label}, cold", resolve, None)
        if "envkit" in self.options.peers:
            subjects[FIRST] = Subject(
                self._in_worker(f"{FIRST}, cold"), prepare=lambda: self._fresh(self._new_folder()), finish=self._done
            )
        return subjects

    def _subject(self, label: str, resolve: Callable[[], Outcome], rounds: int | None) -> Subject:
        def run() -> Timed:
            before = self.index.requests()
            outcome = resolve()
            asked = self.index.requests() - before
            self.requests[label] = (self.requests.get(label, (asked,))[0], asked)
            return self._note(label, outcome)

        return Subject(run, rounds=rounds)

    def _in_worker(self, label: str, *, anew: bool = False) -> Callable[[Worker], Timed]:
        def run(worker: Worker) -> Timed:
            outcome = worker.resolve(self.workload, anew=anew)
            return Timed(self._note(label, outcome).seconds, worker)

        return run

    def _note(self, label: str, outcome: Outcome) -> Timed:
        known = self.workload.impossible or (self.options.fill is not None and outcome.impossible)
        if outcome.pins is None and not known:
            self.outcomes.setdefault(label, outcome)
            raise RuntimeError(outcome.error)
        self.outcomes[label] = outcome
        return Timed(outcome.seconds)

    def _worker(self, cache: Path) -> Worker:
        self._workers.append(Worker(self.index.url, cache))
        return self._workers[-1]

    def _fresh(self, cache: Path) -> Worker:
        return self._worker(cache)

    def _done(self, worker: Worker) -> None:
        worker.close()
        self._workers.remove(worker)

    def _new_folder(self) -> Path:
        return self.folder / f"cold-{next(self._numbers)}"

    def close(self) -> None:
        """End the workers that are left."""
        for worker in self._workers:
            worker.close()


def complete(result: Result, outcomes: Mapping[str, Outcome], judge: Judge) -> None:
    """Check all pins, and compare envkit's with uv's."""
    for label, outcome in outcomes.items():
        result.pins[label], result.peaks[label] = outcome.pins, outcome.peak
        if outcome.impossible:
            result.impossible.append(label)
        if outcome.error is not None:
            result.errors[label] = outcome.error
        if outcome.pins is not None:
            problems = judge.problems(result.workload, outcome.pins)
            if problems:
                result.problems[label] = problems
    theirs = result.pins.get("uv")
    ours = result.pins.get(PROCESS) or result.pins.get(FIRST)
    if theirs is None or ours is None:
        return
    for name in sorted(set(theirs) | set(ours)):
        uv, envkit = theirs.get(name), ours.get(name)
        if uv != envkit:
            result.differences.append(
                {
                    "name": name,
                    "uv": uv,
                    "envkit": envkit,
                    "uv's excluded here by": judge.blockers(result.workload, ours, name, uv) if uv else [],
                    "envkit's excluded there by": judge.blockers(result.workload, theirs, name, envkit)
                    if envkit
                    else [],
                }
            )
