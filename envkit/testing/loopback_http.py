"""The smallest HTTP server that can play any fault: what the loopback index stands on."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

from envkit.dataclass import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackRequest:
    """A request as it came; *headers* have lower-case names, *path* holds the query as well, *body* is that of a POST."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


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


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Gives each request to *answer*, a thread for each connection; *accepted* counts the connections."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[LoopbackRequest], LoopbackAnswer]) -> None:
        self.answer = answer
        self.accepted = 0
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def start(self) -> None:
        """Serve in a thread."""
        # Polling seldom saves work; closing wakes it up at once all the same.
        threading.Thread(target=self.serve_forever, args=(0.02,), name="loopback-index", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and cut all connections."""
        self.shutdown()
        self.server_close()
        self.close_connections()

    def serve(self, sock: socket.socket) -> None:
        """Answer the requests that come over *sock* (which may be a TLS one) until it closes."""
        self.accepted += 1
        self._open.add(sock)
        try:
            serve_connection(sock, self.answer)
        except OSError:
            return
        finally:
            self._open.discard(sock)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients that go away are part of tests."""

    def close_connections(self) -> None:
        """Cut all open connections."""
        for sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cast(LoopbackServer, self.server).serve(self.request)


def serve_connection(sock: socket.socket, answer: Callable[[LoopbackRequest], LoopbackAnswer]) -> None:
    """Answer the requests of one connection until either side closes it. Raises `OSError`."""
    buffered = b""
    while True:
        while b"\r\n\r\n" not in buffered:
            data = sock.recv(65536)
            if not data:
                return
            buffered += data
        head, _, buffered = buffered.partition(b"\r\n\r\n")
        request = parse_request(head)
        length = int(request.headers.get("content-length", "0"))
        while len(buffered) < length:
            data = sock.recv(65536)
            if not data:
                return
            buffered += data
        request, buffered = replace(request, body=buffered[:length]), buffered[length:]
        if not send_answer(sock, request, answer(request)):
            return


def parse_request(head: bytes) -> LoopbackRequest:
    """Read the head of a request, without its blank line."""
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


def send_answer(sock: socket.socket, request: LoopbackRequest, answer: LoopbackAnswer) -> bool:
    """Send *answer*; give whether the connection stays open."""
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
