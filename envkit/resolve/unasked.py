"""Indexes that were not asked about a project, because an earlier one has it: what would fit may be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from envkit.model.candidate import Rejection
from envkit.resolve.problem import Problem

HINT = (
    "if versions of other indexes should count: put those indexes first, give the project to one of them "
    "(Index(..., projects=...)), or choose another index_strategy, such as 'unsafe-first-match'"
)
MAX_PROJECTS = 8


def unasked(problem: Problem, names: Iterable[str]) -> dict[str, tuple[Rejection, ...]]:
    """Give each of these projects of which some indexes do not count, with a reason for each of them."""
    ask: Callable[[str], Mapping[str, str]] = getattr(problem.catalog.source, "unasked", _nobody)
    found: dict[str, tuple[Rejection, ...]] = {}
    for name in dict.fromkeys(names):
        indexes = ask(name)
        if indexes and len(found) < MAX_PROJECTS:
            found[name] = tuple(
                Rejection(subject=index, reason="index-not-asked", detail=f"{first} comes first and has {name}")
                for index, first in indexes.items()
            )
    return found


def _nobody(name: str) -> Mapping[str, str]:  # noqa: ARG001  what a source without indexes would say
    return {}


def unasked_lines(found: Mapping[str, tuple[Rejection, ...]]) -> list[str]:
    """Say so in a line for each project."""
    return [
        f"{' and '.join(one.subject for one in rejections)} was not asked about {name}: {rejections[0].detail}"
        for name, rejections in found.items()
    ]
