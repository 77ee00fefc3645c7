"""The client for package indexes: pages, metadata and files of projects, from several indexes and folders at once."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from envkit.errors import ProjectNotFound
from envkit.events import Emitter
from envkit.index.network import Network
from envkit.index.pages import Refresh
from envkit.index.projects import Projects
from envkit.index.sources import as_index, make_source
from envkit.index.strategy import IndexStrategy, Sources
from envkit.index.workers import Job, Workers
from envkit.model.identity import normalize
from envkit.model.source import PYPI, Index

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.version import Version

    from envkit.cache import Cache
    from envkit.index.artifacts import ArtifactStore
    from envkit.index.auth import Credentials, CredentialsCallback
    from envkit.index.bounds import Limits, Timeouts
    from envkit.index.login import KeyringProvider
    from envkit.index.transport import Transport
    from envkit.index.views import ProjectDescription
    from envkit.model.candidate import Artifact, ProjectPage


class IndexClient:
    """Reads indexes. Thread-safe; usable in a forked child.

    *indexes* are URLs, `Index` values or ``PYPI``; *find_links* folders, pages or their URLs. *transport* None makes the
    own HTTP transport on first use, with *ca_file*, *client_cert* (a PEM file, or certificate and key), *proxy* and the
    proxy variables of *env*. *refresh* true asks for every page again, a tuple for the pages of these projects.
    *trusted_hosts* ("host" or "host:port") may be asked over plain http, and over https without a valid certificate.
    *credentials* is a callback (see `envkit.index.auth`) or a `Credentials`.
    """

    def __init__(
        self,
        indexes: Iterable[Any] = (PYPI,),
        *,
        find_links: Iterable[str | Path] = (),
        cache: Cache,
        transport: Transport | None = None,
        credentials: CredentialsCallback | Credentials | None = None,
        index_strategy: IndexStrategy = "first-index",
        offline: bool = False,
        refresh: bool | Iterable[str] = False,
        trusted_hosts: Iterable[str] = (),
        emitter: Emitter | None = None,
        env: Mapping[str, str] | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        client_cert: str | tuple[str, str] | None = None,
        keyring: KeyringProvider = "disabled",
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._emitter = emitter or Emitter(kind="index")
        self._cache = cache
        self._offline = offline
        trusted = frozenset(host.lower() for host in trusted_hosts)
        make_transport = functools.partial(_http_transport, dict(env or {}), proxy, ca_file, client_cert, trusted)
        self._network = Network(
            make_transport if transport is None else lambda: transport,
            emitter=self._emitter,
            credentials=credentials,
            env=None if env is None else dict(env),
            keyring=keyring,
            trusted_hosts=trusted,
            timeouts=timeouts,
            limits=limits,
        )
        refreshed = frozenset[str]() if isinstance(refresh, bool) else frozenset(normalize(name) for name in refresh)
        make = functools.partial(
            make_source,
            network=self._network,
            cache=cache,
            emitter=self._emitter,
            offline=offline,
            refresh=Refresh(refresh is True, refreshed),
            clock=clock,
        )
        ordered = tuple(sorted(map(as_index, indexes), key=lambda index: index.priority))
        links = tuple(make(Index(str(place), format="flat")) for place in find_links)
        sources = Sources(ordered, tuple(map(make, ordered)), links, index_strategy)
        self._workers = Workers(self._network.limits.connections)
        self._projects = Projects(sources, self._workers, emitter=self._emitter, offline=offline)
        self._files: ArtifactStore | None = None

    def _store(self) -> ArtifactStore:
        """Give the reader of metadata and files; made when first needed, as many operations never do."""
        if self._files is None:
            from envkit.index.artifacts import ArtifactStore

            self._files = ArtifactStore(
                session=self._network.session, cache=self._cache, emitter=self._emitter, offline=self._offline
            )
        return self._files

    def close(self) -> None:
        """Drop what waits, and close idle connections. The client can be used again afterwards."""
        self._workers.forget_waiting()
        self._network.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- pages

    def page_identity(self, name: str) -> str | None:
        """Give the identity of a project's page if it may be used without asking any index, else None.

        It is what digests are keyed by: equal identities mean equal pages. Takes microseconds, reads no page.
        """
        return self._projects.identity(name)

    def project(self, name: str) -> ProjectPage:
        """Give everything that the indexes have of a project.

        Raises `ProjectNotFound`, `TransportError` (an index that cannot be read is never passed over in silence, as
        another one's files would take its place), `Cancelled`.
        """
        return self._projects.page(name)

    def unasked(self, name: str) -> dict[str, str]:
        """Give the indexes that ``first-index`` leaves unasked for a project whose page was read, each with the one that
        has the project and comes before it. Asks nobody.
        """
        return self._projects.unasked(name)

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """Start to read pages that are not fresh, at most `Limits.connections` at once; errors show in `project`."""
        self._projects.prefetch(names)

    def _cancelled(self) -> bool:
        return self._emitter.cancel is not None and self._emitter.cancel.cancelled

    def versions(self, name: str, *, yanked: bool = False) -> tuple[Version, ...]:
        """Give the versions of a project, the newest first; see `project` for what is raised."""
        from envkit.index.views import versions_of

        return versions_of(self.project(name), yanked=yanked)

    def latest(self, name: str, *, prereleases: bool = False) -> Version | None:
        """Give the newest version that was not yanked; a pre-release where asked for, or where there is nothing else."""
        from envkit.index.views import latest_of

        return latest_of(self.versions(name), prereleases=prereleases)

    def files(self, name: str, version: str | Version) -> tuple[Artifact, ...]:
        """Give the files of one version."""
        from envkit.index.views import version_of
        from envkit.model.identity import parse_version

        page, wanted = self.project(name), parse_version(str(version))
        return tuple(artifact for artifact in page.artifacts if version_of(artifact, page.name) == wanted)

    def describe(self, name: str, version: str | Version | None = None) -> ProjectDescription:
        """Give summary, description and links of a version, the latest one without *version*.

        Read from the metadata of one of its wheels, or of an sdist whose index advertises it. Raises what `project` and
        `metadata` raise.
        """
        from envkit.index.views import describe

        chosen = self.latest(name) if version is None else version
        files = self.files(name, chosen) if chosen is not None else ()
        readable = [artifact for artifact in files if artifact.is_wheel or artifact.metadata is not None]
        if not readable:
            context = {"project": normalize(name), "version": str(chosen)}
            raise ProjectNotFound(f"no file of {name} says what it is without being built", context=context)
        return describe(self.metadata(min(readable, key=lambda artifact: artifact.metadata is None)))

    def ask(self, url: str, body: bytes | None = None) -> bytes:
        """Give what is at *url*; with *body*, the answer to that question in JSON (POST). Nothing is kept.

        Raises `ProjectNotFound` where there is nothing, `TransportError` for any other failure.
        """
        from envkit.index.questions import ask

        return ask(self._network, url, body, offline=self._offline)

    # -- metadata and files

    def metadata(self, artifact: Artifact) -> bytes:
        """Give the core metadata of a wheel (or of an sdist whose index advertises it) without the file if possible.

        Raises `HashMismatch`, `MetadataMismatch`, `TransportError`, `IndexAccessError`, `Cancelled`.
        """
        self._emitter.check()
        found = self._store().metadata_at_hand(artifact)
        if found is not None:
            return found
        return self._submit_metadata(artifact, urgent=True).result(self._emitter.cancel)

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> None:
        """Start to read metadata that is not at hand; errors show in `metadata`."""
        store = self._store()
        for artifact in artifacts:
            if self._offline or self._cancelled():
                return
            if not store.has_metadata(artifact):
                self._submit_metadata(artifact, urgent=False)

    def _submit_metadata(self, artifact: Artifact, *, urgent: bool) -> Job[bytes]:
        store = self._store()
        return self._workers.submit(("metadata", artifact.url), lambda: store.metadata(artifact), urgent=urgent)

    def fetch(self, artifact: Artifact) -> Path:
        """Give the verified file: in the cache, or itself for a ``file:`` URL.

        Its metadata must agree with what `metadata` gave. Raises `HashMismatch`, `MetadataMismatch`, `TransportError`,
        `Cancelled`.
        """
        self._emitter.check()
        return self._submit_fetch(artifact, urgent=True).result(self._emitter.cancel)

    def prefetch_files(self, artifacts: Iterable[Artifact]) -> None:
        """Start to download files; errors show in `fetch`."""
        for artifact in artifacts:
            if not self._offline:
                self._submit_fetch(artifact, urgent=False)

    def _submit_fetch(self, artifact: Artifact, *, urgent: bool) -> Job[Path]:
        store = self._store()
        key = ("file", artifact.url, tuple(sorted(artifact.hashes.items())))
        return self._workers.submit(key, lambda: store.fetch(artifact), urgent=urgent)


def _http_transport(
    env: Mapping[str, str],
    proxy: str | None,
    ca_file: str | None,
    client_cert: str | tuple[str, str] | None,
    trusted: frozenset[str],
) -> Transport:
    from envkit.index.http11 import HttpTransport
    from envkit.index.proxies import Proxies

    return HttpTransport(
        ca_file=ca_file, client_cert=client_cert, proxies=Proxies(env, proxy), unverified_hosts=trusted
    )
