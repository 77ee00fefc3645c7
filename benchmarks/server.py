"""A served index on loopback, in a process of its own, so that it takes nothing from the clients that are timed.

``python -m benchmarks.server`` prints its address and serves until its standard input ends. It answers from memory over
keep-alive HTTP/1.1: JSON and HTML pages with ETag and 304, metadata sidecars, files of a folder, HEAD and single ranges.
Pages may be compressed (``Accept-Encoding: gzip``), as public indexes do. ``/-/stats`` tells
what was asked for and not found.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from benchmarks.pages import RecordedSource, Source, html_page, json_page
from benchmarks.recording import DEFAULT, RecordedFile, RecordedProject, read_recording

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "text/html"
_TEXT = {200: "OK", 206: "Partial Content", 304: "Not Modified", 404: "Not Found", 405: "Method Not Allowed"}


@dataclass(slots=True)
class Answer:
    """A response; ``etag`` also decides a 304."""

    status: int
    kind: str = "text/plain"
    body: bytes = b""
    etag: str = ""
    immutable: bool = False
    packed: bytes | None = None


class WheelFolder:
    """Real wheels of a folder as one more source of pages and files, for installing."""

    def __init__(self, folder: Path) -> None:
        self._paths: dict[str, dict[str, Path]] = {}
        self._sidecars: dict[str, bytes] = {}
        for path in sorted(folder.glob("*.whl")):
            name = re.sub(r"[-_.]+", "-", path.name.split("-", 1)[0]).lower()
            self._paths.setdefault(name, {})[path.name] = path
        self._projects = {name: self._read(name, paths) for name, paths in self._paths.items()}

    def _read(self, name: str, paths: dict[str, Path]) -> RecordedProject:
        import zipfile

        files = []
        for filename, path in paths.items():
            with zipfile.ZipFile(path) as archive:
                member = next(m for m in archive.namelist() if m.endswith(".dist-info/METADATA") and m.count("/") == 1)
                self._sidecars[filename] = archive.read(member)
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
            files.append(RecordedFile(filename, digest, path.stat().st_size, 1_700_000_000))
        return RecordedProject(name, tuple(files))

    def project(self, name: str) -> RecordedProject | None:
        return self._projects.get(name)

    def sidecar(self, name: str, filename: str) -> bytes | None:  # noqa: ARG002  a file name says it all
        return self._sidecars.get(filename)

    def digest(self, project: RecordedProject, file: RecordedFile) -> str | bool:  # noqa: ARG002
        return hashlib.sha256(self._sidecars[file.filename]).hexdigest()

    def path(self, name: str, filename: str) -> Path | None:
        """Give the place of a wheel."""
        return self._paths.get(name, {}).get(filename)


@dataclass(slots=True)
class Index:
    """The answers: made once, kept in memory."""

    source: Source
    wheels: WheelFolder | None = None
    max_age: int = 600
    volatile: bool = False
    kept: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)

    def answer(self, path: str, accept: str) -> Answer:
        """Answer a GET of *path*."""
        kind = HTML_TYPE if JSON_TYPE not in accept else JSON_TYPE
        found = self.kept.get((path, kind))
        if found is None:
            found = self._make(path, kind)
            if not (self.volatile or path == "/-/stats" or (found.status == 404 and len(self.kept) > 10_000)):
                self.kept[path, kind] = found
        if found.status == 404:
            self.misses[path] += 1
        return found

    def _make(self, path: str, kind: str) -> Answer:
        parts = unquote(path).strip("/").split("/")
        if path == "/-/stats":
            facts = {"requests": sum(self.asked.values()), "asked": self.asked, "misses": self.misses}
            return Answer(200, "application/json", json.dumps(facts).encode())
        if len(parts) == 2 and parts[0] == "simple":
            return self._page(parts[1], kind)
        if len(parts) == 3 and parts[0] == "files":
            return self._file(parts[1], parts[2])
        return Answer(404)

    def _page(self, name: str, kind: str) -> Answer:
        source: Source = self.source
        if self.wheels is not None and self.wheels.project(name) is not None:
            source = self.wheels
        project = source.project(name)
        if project is None:
            return Answer(404)
        body = json_page(source, project) if kind == JSON_TYPE else html_page(source, project)
        answer = Answer(200, kind, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        answer.packed = gzip.compress(body, 6, mtime=0)
        return answer

    def _file(self, name: str, filename: str) -> Answer:
        if filename.endswith(".metadata"):
            wheel = filename.removesuffix(".metadata")
            body = self.wheels.sidecar(name, wheel) if self.wheels is not None else None
            body = body if body is not None else self.source.sidecar(name, wheel)
            if body is None:
                return Answer(404)
            return Answer(
                200, "binary/octet-stream", body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', immutable=True
            )
        path = self.wheels.path(name, filename) if self.wheels is not None else None
        if path is None:
            return Answer(404)
        return Answer(200, "binary/octet-stream", path.read_bytes(), f'"{path.stat().st_mtime_ns:x}"', immutable=True)


class Connection(asyncio.Protocol):
    """One client connection: requests are answered in order, one at a time."""

    def __init__(self, index: Index, latency: float, pool: ThreadPoolExecutor | None) -> None:
        self._index, self._latency, self._pool = index, latency, pool
        self._buffer = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        while not self._busy and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            request, *lines = head.decode("latin-1").split("\r\n")
            headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
            method, path, _ = request.split(" ", 2)
            path = path.partition("?")[0]
            if not path.startswith("/-/"):
                self._index.asked[path] += 1
            if self._latency or self._pool is not None:
                self._busy = True
                asyncio.get_running_loop().create_task(self._later(method, path, headers))
            else:
                self._send(method, headers, self._index.answer(path, headers.get("accept", "")))

    async def _later(self, method: str, path: str, headers: dict[str, str]) -> None:
        loop = asyncio.get_running_loop()
        if self._latency:
            await asyncio.sleep(self._latency)
        answer = await loop.run_in_executor(self._pool, self._index.answer, path, headers.get("accept", ""))
        self._busy = False
        if not self._transport.is_closing():
            self._send(method, headers, answer)
            self._next()

    def _send(self, method: str, headers: dict[str, str], answer: Answer) -> None:
        status, body, extra = answer.status, answer.body, ""
        if method not in ("GET", "HEAD"):
            status, body = 405, b""
        elif answer.etag and headers.get("if-none-match") == answer.etag:
            status, body = 304, b""
        elif answer.packed is not None and "gzip" in headers.get("accept-encoding", ""):
            body, extra = answer.packed, "Content-Encoding: gzip\r\n"
        elif status == 200 and (span := re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", ""))):
            first, last = _span(span[1], span[2], len(body))
            extra = f"Content-Range: bytes {first}-{last - 1}/{len(body)}\r\n"
            status, body = 206, body[first:last]
        if answer.etag:
            age = "max-age=365000000, immutable" if answer.immutable else f"max-age={self._index.max_age}"
            extra += f"ETag: {answer.etag}\r\nCache-Control: {age}, public\r\nAccept-Ranges: bytes\r\nVary: Accept\r\n"
        length = "" if status == 304 else f"Content-Length: {len(body)}\r\n"
        head = f"HTTP/1.1 {status} {_TEXT[status]}\r\nContent-Type: {answer.kind}\r\n{length}{extra}\r\n".encode()
        self._transport.write(head if method == "HEAD" else head + body)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last or 0)), size
    return int(first), min(size, int(last) + 1 if last else size)


async def serve(index: Index, *, latency: float = 0.0, threads: int = 0) -> None:
    """Serve on a free port, print the address of the simple index, and go on until standard input ends."""
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(threads) if threads else None
    server = await loop.create_server(lambda: Connection(index, latency, pool), "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/simple/", flush=True)
    # A served index never outlives who started it, however that ends.
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--recording", type=Path, default=DEFAULT, help="folder of shards")
    parser.add_argument("--wheels", type=Path, help="folder of real wheels to serve as well")
    parser.add_argument("--closed", action="store_true", help="hide the versions whose metadata is not recorded")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds to wait before each answer")
    parser.add_argument("--max-age", type=int, default=600, help="seconds for which clients may keep a page unasked")
    parser.add_argument(
        "--fill", type=Path, help="ask the live index for what this database lacks, instead of a recording"
    )
    options = parser.parse_args(arguments)
    if options.fill is not None:
        from benchmarks.live import LiveIndex
        from benchmarks.live_source import LiveSource

        index = Index(LiveSource(LiveIndex(options.fill)), max_age=options.max_age, volatile=True)
        asyncio.run(serve(index, latency=options.latency, threads=16))
        return
    projects = read_recording(options.recording) if options.recording.is_dir() else {}
    wheels = WheelFolder(options.wheels) if options.wheels is not None else None
    source = RecordedSource(projects, closed=options.closed)
    asyncio.run(serve(Index(source, wheels, options.max_age), latency=options.latency))


if __name__ == "__main__":
    main()
