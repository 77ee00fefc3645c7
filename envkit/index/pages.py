"""Pages of one index: from the cache while fresh, else asked for again, conditionally where that is possible."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from envkit.errors import TransportError
from envkit.index.stored_page import PageStore, Record, StoredPage
from envkit.index.workers import Workers
from envkit.model.fingerprint import blake2b
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from envkit.cache import Cache
    from envkit.events import Emitter
    from envkit.index.network import Network
    from envkit.index.parsed_page import ParsedPage
    from envkit.index.transport import Response

_SETTLED = 30.0
"""Seconds for which a page that was asked for stays settled in one client, also if its headers say to ask each time."""
_MISSED = 0.25
"""Seconds for which a page that is not in the cache is not looked for again: whoever waits for it asks all the time."""
_JUST_READ = 20_000
"""Files of pages that were just read and are held for whoever wanted them; about a kilobyte each."""
_UNKEPT = 200_000
"""Files of pages that the cache may not or cannot keep; they are held instead."""
_NAMES = 50_000
"""Projects of which is known whether their page is fresh. More of them a process only sees that runs for ever."""
_UNPACKED = 6
"""How many times larger a page is than it comes, about."""
_NOT_FOUND = (404, 410)


class Refresh(NamedTuple):
    """What is asked for again although it is fresh: everything, or the projects named."""

    everything: bool = False
    projects: frozenset[str] = frozenset()

    def wants(self, project: str) -> bool:
        """Whether *project*'s pages are to be asked for again."""
        return self.everything or project in self.projects


class RemotePages:
    """The pages of one index or find-links address; thread-safe."""

    def __init__(
        self,
        *,
        label: str,
        place: str,
        address: str,
        network: Network,
        cache: Cache,
        emitter: Emitter,
        offline: bool,
        refresh: Refresh,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.label = label
        self._address = address
        self._network = network
        self._store = PageStore(cache, place)
        self._emitter = emitter
        self._offline = offline
        self._refresh = refresh
        self._clock = clock
        self._settled: dict[str, tuple[float, Record]] = {}
        self._missed: dict[str, float] = {}
        self._asking: set[str] = set()
        self._unkept: dict[str, tuple[str, ParsedPage]] = {}
        self._just_read: dict[str, tuple[str, ParsedPage]] = {}
        self._reader = Workers(1)

    def fresh_record(self, key: str) -> Record | None:
        """Give the record of the page of *key* (a project) if it may be used without asking; costs microseconds."""
        settled = self._settled.get(key)
        if settled is not None and settled[0] > time.monotonic():
            return settled[1]
        if self._refresh.wants(key) and not self._offline:
            return None
        if self._just_missed(key) and not self._offline:
            return None
        record = self._store.record(key)
        if record is None:
            if len(self._missed) >= _NAMES:
                self._missed.clear()
            self._missed[key] = time.monotonic() + _MISSED
            return None
        return self._settle(key, record)

    def _just_missed(self, key: str) -> bool:
        """Whether a page is not in the cache, as was just seen, or as it is being asked for."""
        return key in self._asking or self._missed.get(key, 0.0) > time.monotonic()

    def _settle(self, key: str, record: Record) -> Record | None:
        """Remember a record that may be used for a while; None where it may not."""
        now = self._clock()
        # A clock that went back would keep a page fresh for ever.
        left = record.expires - now if record.fetched <= now + 60.0 else 0.0
        if self._offline:
            left = _SETTLED
        elif not record.identity and left > 0 and self._network.user(self._address) not in ("", record.user):
            left = 0.0  # servers hide private projects by a 404 from whoever did not sign in
        if left <= 0:
            return None
        self._settle_until(key, record, left)
        return record

    def _settle_until(self, key: str, record: Record, seconds: float) -> None:
        if len(self._settled) >= _NAMES:
            self._settled.clear()  # the cache has them
        self._settled[key] = (time.monotonic() + seconds, record)

    def _page(self, key: str, record: Record) -> tuple[Record, ParsedPage] | None:
        """Give the page of a *record* that may be used, with its record: another one where the cache has a newer page."""
        read = self._just_read.pop(key, None)
        if read is not None and read[0] == record.identity:
            return record, read[1]  # whoever asked for it wants it next: this saves reading it back
        unkept = self._unkept.get(key)
        if unkept is not None and unkept[0] == record.identity:
            return record, unkept[1]
        stored = self._store.whole(key)
        if stored is None or stored.page is None:
            return None
        if stored.record.identity != record.identity and self._settle(key, stored.record) is None:
            return None
        return stored.record, stored.page

    def load(self, key: str, url: str, project: str | None) -> tuple[Record, ParsedPage | None]:
        """Give the record and the page of *key*, None where the index does not have it; asks the network if needed.

        Raises `TransportError`.
        """
        record = self.fresh_record(key)
        if record is not None:
            if not record.identity:
                return record, None
            found = self._page(key, record)
            if found is not None:
                self._report(key, 0)
                return found
        return self._fetch(key, url, project)

    def _fetch(self, key: str, url: str, project: str | None) -> tuple[Record, ParsedPage | None]:
        self._settled.pop(key, None)
        if self._offline:
            raise TransportError(
                f"offline: the page of {key} on {self.label} is not in the cache",
                hint="ask for it once without offline",
                context={"offline": True, "project": key, "index": self.label},
            )
        old = None if self._just_missed(key) else self._store.whole(key)
        self._asking.add(key)
        try:
            return self._ask(key, url, project, old)
        finally:
            self._asking.discard(key)

    def ensure(self, key: str, url: str, project: str | None) -> Record:
        """Like `load`, without reading a page that is fresh."""
        return self.fresh_record(key) or self._fetch(key, url, project)[0]

    def _ask(self, key: str, url: str, project: str | None, old: StoredPage | None) -> tuple[Record, ParsedPage | None]:
        from envkit.index.simple_api import ACCEPT

        headers = {"Accept": ACCEPT, "Accept-Encoding": "gzip"}
        if self._refresh.wants(key):
            headers["Cache-Control"] = "no-cache"
        if old is not None and old.page is not None:
            if old.record.etag:
                headers["If-None-Match"] = old.record.etag
            if old.record.modified:
                headers["If-Modified-Since"] = old.record.modified
        session = self._network.session
        read = functools.partial(self._read, key, project, old)
        return session.run(url, headers, read, seconds=session.timeouts.page)

    def _read(
        self, key: str, project: str | None, old: StoredPage | None, response: Response, url: str
    ) -> tuple[Record, ParsedPage | None]:
        """Read an answer, and keep what it says. Raises `TransportError`, to which the session adds the address."""
        from envkit.index.bodies import read_body
        from envkit.index.freshness import lifetime
        from envkit.index.typed_page import note_arrival

        packed = read_body(response, self._network.limits.page_bytes, decode=False)
        seconds = lifetime(response.headers)
        etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
        now = self._clock()
        record = Record(now, now + (seconds or 0.0), "", etag, modified, (), kept=seconds is not None)
        if response.status == 304 and old is not None and old.page is not None:
            known = old.record
            etag, modified = etag or known.etag, modified or known.modified
            record = record._replace(
                identity=known.identity, etag=etag, modified=modified, linked=known.linked, kept=True
            )
            self._keep(key, record, old.page, old.packed)
            self._report(key, len(packed))
            return record, old.page
        if response.status in _NOT_FOUND:
            record = record._replace(etag=None, modified=None, user=self._network.user(self._address))
            self._keep(key, record, None, None)
            return record, None
        if response.status != 200:
            raise _refused(response.status, self.label)
        # In one thread for all pages: threads that compute only take turns, and each would hold on to the memory that its
        # largest page took. Bodies wait as they came, which is a fraction of that.
        note_arrival(len(packed) * (_UNPACKED if "content-encoding" in response.headers else 1))
        take = functools.partial(self._take, key, project, record, response, url, packed)
        record, page, size = self._reader.submit(object(), take).result(None)
        self._report(key, size)
        return record, page

    def _take(
        self,
        key: str,
        project: str | None,
        record: Record,
        response: Response,
        url: str,
        packed: bytes,
    ) -> tuple[Record, ParsedPage, int]:
        from envkit.index.bodies import unpack
        from envkit.index.simple_api import parse_page

        body = unpack(response, packed, self._network.limits.page_bytes)
        content_type = response.headers.get("content-type")
        page = parse_page(body, content_type, url, project)
        # Of the body as it came: that is a fraction of it. What it was packed with is part of what it says.
        headers = f"{url}\n{content_type}\n{response.headers.get('content-encoding')}\n"
        identity = blake2b(headers.encode() + packed, digest_size=16).hexdigest()
        record = record._replace(identity=identity, linked=(*page.tracks, *page.alternates))
        self._keep(key, record, page, None)
        return record, page, len(body)

    def _keep(self, key: str, record: Record, page: ParsedPage | None, packed: bytes | None) -> None:
        """Keep what an answer said for the next time; *packed* is the stored form of *page* where that is known."""
        kept = record.kept and self._store.put(key, record, page, packed)
        self._unkept.pop(key, None)
        if not kept and page is not None:
            if sum(len(each.rows) + len(each.rejected) for _, each in tuple(self._unkept.values())) > _UNKEPT:
                self._unkept.clear()  # they are asked for again
            self._unkept[key] = (record.identity, page)
        if page is not None:
            if sum(len(page.rows) for _, page in tuple(self._just_read.values())) > _JUST_READ:
                self._just_read.clear()  # they are read back from the cache
            self._just_read[key] = (record.identity, page)
        # Last, as other threads go straight to the page once this is here.
        self._settle_until(key, record, max(_SETTLED, record.expires - record.fetched))

    def _report(self, key: str, count: int) -> None:
        if self._emitter.active:
            from envkit.events import ProjectFetched

            self._emitter(
                ProjectFetched(
                    operation=self._emitter.operation,
                    project=key,
                    index=self.label,
                    bytes_read=count,
                    from_cache=count == 0,
                )
            )


def _refused(status: int, label: str) -> TransportError:
    context = {"status": status, "index": label}
    if status in (401, 407):
        return TransportError("the index asks for credentials, or refused the ones given", context=context)
    if status == 403:
        return TransportError("the index refuses access", context=context)
    return TransportError(f"the server answered {status}", context=context)
