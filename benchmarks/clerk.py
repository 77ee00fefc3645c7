"""Judges results and writes reports, in a process of its own, which may be as large as it likes.

The process that starts the peers must stay small: the peak memory of a child starts at what its parent held.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import Outcome
from benchmarks.resolving import Result, complete


class _Clerk:
    def __init__(self, facts: dict[str, Any], recording: Path, live: bool) -> None:
        from benchmarks.recording import read_recording
        from benchmarks.verify import Judge

        self.facts = facts
        if live:
            from benchmarks.live_source import Kept

            self.judge = Judge(Kept(recording))
        else:
            self.judge = Judge(read_recording(recording))
        self.results: list[Result] = []


_clerks: list[_Clerk] = []


def start(facts: dict[str, Any], recording: Path, live: bool = False) -> None:
    """Read the recording, or, if *live*, the database of the live index; *facts* are those of the machine."""
    _clerks.append(_Clerk(facts, recording, live))


def file_result(result: Result, outcomes: Mapping[str, Outcome], folder: Path, name: str) -> tuple[str, bool]:
    """Judge a result, write the report of all so far, and give it, and whether any pins are no resolution."""
    from benchmarks import report

    clerk = _clerks[0]
    complete(result, outcomes, clerk.judge)
    clerk.results.append(result)
    text = report.write(clerk.results, clerk.facts, folder, name)
    return text, any(result.problems for result in clerk.results)
