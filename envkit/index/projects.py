"""The pages of projects over all sources of a client: identities, prefetching, and one merged page each."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from envkit.errors import ProjectNotFound
from envkit.index.strategy import Sources, combine, merge
from envkit.model.identity import normalize

if TYPE_CHECKING:
    from envkit.events import Emitter
    from envkit.index.sources import Source
    from envkit.index.workers import Workers
    from envkit.model.candidate import ProjectPage

_LOCAL_SECONDS = 2.0
_NAMES = 50_000
"""Names whose page's identity is kept in memory."""
_MEMO = 40_000
"""Files whose values are kept in memory, in all."""


class Projects:
    """What `IndexClient` says of projects; thread-safe."""

    def __init__(self, sources: Sources, workers: Workers, *, emitter: Emitter, offline: bool) -> None:
        self._sources = sources
        self._workers = workers
        self._emitter = emitter
        self._offline = offline
        self._identities: dict[str, tuple[float, str]] = {}
        self._pages: dict[str, ProjectPage] = {}
        self._remembered = 0

    def identity(self, name: str) -> str | None:
        """See `IndexClient.page_identity`."""
        known = self._identities.get(name)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        project = normalize(name)
        found = combine(project, self._sources.choose(project, _fresh))
        if found is not None:
            if len(self._identities) >= _NAMES:
                self._identities.clear()
            self._identities[name] = (time.monotonic() + _LOCAL_SECONDS, found)
        return found

    def page(self, name: str) -> ProjectPage:
        """See `IndexClient.project`."""
        project = normalize(name)
        self._emitter.check()
        if self.identity(project) is not None:
            return self._assemble(project)
        if not _is_project_name(project):
            raise ProjectNotFound(f"{project[:100]!r} is not a name of a project", context={"project": project[:100]})
        settle = functools.partial(self._settle_page, project)
        self._workers.submit(("page", project), settle, urgent=True).result(self._emitter.cancel)
        return self._assemble(project)

    def unasked(self, name: str) -> dict[str, str]:
        """See `IndexClient.unasked`."""
        return self._sources.unasked(normalize(name), _fresh)

    def prefetch(self, names: Iterable[str]) -> None:
        """See `IndexClient.prefetch_pages`."""
        for name in names:
            if self._offline or (self._emitter.cancel is not None and self._emitter.cancel.cancelled):
                return
            project = normalize(name)
            if _is_project_name(project) and self.identity(project) is None:
                self._workers.submit(("page", project), functools.partial(self._settle_page, project))

    def _settle_page(self, project: str) -> None:
        self._sources.choose(project, _settle)

    def _assemble(self, project: str) -> ProjectPage:
        chosen = self._sources.choose(project, _settle)
        assert chosen is not None
        identity = combine(project, chosen)
        assert identity is not None
        if not any(state for _, state in chosen):
            labels = tuple(source.label for source, _ in chosen)
            asked = f"asked: {', '.join(labels[:5])}{', ...' if labels[5:] else ''}" if labels else "none was given"
            raise ProjectNotFound(
                f"no index has the project {project} ({asked})",
                hint=None if labels else "give indexes or find-links places",
                context={"project": project, "indexes": labels},
            )
        known = self._pages.get(project)
        if known is not None and known.identity == identity:
            return known
        page = merge(project, identity, [source for source, state in chosen if state])
        self._remembered += len(page.artifacts) + 16
        if self._remembered > _MEMO:
            self._pages, self._remembered = {}, 0
        self._pages[project] = page
        return page


def _is_project_name(project: str) -> bool:
    return len(project) <= 200 and project.isascii() and project.replace("-", "").isalnum()


def _fresh(source: Source, project: str) -> str | None:
    return source.fresh_identity(project)


def _settle(source: Source, project: str) -> str | None:
    return source.identity(project)
