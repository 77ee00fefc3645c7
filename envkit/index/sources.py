"""One source of files each: a remote simple index, a remote page of links, a local index, a folder."""

# ruff: noqa: D102, ARG002  the protocol documents its methods once for all, and its defaults need no arguments
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from envkit.errors import TransportError
from envkit.index.pages import Refresh, RemotePages
from envkit.index.workers import Workers
from envkit.model.fingerprint import fingerprint
from envkit.model.secret import strip_credentials
from envkit.model.source import PYPI, Index

if TYPE_CHECKING:
    from envkit.cache import Cache
    from envkit.events import Emitter
    from envkit.index.folders import FlatFolder, LocalIndex
    from envkit.index.network import Network
    from envkit.index.parsed_page import ParsedPage


_PLACES_HINT = "all indexes and find-links places must be there: without one, another's files would be taken"
_ADDRESS_HINT = "what has no scheme is a folder; the address of a server begins with https://"


class Source(Protocol):
    """What the client asks of each source; *project* is always normalized. An identity of "" means: not here."""

    @property
    def label(self) -> str:
        """What errors and artifacts show."""
        ...

    def fresh_identity(self, project: str) -> str | None:
        """Give the identity if it is known without the network, else None."""
        ...

    def identity(self, project: str) -> str:
        """Give the identity, asking the network if needed. Raises `TransportError`."""
        ...

    def page(self, project: str) -> ParsedPage:
        """Give the files; an empty page where there are none. Raises `TransportError`."""
        ...

    def linked(self, project: str) -> tuple[str, ...]:
        """Give the addresses at which the page says the same project is (PEP 708)."""
        ...

    def serves_one_of(self, addresses: Sequence[str], project: str) -> bool:
        """Whether one of *addresses* is this source's page of *project*."""
        ...

    def tracks_one_of(self, other: Source, project: str) -> bool:
        """Whether this page says that it tracks the *other* source's."""
        ...

    def agrees_with(self, other: Source, project: str) -> bool:
        """Whether this page names the *other* source's as the same project."""
        ...


class _Unlinked:
    """What a source without PEP 708 says."""

    def linked(self, project: str) -> tuple[str, ...]:
        return ()

    def serves_one_of(self, addresses: Sequence[str], project: str) -> bool:
        return False

    def tracks_one_of(self, other: Source, project: str) -> bool:
        return False

    def agrees_with(self, other: Source, project: str) -> bool:
        return False


class LocalSource(_Unlinked):
    """A folder, a saved page, or a local simple index; always fresh."""

    def __init__(self, place: LocalIndex | FlatFolder) -> None:
        self._place = place
        self.label = place.label

    def fresh_identity(self, project: str) -> str | None:
        return self._place.identity(project) or ("" if self._place.problem() is None else None)

    def identity(self, project: str) -> str:
        found = self._place.identity(project)
        problem = None if found else self._place.problem()
        if problem is not None:
            # A place that went missing must not hand its projects over to the next index.
            raise TransportError(
                f"{self._place.path}: {problem}",
                hint=_ADDRESS_HINT if "." in self.label.partition("/")[0][1:] else _PLACES_HINT,
                context={"path": self._place.path, "index": self.label},
            )
        return found

    def page(self, project: str) -> ParsedPage:
        return self._place.page(project) or _no_files()


class RemoteFlat(_Unlinked):
    """A remote page of links to files of any project."""

    def __init__(self, url: str, pages: RemotePages) -> None:
        self._url = url
        self._pages = pages
        self._key = "flat-" + fingerprint(url, 24)
        self._parsed: tuple[str, dict[str, ParsedPage]] = ("", {})
        self._asking = Workers(1)
        self.label = pages.label

    def fresh_identity(self, project: str) -> str | None:
        record = self._pages.fresh_record(self._key)
        if record is None:
            return None
        identity, projects = self._parsed
        if record.identity != identity:
            return None  # which projects it has is only known once it is read
        return identity if project in projects else ""

    def identity(self, project: str) -> str:
        identity, projects = self._by_project()
        return identity if project in projects else ""

    def page(self, project: str) -> ParsedPage:
        return self._by_project()[1].get(project) or _no_files()

    def _by_project(self) -> tuple[str, dict[str, ParsedPage]]:
        parsed = self._parsed
        record = self._pages.fresh_record(self._key)
        if record is not None and record.identity == parsed[0]:
            return parsed
        # Many projects are looked for at once, and each is looked for here: whoever comes meanwhile waits for the first.
        return self._asking.submit(self._key, self._read).result(None)

    def _read(self) -> tuple[str, dict[str, ParsedPage]]:
        record, page = self._pages.load(self._key, self._url, None)
        parsed = self._parsed
        if record.identity != parsed[0]:
            from envkit.index.folders import split_by_project

            parsed = self._parsed = (record.identity, split_by_project(page) if page is not None else {})
        return parsed


class RemoteIndex:
    """A remote simple index."""

    def __init__(self, root: str, pages: RemotePages) -> None:
        self._root = root.rstrip("/") + "/"
        self._pages = pages
        self.label = pages.label

    def address(self, project: str) -> str:
        """Give the address of a project's page."""
        if not (project.isascii() and project.replace("-", "").isalnum()):
            from urllib.parse import quote

            project = quote(project)
        return f"{self._root}{project}/"

    def fresh_identity(self, project: str) -> str | None:
        record = self._pages.fresh_record(project)
        return None if record is None else record.identity

    def identity(self, project: str) -> str:
        return self._pages.ensure(project, self.address(project), project).identity

    def page(self, project: str) -> ParsedPage:
        return self._pages.load(project, self.address(project), project)[1] or _no_files()

    def linked(self, project: str) -> tuple[str, ...]:
        record = self._pages.fresh_record(project)
        return record.linked if record is not None else ()

    def serves_one_of(self, addresses: Sequence[str], project: str) -> bool:
        own = _comparable(self.address(project))
        return any(_comparable(address) == own for address in addresses)

    def tracks_one_of(self, other: Source, project: str) -> bool:
        return other.serves_one_of(self.page(project).tracks, project)

    def agrees_with(self, other: Source, project: str) -> bool:
        return other.serves_one_of(self.linked(project), project)


def _comparable(url: str) -> str:
    return strip_credentials(url).partition("#")[0].rstrip("/").lower()


def _no_files() -> ParsedPage:
    from envkit.index.parsed_page import ParsedPage

    return ParsedPage(rows=())


def make_source(
    index: Index,
    *,
    network: Network,
    cache: Cache,
    emitter: Emitter,
    offline: bool,
    refresh: Refresh,
    clock: Callable[[], float],
) -> Source:
    """Give the source that *index* describes; a place without a scheme is a local path."""
    url, user = index.url, None
    if not url.startswith(("https://", "http://")) or "@" in url or "[" in url:
        # Nothing of this is needed for the usual address, and reading addresses takes its time to be loaded.
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise TransportError(f"{index.label} is no address of an index: {error}") from error
        scheme = parts.scheme if "://" in url or url.startswith("file:") else ""
        if scheme in ("", "file"):
            return _local(index, scheme, network.limits.page_bytes)
        user = parts.username
    network.learn(url)
    bare = strip_credentials(url)
    pages = RemotePages(
        label=index.label,
        place=bare.rstrip("/") if user is None else f"{user}@{bare.rstrip('/')}",
        address=bare,
        network=network,
        cache=cache,
        emitter=emitter,
        offline=offline,
        refresh=refresh,
        clock=clock,
    )
    return RemoteIndex(bare, pages) if index.format == "simple" else RemoteFlat(bare, pages)


def _local(index: Index, scheme: str, max_bytes: int) -> LocalSource:
    from envkit.index.folders import FlatFolder, LocalIndex
    from envkit.index.places import local_path

    path = local_path(index.url) if scheme else os.path.expanduser(index.url)
    assert path is not None
    kind = LocalIndex if index.format == "simple" else FlatFolder
    return LocalSource(kind(os.path.abspath(path), index.label, max_bytes))


def as_index(given: object) -> Index:
    """Give the `Index` that a URL, an `Index` or ``PYPI`` means. Raises `TransportError` for anything else."""
    if isinstance(given, Index):
        return given
    if given is PYPI:
        from envkit.index.default import default_index_url

        return Index(default_index_url(), name="pypi")
    if isinstance(given, str):
        return Index(given)
    raise TransportError(f"not an index: {type(given).__name__}")
