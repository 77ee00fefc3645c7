"""Candidates whose files have the hashes that a file of requirements names, also where their index says none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from envkit.dataclass import replace
from envkit.index.views import version_of
from envkit.kit.direct_hashes import digests_of
from envkit.kit.source import IndexSource
from envkit.model.candidate import Artifact, ProjectPage
from envkit.model.identity import normalize
from envkit.model.requirement import RequirementLike, parse_requirement

if TYPE_CHECKING:
    from envkit.index.client import IndexClient

_MARK = "+hashed"


class HashedSource(IndexSource):
    """Like `IndexSource`; files of the projects in *hashes* get digests of the algorithms that are asked for there.

    An index that gives other hashes, or a folder, which gives none, would otherwise have no file that is allowed. Files of
    this machine are read, those of servers fetched if they are of a version that *requirements* pin, as pip does.
    """

    def __init__(
        self,
        client: IndexClient,
        digests: Any,
        builder: Any,
        *,
        hashes: Mapping[str, tuple[str, ...]],
        requirements: Iterable[RequirementLike],
    ) -> None:
        super().__init__(client, digests, builder)
        self._fetch = client.fetch
        self._algorithms = {
            name: tuple(sorted({text.partition(":")[0] for text in allowed})) for name, allowed in hashes.items()
        }
        self._pinned = _pinned(requirements)

    def page_identity(self, name: str) -> str | None:
        """Give the identity of the fresh cached page, another one than without hashes."""
        identity = super().page_identity(name)
        return identity + _MARK if identity is not None and normalize(name) in self._algorithms else identity

    def page(self, name: str) -> ProjectPage:
        """Give the page, with hashes."""
        page = super().page(name)
        algorithms = self._algorithms.get(page.name)
        if algorithms is None:
            return page
        artifacts = tuple(self._hashed(page.name, artifact, algorithms) for artifact in page.artifacts)
        return replace(page, artifacts=artifacts, identity=page.identity + _MARK)

    def _hashed(self, name: str, artifact: Artifact, algorithms: tuple[str, ...]) -> Artifact:
        if not artifact.hashes.keys().isdisjoint(algorithms):
            return artifact
        local = artifact.url.startswith("file:")
        if not local and str(version_of(artifact, name)) not in self._pinned.get(name, ()):
            return artifact
        return replace(artifact, hashes={**artifact.hashes, **digests_of(self._fetch(artifact), algorithms)})


def _pinned(requirements: Iterable[RequirementLike]) -> dict[str, set[str]]:
    """Give the versions that are asked for with ``==``, as normalized texts by name."""
    found: dict[str, set[str]] = {}
    for item in requirements:
        if isinstance(item, str) and "://" not in item and "==" in item:
            wanted = parse_requirement(item)
            for specifier in wanted.specifier:
                if specifier.operator in ("==", "===") and not specifier.version.endswith(".*"):
                    found.setdefault(normalize(wanted.name), set()).add(_text(specifier.version))
    return found


def _text(version: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version))
    except InvalidVersion:
        return version
