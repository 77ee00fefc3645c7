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
from envkit.index.sources import Source, as_index, make_source
from envkit.index.strategy import IndexStrategy, Sources, combine, merge
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

_LOCAL_SECONDS = 2.0
_MEMO = 40_000
"""Files whose values are kept in memory, in all."""


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
        self._env = dict(env or {})
        self._trusted = frozenset(host.lower() for host in trusted_hosts)
        self._tls = (ca_file, client_cert)
        self._proxy = proxy
        self._clock = clock
        self._given_transport = transport
        self._network = Network(
            self._make_transport,
            emitter=self._emitter,
            credentials=credentials,
            env=self._env if env is not None else None,
            keyring=keyring,
            trusted_hosts=self._trusted,
            timeouts=timeouts,
            limits=limits,
        )
        refreshed = frozenset[str]() if isinstance(refresh, bool) else frozenset(normalize(name) for name in refresh)
        self._refresh = Refresh(refresh is True, refreshed)
        ordered = tuple(sorted(map(as_index, indexes), key=lambda index: index.priority))
        self._sources = Sources(
            ordered,
            tuple(self._make_source(index) for index in ordered),
            tuple(self._make_source(Index(str(place), format="flat")) for place in find_links),
            index_strategy,
        )
        self._workers = Workers(self._network.limits.connections)
        self._identities: dict[str, tuple[float, str]] = {}
        self._pages: dict[str, ProjectPage] = {}
        self._remembered = 0
        self._files: ArtifactStore | None = None

    # -- wiring

    def _make_transport(self) -> Transport:
        if self._given_transport is not None:
            return self._given_transport
        from envkit.index.http11 import HttpTransport
        from envkit.index.proxies import Proxies

        ca_file, client_cert = self._tls
        return HttpTransport(
            ca_file=ca_file,
            client_cert=client_cert,
            proxies=Proxies(self._env, self._proxy),
            unverified_hosts=self._trusted,
        )

    def _make_source(self, index: Index) -> Source:
        return make_source(
            index,
            network=self._network,
            cache=self._cache,
            emitter=self._emitter,
            offline=self._offline,
            refresh=self._refresh,
            clock=self._clock,
        )

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
        known = self._identities.get(name)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        project = normalize(name)
        found = combine(project, self._sources.choose(project, _fresh))
        if found is not None:
            self._identities[name] = (time.monotonic() + _LOCAL_SECONDS, found)
        return found

    def project(self, name: str) -> ProjectPage:
        """Give everything that the indexes have of a project.

        Raises `ProjectNotFound`, `TransportError` (an index that cannot be read is never passed over in silence, as
        another one's files would take its place), `Cancelled`.
        """
        project = normalize(name)
        self._emitter.check()
        if self.page_identity(project) is not None:
            return self._assemble(project)
        if not _is_project_name(project):
            raise ProjectNotFound(f"{project[:100]!r} is not a name of a project", context={"project": project[:100]})
        settle = functools.partial(self._settle_page, project)
        self._workers.submit(("page", project), settle, urgent=True).result(self._emitter.cancel)
        return self._assemble(project)

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """Start to read pages that are not fresh, at most `Limits.connections` at once; errors show in `project`."""
        for name in names:
            if self._offline or self._cancelled():
                return
            project = normalize(name)
            if _is_project_name(project) and self.page_identity(project) is None:
                self._workers.submit(("page", project), functools.partial(self._settle_page, project))

    def _settle_page(self, project: str) -> None:
        self._sources.choose(project, _settle)

    def _assemble(self, project: str) -> ProjectPage:
        chosen = self._sources.choose(project, _settle)
        assert chosen is not None
        identity = combine(project, chosen)
        assert identity is not None
        if not any(state for _, state in chosen):
            labels = tuple(source.label for source, _ in chosen)
            raise ProjectNotFound(
                f"no index has the project {project}",
                hint=None if labels else "no index and no find-links place was given",
                context={"project": project, "indexes": labels},
            )
        known = self._pages.get(project)
        if known is not None and known.identity == identity:
            return known
        page = merge(project, identity, [source for source, state in chosen if state])
        self._remembered += len(page.artifacts) + 16
        if self._remembered > _MEMO:
            self._pages, self._remembered = {}, 0
        self._pages[project] = page
        return page

    def _cancelled(self) -> bool:
        return self._emitter.cancel is not None and self._emitter.cancel.cancelled

    # -- views

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
            raise ProjectNotFound(
                f"no file of {name} {chosen or ''} says what it is without being built".replace("  ", " "),
                context={"project": normalize(name), "version": str(chosen)},
            )
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
        store = self._store()
        found = store.metadata_at_hand(artifact)
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


def _is_project_name(project: str) -> bool:
    return len(project) <= 200 and project.isascii() and project.replace("-", "").isalnum()


def _fresh(source: Source, project: str) -> str | None:
    return source.fresh_identity(project)


def _settle(source: Source, project: str) -> str | None:
    return source.identity(project)
