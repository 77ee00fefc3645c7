"""What resolving needs from outside: where candidates, their metadata and direct references come from.

`CandidateSource` is the whole seam. ``envkit.kit.source`` implements it over an index client and a cache,
``envkit.testing.source`` in memory. The solver calls it from one thread, except for the two ``prefetch`` methods,
which only hint and return at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from packaging.version import Version

from envkit.dataclass import dataclass
from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage
from envkit.model.source import Origin
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRequest(Value):
    """A requirement that names a place instead of a version: ``name @ url``, a path, an editable, a VCS URL.

    *url* is as written, with its fragment (``#subdirectory=...&sha256=...``), or the ``file:`` URL of a path; *name* is
    the normalized name where the requirement gave one.
    """

    url: str
    name: str | None = None
    editable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectCandidate(Value):
    """What a direct request turned out to be.

    *name* is normalized and *metadata* is the wheel's or the built one. *artifacts* holds the archive for archives (with
    the hash of what was read) and is empty for a directory or a VCS checkout, which are built from *origin*.
    """

    name: str
    version: Version
    origin: Origin
    metadata: CoreMetadata
    artifacts: tuple[Artifact, ...] = ()


class CandidateSource(Protocol):
    """Candidates and metadata. Every error raised is an `envkit.errors.EnvkitError`.

    A source may have two methods more, which only errors ask: ``known_names() -> Iterable[str]`` for near misses, and
    ``unasked(name) -> Mapping[str, str]``, the indexes that were not asked about a project, each with the one that was.
    """

    def page_identity(self, name: str) -> str | None:
        """Give the identity of the fresh page of *name*, without reading it; None where it must be fetched.

        Called once for each project of a resolution, and again for each when the same resolution is asked for twice: it
        has to cost microseconds.
        """
        ...

    def page(self, name: str) -> ProjectPage:
        """Give the page of the project with this normalized *name*: called only when no digest of it fits.

        Raises `ProjectNotFound`, or another `IndexAccessError` that ends the resolution.
        """
        ...

    def metadata(self, name: str, version: Version, artifacts: Sequence[Artifact]) -> CoreMetadata:
        """Give the metadata of one version from its usable *artifacts* (the preferred one first, never empty).

        A wheel tells without running code, so wheels are asked first; a build happens only when there is none. At most
        once for each version. Raises `RequirementError` or `WheelBuildError` for metadata that cannot be had: the
        version is then passed over with that reason.
        """
        ...

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Fetch, check out or build what *request* names, as far as its metadata needs; once for each request."""
        ...

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """Hint that these projects will probably be asked for soon."""
        ...

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> None:
        """Hint that the metadata of these artifacts will probably be asked for soon."""
        ...

    def load_digest(self, key: str) -> bytes | None:
        """Give the digest that was stored under *key* (``"project/fingerprint"``), or None. It may be damaged."""
        ...

    def load_files(self, key: str) -> bytes | None:
        """Give the *files* that were stored with a digest under *key*, or None. They may be damaged.

        Many times as large as a digest, and asked for only where metadata has to be read or something new is chosen.
        """
        ...

    def store_digest(self, key: str, data: bytes, files: bytes) -> None:
        """Keep *data* and *files* under *key*, or not: a digest only saves work."""
        ...
