"""Which sources make up a project: the strategy over several indexes, pins, linked indexes, and their merged page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from envkit.model.identity import normalize

if TYPE_CHECKING:
    from envkit.index.sources import Source
    from envkit.model.candidate import ProjectPage, Rejection
    from envkit.model.listing import Row, Run
    from envkit.model.source import Index

IndexStrategy = Literal["first-index", "unsafe-first-match", "unsafe-best-match"]
Chosen: TypeAlias = "list[tuple[Source, str]]"
"""Sources that were asked, with the identity of the project's page there, "" where it has none."""


class Sources:
    """All sources of a client, and the rule by which a project is put together from them.

    Places of links always take part, and first. Of the indexes it is those that the project is pinned to, else all that
    are not explicit: under ``first-index`` only up to the first that has the project, which is what keeps a public
    project from taking the place of a private one.
    """

    def __init__(
        self, indexes: Sequence[Index], sources: Sequence[Source], links: Sequence[Source], strategy: IndexStrategy
    ) -> None:
        self._links = tuple(links)
        self._pins = _pins(indexes, sources)
        self._open = tuple(source for index, source in zip(indexes, sources, strict=True) if not index.explicit)
        self._strategy: IndexStrategy = strategy

    def choose(self, project: str, ask: Callable[[Source, str], str | None]) -> Chosen | None:
        """Give the sources whose pages make up the project, with identities; None where *ask* gives None for one."""
        chosen: Chosen = []
        for source in self._links:
            state = ask(source, project)
            if state is None:
                return None
            chosen.append((source, state))
        indexes = self._pins.get(project, self._open)
        for at, source in enumerate(indexes):
            state = ask(source, project)
            if state is None:
                return None
            chosen.append((source, state))
            if state and self._strategy == "first-index":
                return self._add_linked(chosen, source, indexes[at + 1 :], project, ask)
        return chosen

    def unasked(self, project: str, ask: Callable[[Source, str], str | None]) -> dict[str, str]:
        """Give the indexes that were not asked, as an earlier one has the project, each with that one's label."""
        indexes = self._pins.get(project, self._open) if self._strategy == "first-index" else ()
        for at, source in enumerate(indexes):
            state = ask(source, project)
            if state is None:
                break
            if state:
                others = indexes[at + 1 :]
                read = {one.label for one, _ in self._add_linked([(source, state)], source, others, project, ask) or ()}
                return {other.label: source.label for other in others if other.label not in read}
        return {}

    def _add_linked(
        self,
        chosen: Chosen,
        winner: Source,
        others: Sequence[Source],
        project: str,
        ask: Callable[[Source, str], str | None],
    ) -> Chosen | None:
        """Add the indexes of which the first one says that they have the same project (PEP 708)."""
        linked = winner.linked(project) if others else ()
        for other in others:
            if linked and other.serves_one_of(linked, project):
                state = ask(other, project)
                if state is None:
                    return None
                if state and (winner.tracks_one_of(other, project) or other.agrees_with(winner, project)):
                    chosen.append((other, state))
        return chosen


def _pins(indexes: Sequence[Index], sources: Sequence[Source]) -> dict[str, tuple[Source, ...]]:
    pins: dict[str, tuple[Source, ...]] = {}
    for index, source in zip(indexes, sources, strict=True):
        for project in map(normalize, index.projects):
            pins[project] = (*pins.get(project, ()), source)
    return pins


def combine(project: str, chosen: Chosen | None) -> str | None:
    """Give the identity of the whole; None where one source's is not known."""
    if chosen is None:
        return None
    # The names of the sources are part of it: they are part of the artifacts, and of whatever is kept under an identity.
    states = [f"{source.label}={state}" for source, state in chosen if state]
    return " ".join(states) or f"{project}:absent"


def merge(project: str, identity: str, sources: Sequence[Source]) -> ProjectPage:
    """Give one page of all *sources*; of files with one name the first source's is kept. Raises `TransportError`."""
    from envkit.model.candidate import ProjectPage, Rejection  # a resolution from digests reads no page
    from envkit.model.listing import Listing

    pages = [(source, source.page(project)) for source in sources]
    if len(pages) == 1:
        source, page = pages[0]
        artifacts, rejected = page.artifacts(source.label), page.rejections()
    else:
        seen: dict[str, Source] = {}
        runs: list[Run] = []
        hidden: list[Rejection] = []
        for source, page in pages:
            kept: list[Row] = []
            for row in page.rows:
                first = seen.setdefault(row[0], source)
                if first is source:
                    kept.append(row)
                else:
                    detail = f"{first.label} has it as well"
                    hidden.append(Rejection(subject=row[0], reason="hidden-by-index", detail=detail))
            runs.append((kept, source.label))
            hidden.extend(page.rejections())
        artifacts, rejected = Listing(*runs), tuple(hidden)
    first_source, first_page = pages[-1] if len(pages) == 1 else pages[0]
    return ProjectPage(
        name=project,
        artifacts=artifacts,
        identity=identity,
        rejected=rejected,
        index=first_source.label,
        status=first_page.status,
        status_reason=first_page.status_reason,
    )
