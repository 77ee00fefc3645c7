"""What indexes say of installed distributions of which nobody wrote down where they came from."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from envkit.dataclass import replace
from envkit.errors import ProjectNotFound
from envkit.model.candidate import Artifact

if TYPE_CHECKING:
    from envkit.index.client import IndexClient
    from envkit.wheels.pool import WheelPool


class IndexLookup:
    """Implements the freezer's `FileLookup` over the client of the indexes and the wheel pool."""

    def __init__(self, client: IndexClient, pool: WheelPool) -> None:
        self._client = client
        self._pool = pool

    def files(self, name: str, version: str) -> tuple[Artifact, ...]:
        """See `FileLookup`."""
        try:
            found = self._client.files(name, version)
        except ProjectNotFound:
            return ()
        return tuple(artifact if artifact.hashes else self._hashed(artifact) for artifact in found)

    def _hashed(self, artifact: Artifact) -> Artifact:
        # a folder or a plain page of links says no hashes, and a lock must have them
        with self._client.fetch(artifact).open("rb") as file:
            return replace(artifact, hashes={"sha256": hashlib.file_digest(file, "sha256").hexdigest()})

    def record(self, artifact: Artifact) -> Mapping[str, str]:
        """See `FileLookup`. What is not in the pool is fetched into it."""
        sha256 = artifact.hashes.get("sha256")
        wheel = self._pool.get(sha256) if sha256 is not None else None
        if wheel is None:
            owned = not artifact.url.startswith("file:")
            wheel = self._pool.add(self._client.fetch(artifact), filename=artifact.filename, sha256=sha256, owned=owned)
        rows = csv.reader(wheel.lib_rows.decode().splitlines())
        return {row[0]: row[1] for row in rows if len(row) > 1}
