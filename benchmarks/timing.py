"""Interleaved timing: A B C, B C A, C A B, so that a busy minute of the machine falls on all subjects alike.

Ratios between subjects of one table mean something; times from different tables do not.

>>> table = interleave({"sum": lambda: sum(range(1000)), "max": lambda: max(range(1000))}, rounds=7)
>>> table.ratio("sum", "max") > 0
True
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Timed:
    """What a subject returns that has measured itself, for example in another process: this counts, not the wall here."""

    seconds: float
    result: Any = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to time.

    ``prepare`` runs before each round, untimed, and what it returns is handed to ``run`` (a fresh environment folder, an
    empty cache); without it ``run`` takes no argument. ``finish`` gets the result of ``run``, untimed: check it there.
    ``rounds`` caps the rounds of a slow subject, ``loops`` repeats a fast one inside one sample.
    """

    run: Callable[..., Any]
    prepare: Callable[[], Any] | None = None
    finish: Callable[[Any], None] | None = None
    rounds: int | None = None
    loops: int = 1

    def sample(self) -> float:
        """Time one run, in seconds."""
        arguments = () if self.prepare is None else (self.prepare(),)
        run, loops, result = self.run, self.loops, None
        gc.collect()
        start = time.perf_counter()
        for _ in range(loops):
            result = run(*arguments)
        elapsed = (time.perf_counter() - start) / loops
        if isinstance(result, Timed):
            elapsed, result = result.seconds, result.result
        if self.finish is not None:
            self.finish(result)
        return elapsed


@dataclass(frozen=True, slots=True)
class Row:
    """The samples of one subject, in seconds, in the order in which they were taken."""

    name: str
    samples: tuple[float, ...]
    error: str | None = None

    @property
    def median(self) -> float:
        return median(self.samples) if self.samples else float("nan")

    @property
    def min(self) -> float:
        return min(self.samples, default=float("nan"))

    @property
    def max(self) -> float:
        return max(self.samples, default=float("nan"))

    def to_dict(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": self.name, "rounds": len(self.samples), "samples": list(self.samples)}
        if self.samples:
            facts |= {"median": self.median, "min": self.min, "max": self.max}
        if self.error is not None:
            facts["error"] = self.error
        return facts


@dataclass(frozen=True, slots=True)
class Table:
    """What one interleaved run gave: subject name -> row."""

    rows: Mapping[str, Row] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Row:
        return self.rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self.rows

    def ratio(self, name: str, base: str) -> float:
        """Give the median of *name* divided by the median of *base*: below 1 means that *name* is faster."""
        return self.rows[name].median / self.rows[base].median

    def to_dict(self) -> dict[str, Any]:
        return {"rows": [row.to_dict() for row in self.rows.values()]}

    def markdown(self, base: str | None = None, title: str = "") -> str:
        """Give the table as Markdown, with the ratio of each subject to *base* in the last column."""
        lines = [
            f"| {title or 'subject'} | median | min | max | rounds |" + (f" x {base} |" if base else ""),
            "|---|---:|---:|---:|---:|" + ("---:|" if base else ""),
        ]
        for row in self.rows.values():
            if row.error is not None:
                lines.append(f"| {row.name} | {row.error} | | | {len(row.samples)} |" + (" |" if base else ""))
                continue
            cells = [row.name, seconds(row.median), seconds(row.min), seconds(row.max), str(len(row.samples))]
            if base:
                cells.append(f"{self.ratio(row.name, base):.2f}" if base in self.rows else "")
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


def seconds(value: float) -> str:
    """Give a time with three digits and a fitting unit.

    >>> seconds(0.0421), seconds(3.2), seconds(0.0000052)
    ('42.1 ms', '3.2 s', '5.2 us')
    """
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}" if value * factor < 999.5 else f"{value * factor:.0f} {unit}"
    return f"{value * 1e6:.3g} us"


def interleave(
    subjects: Mapping[str, Callable[[], Any] | Subject],
    *,
    rounds: int = 7,
    warmup: int = 1,
    budget: float | None = None,
) -> Table:
    """Time each subject *rounds* times, in turns, after *warmup* untimed turns each.

    Who goes first rotates from round to round. A subject that has used *budget* seconds in all stops taking samples
    (but always takes one). A subject that raises is out, and its row carries the error; the others go on.
    """
    prepared = {name: s if isinstance(s, Subject) else Subject(s) for name, s in subjects.items()}
    samples: dict[str, list[float]] = {name: [] for name in prepared}
    spent = dict.fromkeys(prepared, 0.0)
    errors: dict[str, str] = {}
    names = list(prepared)
    for turn in range(-warmup, rounds):
        shift = turn % len(names) if names else 0
        for name in names[shift:] + names[:shift]:
            subject = prepared[name]
            over = budget is not None and spent[name] > budget
            if name in errors or (samples[name] and over) or len(samples[name]) >= (subject.rounds or rounds):
                continue
            if turn < 0 and over:
                continue
            try:
                elapsed = subject.sample()
            except Exception as error:  # noqa: BLE001  one subject's failure is a row, not the end of the table
                errors[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                continue
            spent[name] += elapsed
            if turn >= 0:
                samples[name].append(elapsed)
    return Table({name: Row(name, tuple(samples[name]), errors.get(name)) for name in prepared})
