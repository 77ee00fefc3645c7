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
import socket
import socketserver
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, cast
from urllib.parse import quote, unquote, urlsplit

from envkit.index.filenames import project_of

Files: TypeAlias = Mapping[str, bytes] | Iterable[Path | str] | Path | str
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackRequest:
    """A request as it came; *headers* have lower-case names, *path* holds the query as well."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackAnswer:
    """What is sent back. *close* ends the connection afterwards; *raw* is sent instead of everything else.

    *send* writes to the socket itself, after which the connection is closed.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    close: bool = False
    raw: bytes | None = None
    send: Callable[[socket.socket], object] | None = None


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
        self._server: _Server | None = None
        for name, data in _named(files):
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
        self._server = _Server(self)
        # Polling seldom saves work; closing wakes it up at once all the same.
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="loopback-index", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()

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
        if self.login is not None and request.headers.get("authorization") != _basic(*self.login):
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
                body = self._pages[project, as_json] = self._make_page(project, as_json=as_json)
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

    def _make_page(self, project: str, *, as_json: bool) -> bytes:
        names = [name for name in sorted(self._files) if project in project_of(name)]
        if not names and project not in self.page:
            return b""
        entries = [self._entry(name) for name in names]
        extra = self.page.get(project, {})
        if as_json:
            meta = {"api-version": "1.4", **extra.get("meta", {})}
            return json.dumps({"name": project, "files": entries, **extra, "meta": meta}).encode()
        return _html_page(project, entries)

    def _entry(self, name: str) -> dict[str, Any]:
        data = self._files[name]
        entry: dict[str, Any] = {"filename": name, "url": f"/files/{quote(name)}", "hashes": {}, "size": len(data)}
        if self.hashes:
            entry["hashes"] = {"sha256": hashlib.sha256(data).hexdigest()}
        metadata, requires_python = self._metadata_of(name)
        if requires_python is not None:
            entry["requires-python"] = requires_python
        if self.core_metadata and metadata is not None:
            entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()} if self.hashes else True
        return {**entry, **self.details.get(name, {})}

    def _metadata_of(self, name: str) -> tuple[bytes | None, str | None]:
        found = self._metadata.get(name)
        if found is None:
            metadata = _wheel_metadata(self._files[name]) if name.endswith(".whl") else None
            found = self._metadata[name] = (metadata, _requires_python(metadata))
        return found

    def _links_page(self) -> bytes:
        return _html_page("links", [self._entry(name) for name in sorted(self._files)])

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
            return _part(data, wanted[len("bytes=") :], headers)
        return LoopbackAnswer(headers=headers, body=data)


def _part(data: bytes, wanted: str, headers: dict[str, str]) -> LoopbackAnswer:
    first, _, last = wanted.partition("-")
    size = len(data)
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size:
        return LoopbackAnswer(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return LoopbackAnswer(status=206, headers=headers, body=data[start:end])


def _html_page(title: str, entries: Iterable[Mapping[str, Any]]) -> bytes:
    lines = ["<!DOCTYPE html><html><head>", '<meta name="pypi:repository-version" content="1.1">']
    lines.append(f"<title>{escape(title)}</title></head><body>")
    for entry in entries:
        attributes = ""
        if entry.get("requires-python"):
            attributes += f' data-requires-python="{escape(entry["requires-python"])}"'
        metadata = entry.get("core-metadata")
        if metadata:
            text = f"sha256={metadata['sha256']}" if isinstance(metadata, dict) else "true"
            attributes += f' data-core-metadata="{text}"'
        yanked = entry.get("yanked", False)
        if yanked is not False:
            attributes += f' data-yanked="{escape(yanked if isinstance(yanked, str) else "")}"'
        digest = entry["hashes"].get("sha256")
        fragment = f"#sha256={digest}" if digest else ""
        href = escape(entry["url"]) + fragment
        lines.append(f'<a href="{href}"{attributes}>{escape(entry["filename"])}</a><br>')
    return "\n".join([*lines, "</body></html>"]).encode()


def _named(files: Files) -> Iterable[tuple[str, bytes]]:
    if isinstance(files, Mapping):
        yield from cast("Mapping[str, bytes]", files).items()
        return
    if isinstance(files, (str, Path)):
        files = sorted(Path(files).iterdir())
    for path in map(Path, files):
        if path.is_file():
            yield path.name, path.read_bytes()


def _wheel_metadata(data: bytes) -> bytes | None:
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                return archive.read(name)
    return None


def _requires_python(metadata: bytes | None) -> str | None:
    for line in (metadata or b"").decode("utf-8", "replace").partition("\n\n")[0].splitlines():
        if line.lower().startswith("requires-python:"):
            return line.partition(":")[2].strip()
    return None


def _basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, owner: LoopbackIndex) -> None:
        self.owner = owner
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients that go away are part of tests."""

    def close_connections(self) -> None:
        for sock in list(self.open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        sock: socket.socket = self.request
        server = cast(_Server, self.server)
        server.open.add(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffered = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffered:
                    data = sock.recv(65536)
                    if not data:
                        return
                    buffered += data
                head, _, buffered = buffered.partition(b"\r\n\r\n")
                request = _parse(head)
                answer = server.owner.answer(request)
                if not _send(sock, request, answer):
                    return
        except OSError:
            return
        finally:
            server.open.discard(sock)


def _parse(head: bytes) -> LoopbackRequest:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    if "://" in path:  # as a proxy is asked
        parts = urlsplit(path)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return LoopbackRequest(method=method, path=path, headers=headers)


def _send(sock: socket.socket, request: LoopbackRequest, answer: LoopbackAnswer) -> bool:
    if answer.send is not None:
        answer.send(sock)
        return False
    if answer.raw is not None:
        sock.sendall(answer.raw)
        return not answer.close
    names = {name.lower() for name in answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Answer"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if "content-length" not in names and "transfer-encoding" not in names and answer.status != 304:
        lines.append(f"Content-Length: {len(answer.body)}")
    if answer.close:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    sock.sendall(head if request.method == "HEAD" or answer.status == 304 else head + answer.body)
    return not answer.close and request.headers.get("connection", "").lower() != "close"
