"""Walk ahead of the solver where things must be fetched: whole waves of pages and metadata at once.

Guesses the most wanted version of each project and follows what it needs. Whatever is read stays in the catalog; nothing
is decided here, so an answer cannot depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envkit.errors import Cancelled, EnvkitError
from envkit.resolve.catalog import Catalog
from envkit.resolve.dependencies import Dependency, Unusable
from envkit.resolve.digest import Releases
from envkit.resolve.inputs import Inputs

MAX_PROJECTS = 2_000


class Scout:
    """One walk from the roots; called by the catalog when the first thing is not at hand."""

    def __init__(self, catalog: Catalog, inputs: Inputs) -> None:
        self._catalog = catalog
        self._inputs = inputs
        self._lowest = catalog.rules.policy.strategy == "lowest"
        self._constraints: dict[str, list[Dependency]] = {}
        for row in inputs.constraints:
            self._constraints.setdefault(row.name, []).append(row)

    def __call__(self) -> None:
        """Walk until nothing new is met. Errors are left to the solver, who may not need what failed."""
        done: dict[str, int] = {}
        followed: set[tuple[str, str]] = set()
        wave = self._kept(self._inputs.roots)
        while wave and len(done) < MAX_PROJECTS:
            self._catalog.prefetch(dict.fromkeys(row.name for row in wave))
            by_name: dict[str, list[Dependency]] = {}
            for row in wave:
                by_name.setdefault(row.name, []).append(row)
            for name, rows in by_name.items():
                if name not in done:
                    at = self._guess(name, rows)
                    if at is not None:
                        done[name] = at
                        self._catalog.prefetch_metadata(name, (at,))
            found: list[Dependency] = []
            for name, rows in by_name.items():
                if name in done:
                    found += self._follow(name, done[name], rows, followed)
            wave = self._kept(found)

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
        except Cancelled:
            raise
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
        except Cancelled:
            raise
        except EnvkitError:
            return ()
        if isinstance(found, Unusable):
            return ()
        by_extra: Mapping[str, Sequence[Dependency]] = found.extras
        return [row for _, extra in sorted(wanted) for row in (by_extra.get(extra, ()) if extra else found.base)]
