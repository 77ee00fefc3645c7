"""Choose the usable files of a project page, and say of each other file why it was passed over.

A chain of small checks, each with its reason; what remains is grouped by version, the preferred file first: by tag, then
by build tag, the sdist last.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TypeAlias

from packaging.version import Version

from envkit.model.candidate import Artifact, ProjectPage, Rejection
from envkit.model.identity import parse_version
from envkit.model.listing import Row, artifact_of, runs_of
from envkit.namedtuple import NamedTuple
from envkit.resolve.judging import Judge, Rank
from envkit.resolve.rules import Rules
from envkit.resolve.versions import SortKey, sort_key

_Usable: TypeAlias = tuple[Rank, Row, str | None]


class Release(NamedTuple):
    """One version with its usable files and where each is from, the preferred one first; *yanked* when all of them are.

    *text* is the version in its normal form.
    """

    text: str
    files: tuple[tuple[Row, str | None], ...]
    yanked: bool

    @property
    def version(self) -> Version:
        """The version as a value."""
        return parse_version(self.text)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files as values."""
        return tuple(artifact_of(row, index) for row, index in self.files)


def select(page: ProjectPage, rules: Rules) -> list[Release]:
    """Choose the usable files of *page*; the releases come in no order."""
    judge = Judge(page.name, rules)
    found: dict[str, list[_Usable]] = {}
    for rows, index in runs_of(page.artifacts):
        for row in judge.hopeful(rows):
            verdict = judge(row)
            if isinstance(verdict, tuple):
                text, rank = verdict
                known = found.get(text)
                if known is None:
                    found[text] = [(rank, row, index)]
                else:
                    known.append((rank, row, index))
    return [_release(*item) for item in _joined(found).items()]


def _joined(found: dict[str, list[_Usable]]) -> dict[str, list[_Usable]]:
    """Put files of one version under one text: "1.0" and "1.0.0" are the same version."""
    first: dict[SortKey, str] = {}
    for text in list(found):
        known = first.setdefault(sort_key(text), text)
        if known != text:
            found[known] += found.pop(text)
    return found


def rejected(page: ProjectPage, rules: Rules, among: Container[str] | None = None) -> tuple[Rejection, ...]:
    """Say why each file of *page* that cannot be used was passed over; of the files *among* these names where given."""
    judge = Judge(page.name, rules)
    found = [one for one in page.rejected if among is None or one.subject in among]
    for rows, _ in runs_of(page.artifacts):
        for row in rows:
            if among is None or row[0] in among:
                verdict = judge(row)
                if not isinstance(verdict, tuple):
                    found.append(Rejection(subject=row[0], reason=verdict.reason, detail=verdict.detail))
    return tuple(found)


def _release(text: str, files: list[_Usable]) -> Release:
    if len(files) == 1:
        ((_, row, index),) = files
        return Release(text, ((row, index),), row[5] is not None)
    wanted = [item for item in files if item[1][5] is None] or files
    if len(wanted) > 1:
        wanted.sort(key=lambda item: item[1][0])
        wanted.sort(key=lambda item: item[0].build, reverse=True)  # a higher build tag wins within one tag
        wanted.sort(key=lambda item: item[0].tag)
    return Release(text, tuple([item[1:] for item in wanted]), wanted[0][1][5] is not None)


def best_wheel(artifacts: Sequence[Artifact]) -> Artifact:
    """Give the artifact whose metadata is cheapest to read: the preferred wheel with a sidecar, a wheel, or the first."""
    wheels = [artifact for artifact in artifacts if artifact.is_wheel]
    return next((item for item in wheels if item.metadata is not None), wheels[0] if wheels else artifacts[0])
