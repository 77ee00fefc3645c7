"""A package index on this machine's loopback, for tests without a network.

    with LoopbackIndex({"a-1.0-py3-none-any.whl": data}) as index:
        client = IndexClient([index.url], cache=Cache(None))

It serves the simple API in JSON or HTML, sidecars of metadata, conditional and range requests, and remembers every
request. A *hook* can answer instead of it, to play any fault.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from envkit.index.filenames import project_of
from envkit.testing.loopback_content import Files, basic, html_page, named, part, requires_python, wheel_metadata
from envkit.testing.loopback_http import LoopbackAnswer, LoopbackRequest, LoopbackServer

__all__ = ["HTML_TYPE", "JSON_TYPE", "LoopbackAnswer", "LoopbackIndex", "LoopbackRequest"]

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"


Hook: TypeAlias = Callable[[LoopbackRequest], LoopbackAnswer | None]


class LoopbackIndex:
    """A running index; a context manager. *files* map names to bytes, or are paths of files, or a folder.

    *latency* seconds pass before each answer. *html* serves HTML alone; *core_metadata* advertises sidecars and serves
    them; *etag* and *ranges* say whether conditional and range requests work; *max_age* sets ``Cache-Control``.
    *login* (user name, password) is required where given. *details* map a file name to further keys of its JSON entry
    (``yanked``, ``upload-time``, ``requires-python``); *page* maps a project to further keys of its page (``versions``,
    ``alternate-locations``, ``meta``). *pages* and *raw* bodies can be replaced by *hook*.
    """

    def __init__(
        self,
        files: Files = (),
        *,
        latency: float = 0.0,
        html: bool = False,
        core_metadata: bool = True,
        etag: bool = True,
        ranges: bool = True,
        hashes: bool = True,
        max_age: int | None = None,
        login: tuple[str, str] | None = None,
        details: Mapping[str, Mapping[str, Any]] | None = None,
        page: Mapping[str, Mapping[str, Any]] | None = None,
        hook: Hook | None = None,
    ) -> None:
        self.latency = latency
        self.html = html
        self.core_metadata = core_metadata
        self.etag = etag
        self.ranges = ranges
        self.hashes = hashes
        self.max_age = max_age
        self.login = login
        self.details = dict(details or {})
        self.page = dict(page or {})
        self.hook = hook
        self.requests: list[LoopbackRequest] = []
        self._files: dict[str, bytes] = {}
        self._metadata: dict[str, tuple[bytes | None, str | None]] = {}
        self._pages: dict[tuple[str, bool], bytes] = {}
        self._lock = threading.Lock()
        self._server: LoopbackServer | None = None
        for name, data in named(files):
            self.add(name, data)

    # -- content

    def add(self, name: str, data: bytes) -> None:
        """Add or replace a file."""
        with self._lock:
            self._files[name] = data
            self._metadata.pop(name, None)
            self._pages.clear()

    def remove(self, name: str) -> None:
        """Take a file away."""
        with self._lock:
            del self._files[name]
            self._pages.clear()

    @property
    def filenames(self) -> tuple[str, ...]:
        """The names of the files."""
        return tuple(sorted(self._files))

    # -- address and record

    @property
    def port(self) -> int:
        """The TCP port."""
        assert self._server is not None, "the index is not running"
        return int(self._server.server_address[1])

    @property
    def root(self) -> str:
        """The address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The root of the simple index."""
        return f"{self.root}/simple/"

    @property
    def flat_url(self) -> str:
        """A page of links to all files (find-links)."""
        return f"{self.root}/links"

    def count(self, part: str = "") -> int:
        """Count the requests whose path holds *part*."""
        return sum(part in request.path for request in self.requests)

    # -- running

    def __enter__(self) -> Self:
        self._server = LoopbackServer(self.answer)
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.stop()

    def close_connections(self) -> None:
        """Cut all open connections, as a server that restarts does."""
        assert self._server is not None, "the index is not running"
        self._server.close_connections()

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.accepted if self._server is not None else 0

    # -- answers

    def answer(self, request: LoopbackRequest) -> LoopbackAnswer:
        """Give the answer to *request*; also usable without a running server."""
        self.requests.append(request)
        if self.latency:
            time.sleep(self.latency)
        if self.hook is not None:
            answer = self.hook(request)
            if answer is not None:
                return answer
        if self.login is not None and request.headers.get("authorization") != basic(*self.login):
            return LoopbackAnswer(status=401, headers={"WWW-Authenticate": 'Basic realm="index"'})
        path = unquote(urlsplit(request.path).path)
        if path.startswith("/simple/"):
            return self._serve_page(path[len("/simple/") :].strip("/"), request)
        if path == "/links":
            return LoopbackAnswer(headers={"Content-Type": "text/html"}, body=self._links_page())
        if path.startswith("/files/"):
            return self._serve_file(path[len("/files/") :], request)
        return LoopbackAnswer(status=404)

    def _serve_page(self, project: str, request: LoopbackRequest) -> LoopbackAnswer:
        as_json = not self.html and "json" in request.headers.get("accept", "")
        with self._lock:
            body = self._pages.get((project, as_json))
            if body is None:
                body = self._pages[project, as_json] = self.page_body(project, as_json=as_json)
        if not body:
            return LoopbackAnswer(status=404, headers={"Content-Type": "text/plain"}, body=b"no such project")
        headers = {"Content-Type": JSON_TYPE if as_json else HTML_TYPE, "Vary": "Accept, Accept-Encoding"}
        if self.max_age is not None:
            headers["Cache-Control"] = f"max-age={self.max_age}"
        if self.etag:
            tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            headers["ETag"] = tag
            if request.headers.get("if-none-match") == tag:
                return LoopbackAnswer(status=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", "") and len(body) > 2048:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1, mtime=0)
        return LoopbackAnswer(headers=headers, body=body)

    def page_body(self, project: str, *, as_json: bool) -> bytes:
        """Give the page of *project*; nothing where there is none."""
        names = [name for name in sorted(self._files) if project in project_of(name)]
        if not names and project not in self.page:
            return b""
        entries = [self._entry(name) for name in names]
        extra = self.page.get(project, {})
        if as_json:
            meta = {"api-version": "1.4", **extra.get("meta", {})}
            return json.dumps({"name": project, "files": entries, **extra, "meta": meta}).encode()
        return html_page(project, entries)

    def _entry(self, name: str) -> dict[str, Any]:
        data = self._files[name]
        entry: dict[str, Any] = {"filename": name, "url": f"/files/{quote(name)}", "hashes": {}, "size": len(data)}
        if self.hashes:
            entry["hashes"] = {"sha256": hashlib.sha256(data).hexdigest()}
        metadata, pythons = self._metadata_of(name)
        if pythons is not None:
            entry["requires-python"] = pythons
        if self.core_metadata and metadata is not None:
            entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()} if self.hashes else True
        return {**entry, **self.details.get(name, {})}

    def _metadata_of(self, name: str) -> tuple[bytes | None, str | None]:
        found = self._metadata.get(name)
        if found is None:
            metadata = wheel_metadata(self._files[name]) if name.endswith(".whl") else None
            found = self._metadata[name] = (metadata, requires_python(metadata))
        return found

    def _links_page(self) -> bytes:
        return html_page("links", [self._entry(name) for name in sorted(self._files)])

    def _serve_file(self, name: str, request: LoopbackRequest) -> LoopbackAnswer:
        if name.endswith(".metadata") and name not in self._files:
            known = self._files.get(name.removesuffix(".metadata"))
            data = self._metadata_of(name.removesuffix(".metadata"))[0] if known and self.core_metadata else None
        else:
            data = self._files.get(name)
        if data is None:
            return LoopbackAnswer(status=404)
        headers = {"Content-Type": "application/octet-stream"}
        if self.etag:
            headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
        if not self.ranges:
            return LoopbackAnswer(headers=headers, body=data)
        headers["Accept-Ranges"] = "bytes"
        wanted = request.headers.get("range", "")
        guard = request.headers.get("if-range")
        if wanted.startswith("bytes=") and (guard is None or guard == headers.get("ETag")):
            return part(data, wanted[len("bytes=") :], headers)
        return LoopbackAnswer(headers=headers, body=data)
