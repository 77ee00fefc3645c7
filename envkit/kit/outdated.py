"""Which installed distributions have a newer version on the indexes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from packaging.version import InvalidVersion, Version

from envkit.environment.environment import Environment
from envkit.errors import ProjectNotFound
from envkit.model.identity import normalize
from envkit.model.target import Target
from envkit.model.values import Value
from envkit.resolve.rules import Rules
from envkit.resolve.selection import select

if TYPE_CHECKING:
    from envkit.kit.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated(Value):
    """*name* is installed as *version*; *latest* is the newest that fits, as a file of that *kind*."""

    name: str
    version: str
    latest: Version
    kind: Literal["wheel", "sdist"]


def find_outdated(parts: Parts, env: Environment) -> tuple[Outdated, ...]:
    """Compare what is installed with the indexes.

    Pre-releases count only where the policy allows them or one is installed; yanked files never; what no index knows is
    passed over. Raises `IndexAccessError` where an index cannot be read.
    """
    installed = {normalize(dist.name): dist for dist in env.distributions() if not dist.editable}
    rules = Rules(target=Target.of(env.interpreter), policy=parts.settings.policy, now=datetime.now(UTC))
    parts.client.prefetch_pages(installed)
    found: list[Outdated] = []
    for name, dist in sorted(installed.items()):
        try:
            page = parts.client.project(name)
            here = Version(dist.version)
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
            found.append(Outdated(name=dist.name, version=dist.version, latest=newest.version, kind=kind))
    return tuple(found)
