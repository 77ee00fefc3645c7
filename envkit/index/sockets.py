"""Sockets that keep a deadline and can be cancelled.

Timeouts of the standard library hold for one call, so a body that drips never ends. Every wait here is cut into ticks:
between them the total deadline, the read timeout and the cancel token are looked at.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from envkit.index.transport import Request, Retriable

TICK = 0.05
"""Seconds between two looks at the cancel token: cancelling is seen within 100 ms."""


class Clocked:
    """A socket under the clock of the request that uses it now; it stands in for a socket in `http.client`."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.request: Request | None = None
        self.received = 0

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Give a buffered reader for one response."""
        return io.BufferedReader(_Reader(self), 65536)

    def sendall(self, data: Any) -> None:
        """Send everything, under the read timeout."""
        assert self.request is not None
        self.sock.settimeout(min(self.request.remaining(), self.request.read_timeout))
        self.sock.sendall(data)
        self.sock.settimeout(TICK)

    def recv_into(self, buffer: Any) -> int:
        """Receive what is there, waiting under the clock."""
        request = self.request
        assert request is not None
        until = time.monotonic() + request.read_timeout
        while True:
            request.remaining()
            try:
                count = self.sock.recv_into(buffer)
            except (TimeoutError, ssl.SSLWantReadError):
                if time.monotonic() > until:
                    raise Retriable(f"nothing arrived for {request.read_timeout:g} seconds") from None
                continue
            self.received += count
            return count

    def idle_and_open(self) -> bool:
        """Whether the connection can be used again: open, and nothing unasked has arrived."""
        with suppress(OSError, ValueError):
            return not wait(self.sock, read=True, seconds=0)
        return False

    def close(self) -> None:
        """Close at once; a TLS goodbye is not waited for."""
        with suppress(OSError):
            self.sock.close()


class _Reader(io.RawIOBase):
    def __init__(self, owner: Clocked) -> None:
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._owner.recv_into(buffer)


def wait(sock: socket.socket, *, read: bool, seconds: float) -> bool:
    """Wait until a socket can be read from or written to; poll where the platform has it (select stops at 1024)."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock, select.POLLIN if read else select.POLLOUT)
        return bool(poller.poll(max(0, int(seconds * 1000))))
    ready = select.select([sock] if read else [], [] if read else [sock], [sock], seconds)
    return any(ready)


def _await(sock: socket.socket, request: Request, until: float, *, read: bool) -> None:
    while not wait(sock, read=read, seconds=min(TICK, request.remaining())):
        if time.monotonic() > until:
            raise Retriable(f"no connection within {request.connect_timeout:g} seconds")


def connect(host: str, port: int, request: Request) -> socket.socket:
    """Open a TCP connection to the first address of *host* that answers. Raises `Retriable`."""
    try:
        addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Retriable(f"the name {host} cannot be resolved: {error}") from error
    problem: Exception = Retriable(f"{host} has no address")
    for at, (family, kind, protocol, _, address) in enumerate(addresses):
        seconds = request.connect_timeout if at == len(addresses) - 1 else min(3.0, request.connect_timeout)
        try:
            return _connect_one(family, kind, protocol, address, request, seconds)
        except (OSError, Retriable) as error:
            problem = error
    raise Retriable(f"cannot connect to {host} port {port}: {problem}") from problem


def _connect_one(
    family: int, kind: int, protocol: int, address: Any, request: Request, seconds: float
) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        until = time.monotonic() + seconds
        try:
            sock.connect(address)
        except (BlockingIOError, InterruptedError):
            _await(sock, request, until, read=False)
        problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            import os

            raise OSError(problem, os.strerror(problem))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.settimeout(TICK)
    except BaseException:
        sock.close()
        raise
    return sock


def start_tls(sock: socket.socket, context: Callable[[], ssl.SSLContext], host: str, request: Request) -> ssl.SSLSocket:
    """Make a TLS connection out of a TCP one. Raises `Retriable`, or `ssl.SSLError` where trust is missing."""
    until = time.monotonic() + request.connect_timeout
    wrapped: socket.socket = sock
    try:
        wrapped = context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        wrapped.setblocking(False)
        while True:
            try:
                wrapped.do_handshake()
                break
            except ssl.SSLWantReadError:
                _await(wrapped, request, until, read=True)
            except ssl.SSLWantWriteError:
                _await(wrapped, request, until, read=False)
        wrapped.settimeout(TICK)
    except BaseException:
        wrapped.close()
        raise
    return wrapped
