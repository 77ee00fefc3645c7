"""The resolver's source of candidates, over an index client, a cache for digests and a builder.

This is the seam between `envkit.resolve` and `envkit.index`: neither knows the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from envkit.errors import RequirementError

if TYPE_CHECKING:
    from packaging.version import Version

    from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage
    from envkit.resolve.ports import DirectCandidate, DirectRequest

MEMORY = 32 * 1024 * 1024
"""Bytes of digests that are kept in memory."""


class DigestMemory:
    """Digests that were read or made, by key: all are let go when they fill their share, as the cache has them anyway."""

    def __init__(self) -> None:
        self.digests: dict[str, bytes] = {}
        self._room = MEMORY

    def hold(self, key: str, data: bytes, *, lasting: bool) -> None:
        """Keep a digest; with *lasting* none is let go, as there is no cache."""
        before = self.digests.get(key)
        self._room -= len(data) - (len(before) if before is not None else 0)
        if self._room < 0 and not lasting:
            self.digests.clear()
            self._room = MEMORY - len(data)
        self.digests[key] = data


class Client(Protocol):
    """What is needed of `envkit.index.client.IndexClient`."""

    def page_identity(self, name: str) -> str | None:
        """Give the identity of the fresh cached page."""
        ...

    def project(self, name: str) -> ProjectPage:
        """Give the page."""
        ...

    def unasked(self, name: str) -> Mapping[str, str]:
        """Give the indexes that were not asked, each with the one that came before it."""
        ...

    def metadata(self, artifact: Artifact) -> bytes:
        """Give a wheel's METADATA."""
        ...

    def prefetch_pages(self, names: Iterable[str]) -> object:
        """Hint at pages."""
        ...

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> object:
        """Hint at metadata."""
        ...


class Builder(Protocol):
    """What asks code of projects, or reads what they promise: implemented by ``envkit.kit.builds``."""

    def sdist_metadata(self, artifact: Artifact) -> CoreMetadata:
        """Give the metadata of an sdist, from what is in it if that is certain, else by building."""
        ...

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names."""
        ...


class DigestStore(Protocol):
    """A bucket of the cache."""

    def head(self, key: str) -> bytes | None:
        """Give the head of what is stored."""
        ...

    def get(self, key: str) -> bytes | None:
        """Give what is stored with the head."""
        ...

    def put(self, key: str, data: bytes, *, head: bytes) -> object:
        """Store."""
        ...


class IndexSource:
    """A `envkit.resolve.ports.CandidateSource`.

    *digests* is a bucket of the cache, or None to keep digests in memory; *builder* is None where no code may run and
    no direct reference may be followed. *memory* is shared by sources with the same client and digests.
    """

    def __init__(
        self,
        client: Client,
        digests: DigestStore | None = None,
        builder: Builder | None = None,
        *,
        memory: DigestMemory | None = None,
    ) -> None:
        self._client = client
        self._digests = digests
        self._builder = builder
        self._files: dict[str, bytes] = {}
        self._memory = memory if memory is not None else DigestMemory()

    def with_builder(self, wrap: Callable[[Builder], Builder]) -> Self:
        """Give a source like this one whose builder is what *wrap* makes of this one's."""
        from copy import copy

        source = copy(self)
        if source._builder is not None:  # noqa: SLF001  a twin of ours
            source._builder = wrap(source._builder)  # noqa: SLF001
        return source

    def page_identity(self, name: str) -> str | None:
        """Give the identity of the fresh cached page."""
        return self._client.page_identity(name)

    def page(self, name: str) -> ProjectPage:
        """Give the page."""
        return self._client.project(name)

    def unasked(self, name: str) -> Mapping[str, str]:
        """Give the indexes that were not asked about a project, each with the one that has it and came before."""
        return self._client.unasked(name)

    def metadata(self, name: str, version: Version, artifacts: Sequence[Artifact]) -> CoreMetadata:
        """Give the metadata from a wheel, else from the sdist."""
        from envkit.resolve.selection import best_wheel

        artifact = best_wheel(artifacts)
        if artifact.is_wheel:
            from envkit.model.metadata import parse_metadata

            return parse_metadata(self._client.metadata(artifact), where=artifact.filename)
        if self._builder is None:
            raise RequirementError(f"{name} {version} has no wheel, and nothing here can build {artifact.filename}")
        return self._builder.sdist_metadata(artifact)

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names."""
        if self._builder is None:
            raise RequirementError("direct references cannot be followed here")
        return self._builder.direct(request)

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """Pass the hint on."""
        self._client.prefetch_pages(names)

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> None:
        """Pass the hint on; a build is never begun on a hint."""
        wheels = [artifact for artifact in artifacts if artifact.is_wheel]
        if wheels:
            self._client.prefetch_metadata(wheels)

    def load_digest(self, key: str) -> bytes | None:
        """Give a stored digest, from memory where this process has seen it."""
        known = self._memory.digests.get(key)
        if known is None and self._digests is not None:
            known = self._digests.head(key)
            if known is not None:
                self._hold(key, known)
        return known

    def load_files(self, key: str) -> bytes | None:
        """Give the files that were stored with a digest; they are not held in memory where there is a cache."""
        return self._files.get(key) if self._digests is None else self._digests.get(key)

    def store_digest(self, key: str, data: bytes, files: bytes) -> None:
        """Keep a digest, as the head of the entry that holds its files."""
        self._hold(key, data)
        if self._digests is None:
            self._files[key] = files
            return
        with suppress(OSError):  # a full disk must not end what worked without the cache
            self._digests.put(key, files, head=data)

    def _hold(self, key: str, data: bytes) -> None:
        self._memory.hold(key, data, lasting=self._digests is None)
