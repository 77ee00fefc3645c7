"""Walk ahead of the solver where things must be fetched: as many pages and metadata at once as are known to be needed.

Guesses the most wanted version of each project and follows what it needs. Whatever is read stays in the catalog; nothing
is decided here, so an answer cannot depend on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from envkit.errors import Cancelled, EnvkitError, IndexAccessError, ResolutionTooDeep
from envkit.resolve.catalog import Catalog
from envkit.resolve.dependencies import Dependency, Unusable
from envkit.resolve.digest import Releases
from envkit.resolve.inputs import Inputs

MAX_PROJECTS = 2_000
LOOKED_AT = 16
"""How many projects are looked at to find one whose page has arrived."""


class Scout:
    """One walk from the roots; called by the catalog when the first thing is not at hand."""

    def __init__(self, catalog: Catalog, inputs: Inputs) -> None:
        self._catalog = catalog
        self._inputs = inputs
        self._lowest = catalog.rules.policy.strategy == "lowest"
        self._constraints: dict[str, list[Dependency]] = {}
        for row in inputs.constraints:
            self._constraints.setdefault(row.name, []).append(row)
        self._rows: dict[str, list[Dependency]] = {}
        self._guesses: dict[str, int] = {}
        self._followed: set[tuple[str, str]] = set()
        self._pages: deque[str] = deque()
        self._metadata: deque[str] = deque()

    def __call__(self) -> None:
        """Walk until nothing new is met. Errors are left to the solver, who may not need what failed.

        Nothing waits for a whole wave: a page that is there is looked at while others are on their way, and what its
        metadata names is asked for as soon as that is there.
        """
        self._meet(self._inputs.roots)
        while self._pages or self._metadata:
            name = self._arrived()
            if name is not None:
                self._guess_one(name)
            else:
                self._follow_one(self._metadata.popleft())

    def _arrived(self) -> str | None:
        """Take a project whose page is there, else wait for the first one where there is nothing else to do."""
        identity = self._catalog.source.page_identity
        for _ in range(min(len(self._pages), LOOKED_AT)):
            if identity(self._pages[0]) is not None:
                return self._pages.popleft()
            self._pages.rotate(-1)
        return self._pages.popleft() if not self._metadata else None

    def _meet(self, rows: Iterable[Dependency]) -> None:
        """Ask for the pages of projects that are new, and follow extras of those that are not."""
        new: list[str] = []
        for row in self._kept(rows):
            known = self._rows.setdefault(row.name, [])
            if not known and len(self._rows) < MAX_PROJECTS:
                new.append(row.name)
            elif row.extras and row.name in self._guesses and row.name not in self._metadata:
                self._metadata.append(row.name)
            known.append(row)
        self._catalog.prefetch(new)
        self._pages += new

    def _guess_one(self, name: str) -> None:
        at = self._guess(name, self._rows[name])
        if at is not None:
            self._guesses[name] = at
            self._catalog.prefetch_metadata(name, (at,))
            self._metadata.append(name)

    def _follow_one(self, name: str) -> None:
        self._meet(self._follow(name, self._guesses[name], self._rows[name], self._followed))

    def _kept(self, rows: Iterable[Dependency]) -> Sequence[Dependency]:
        inputs = self._inputs
        replaced = (new for row in rows for new in inputs.overrides.get(row.name, (row,)))
        return [row for row in replaced if row.url is None and row.name not in inputs.excluded]

    def _guess(self, name: str, rows: Sequence[Dependency]) -> int | None:
        try:
            releases = self._catalog.releases(name)
            mask = releases.line.mask("") & ~releases.yanked
            for row in (*rows, *self._constraints.get(name, ())):
                mask &= releases.line.mask(row.specifier)
        except (Cancelled, ResolutionTooDeep):
            raise
        except IndexAccessError as error:
            self._catalog.unreadable[name] = error  # every attempt was made: the solver need not make them all again
            return None
        except EnvkitError:
            return None
        return self._best(name, releases, mask)

    def _best(self, name: str, releases: Releases, mask: int) -> int | None:
        preferred = self._inputs.preferences.get(name)
        at = releases.line.index(preferred) if preferred is not None else None
        if at is not None and mask >> (at + 1) & 1:
            return at
        if self._catalog.rules.policy.prereleases != "allow":
            mask = mask & ~releases.prereleases or mask
        if not mask:
            return None
        return ((mask & -mask).bit_length() if self._lowest else mask.bit_length()) - 2

    def _follow(
        self, name: str, at: int, rows: Sequence[Dependency], followed: set[tuple[str, str]]
    ) -> Sequence[Dependency]:
        wanted = {(name, ""), *((name, extra) for row in rows for extra in row.extras)} - followed
        if not wanted:
            return ()
        followed |= wanted
        try:
            found = self._catalog.dependencies(name, at)
        except (Cancelled, ResolutionTooDeep):
            raise
        except EnvkitError:
            return ()
        if isinstance(found, Unusable):
            return ()
        by_extra: Mapping[str, Sequence[Dependency]] = found.extras
        return [row for _, extra in sorted(wanted) for row in (by_extra.get(extra, ()) if extra else found.base)]
