"""Builds that are wired only when something has to be built: most resolutions and installations never do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.kit.builds import Builds
    from envkit.model.candidate import Artifact, CoreMetadata
    from envkit.resolve.ports import DirectCandidate, DirectRequest


class DeferredBuilds:
    """Implements ``Builder`` of `envkit.kit.source` by what *make* gives."""

    def __init__(self, make: Callable[[], Builds]) -> None:
        self._make = make

    def sdist_metadata(self, artifact: Artifact) -> CoreMetadata:
        """Give the metadata of an sdist."""
        return self._make().sdist_metadata(artifact)

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names."""
        return self._make().direct(request)
