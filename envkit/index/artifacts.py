"""Metadata and files of artifacts, kept consistent with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.cache import Cache
from envkit.errors import MetadataMismatch
from envkit.events import Emitter
from envkit.index.download import Downloader
from envkit.index.metadata import MetadataReader
from envkit.index.session import Session
from envkit.model.candidate import Artifact

if TYPE_CHECKING:
    from pathlib import Path


class ArtifactStore:
    """What `IndexClient` uses for single files; thread-safe."""

    def __init__(self, *, session: Session, cache: Cache, emitter: Emitter, offline: bool) -> None:
        self._downloader = Downloader(session=session, cache=cache, emitter=emitter, offline=offline)
        self._reader = MetadataReader(
            session=session, cache=cache, downloader=self._downloader, emitter=emitter, offline=offline
        )

    def has_metadata(self, artifact: Artifact) -> bool:
        """Whether metadata is at hand."""
        return self._reader.cached(artifact) is not None

    def metadata_at_hand(self, artifact: Artifact) -> bytes | None:
        """Give metadata without asking anyone, None where it is not at hand."""
        return self._reader.read_cached(artifact)

    def metadata(self, artifact: Artifact) -> bytes:
        """Give metadata; see `MetadataReader.read`."""
        return self._reader.read(artifact)

    def fetch(self, artifact: Artifact) -> Path:
        """Give the verified file whose metadata is what was said of it; see `Downloader.fetch`."""
        path = self._downloader.fetch(artifact)
        try:
            self._reader.confirm(artifact, str(path))
        except MetadataMismatch:
            self._downloader.forget(artifact)
            raise
        return path
