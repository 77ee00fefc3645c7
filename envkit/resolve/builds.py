"""Builds that failed while something was resolved: what they said last, for the error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from envkit.errors import WheelBuildError
from envkit.model.secret import last_lines
from envkit.resolve.problem import Problem

MAX_BUILDS = 3
SHOWN_LINES = 8
KEPT_LINES = 20


def failed_builds(problem: Problem, names: Iterable[str]) -> tuple[WheelBuildError, ...]:
    """Give the first failed build of each of these projects; not where none was begun."""
    failed = problem.catalog.failed
    found = [next(iter(failed[name].values())) for name in dict.fromkeys(names) if name in failed]
    return tuple(error for error in found if error.output.strip())[:MAX_BUILDS]


def as_data(builds: Iterable[WheelBuildError]) -> tuple[Mapping[str, Any], ...]:
    """Give them as plain data."""
    return tuple(
        {
            "subject": error.context.get("subject"),
            "reason": error.context.get("reason"),
            "returncode": error.returncode,
            "last_lines": last_lines(error.output, KEPT_LINES),
            "log": error.log,
        }
        for error in builds
    )


def tails(builds: Iterable[WheelBuildError]) -> str:
    """Give what they said last, below the message; "" where there is none."""
    return "".join(
        "\n".join((f"\n\nthe build of {error.context.get('subject')} ended with", *_indented(error)))
        for error in builds
    )


def where(builds: Iterable[WheelBuildError]) -> str | None:
    """Say where their whole output is."""
    logs = [error.log for error in builds if error.log is not None]
    return f"the whole output of the build is in {' and '.join(logs)}" if logs else None


def _indented(error: WheelBuildError) -> list[str]:
    return [f"    {line}" for line in last_lines(error.output, SHOWN_LINES)]
