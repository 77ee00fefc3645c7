"""Which installed distributions have a newer version on the indexes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from packaging.version import InvalidVersion, Version

from envkit.dataclass import dataclass
from envkit.environment.environment import Environment
from envkit.errors import ProjectNotFound
from envkit.inspection.report import Listed
from envkit.model.identity import normalize
from envkit.model.target import Target
from envkit.model.values import Value
from envkit.resolve.rules import Rules
from envkit.resolve.selection import select

if TYPE_CHECKING:
    from envkit.kit.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated(Value):
    """*name* is installed as *version*, with *row* in a list; *latest* is the newest that fits, as a file of that *kind*."""

    name: str
    version: str
    latest: Version
    kind: Literal["wheel", "sdist"]
    row: Listed

    def to_pip(self, *, verbose: bool = False) -> dict[str, str]:
        """Give it as ``pip list --outdated --format json`` prints it."""
        row = self.row.to_pip(verbose=verbose)
        place = row.pop("editable_project_location", None)
        row |= {"latest_version": str(self.latest), "latest_filetype": self.kind}
        return row if place is None else {**row, "editable_project_location": place}


def find_outdated(parts: Parts, env: Environment, rows: Iterable[Listed]) -> tuple[Outdated, ...]:
    """Compare *rows*, which are installed in *env*, with the indexes.

    Pre-releases count only where the policy allows them or one is installed; yanked files never; what no index knows is
    passed over. Raises `IndexAccessError` where an index cannot be read.
    """
    installed = {normalize(row.name): row for row in rows}
    rules = Rules(target=Target.of(env.interpreter), policy=parts.settings.policy, now=time.time())
    parts.client.prefetch_pages(installed)
    found: list[Outdated] = []
    for name, row in sorted(installed.items()):
        try:
            page = parts.client.project(name)
            here = Version(row.version)
        except (ProjectNotFound, InvalidVersion):
            continue
        early = parts.settings.policy.prereleases == "allow" or here.is_prerelease
        usable = [
            release
            for release in select(page, rules)
            if not release.yanked and (early or not release.version.is_prerelease)
        ]
        newest = max(usable, key=lambda release: release.version, default=None)
        if newest is not None and newest.version > here:
            kind: Literal["wheel", "sdist"] = "wheel" if newest.artifacts[0].is_wheel else "sdist"
            found.append(Outdated(name=row.name, version=row.version, latest=newest.version, kind=kind, row=row))
    return tuple(found)
