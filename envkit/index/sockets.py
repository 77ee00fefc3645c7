"""Sockets that keep a deadline and can be cancelled.

Timeouts of the standard library hold for one call, so a body that drips never ends. Every wait here is cut into ticks:
between them the total deadline, the read timeout and the cancel token are looked at.
"""

from __future__ import annotations

import functools
import select
import socket
import time
from contextlib import suppress
from typing import Any

from envkit.index.transport import Request, Retriable
from envkit.index.workers import Workers

TICK = 0.05
"""Seconds between two looks at the cancel token: cancelling is seen within 100 ms."""
_HASTE = 10.0
_lookups = Workers(16)
UNREACHABLE = "check the network, the address and the proxy; with offline=True what is cached is used"


class Clocked:
    """A socket that does not block, under the clock of the request that uses it now.

    *waits* are the exceptions that mean "not yet": more of them for TLS. *received* counts the bytes of this use.
    """

    def __init__(self, sock: Any, waits: tuple[type[OSError], ...] = (BlockingIOError, InterruptedError)) -> None:
        self.sock = sock
        self.request: Request | None = None
        self.received = 0
        self._waits = waits

    def sendall(self, data: bytes) -> None:
        """Send everything, under the clock. Raises `Retriable`."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.sock.send(rest) :]
            except self._waits:
                self._wait(read=False)
            except (OSError, ValueError) as error:
                raise Retriable(f"the connection failed: {error}") from error

    def recv(self, size: int) -> bytes:
        """Give what is there, at most *size* bytes, waiting for it under the clock; ``b""`` at the end.

        Raises `Retriable`, and `TransportError` once the deadline has passed, however much is there.
        """
        assert self.request is not None
        self.request.remaining()
        while True:
            try:
                data: bytes = self.sock.recv(size)
            except self._waits:
                self._wait(read=True)
            except (OSError, ValueError) as error:
                raise Retriable(f"the connection failed: {error}") from error
            else:
                self.received += len(data)
                return data

    def _wait(self, *, read: bool) -> None:
        request = self.request
        assert request is not None
        until = time.monotonic() + request.read_timeout
        while not wait(self.sock, read=read, seconds=min(TICK, request.remaining())):
            if time.monotonic() > until:
                raise Retriable(f"nothing arrived for {request.read_timeout:g} seconds")

    def idle_and_open(self) -> bool:
        """Whether the connection can be used again: open, and nothing unasked has arrived."""
        with suppress(OSError, ValueError):
            return not wait(self.sock, read=True, seconds=0)
        return False

    def close(self) -> None:
        """Close at once; a TLS goodbye is not waited for."""
        with suppress(OSError):
            self.sock.close()


def wait(sock: socket.socket, *, read: bool, seconds: float) -> bool:
    """Wait until a socket can be read from or written to; poll where the platform has it (select stops at 1024)."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock, select.POLLIN if read else select.POLLOUT)
        return bool(poller.poll(max(0, int(seconds * 1000))))
    ready = select.select([sock] if read else [], [] if read else [sock], [sock], seconds)
    return any(ready)


def await_ready(sock: socket.socket, request: Request, until: float, *, read: bool) -> None:
    """Wait until a socket can be used, at most *until* (monotonic). Raises `Retriable` after it."""
    while not wait(sock, read=read, seconds=min(TICK, request.remaining())):
        if time.monotonic() > until:
            raise Retriable(f"no connection within {request.connect_timeout:g} seconds")


def look_up(host: str, port: int, request: Request, family: int = 0) -> list[Any]:
    """Give the addresses of *host*, as `socket.getaddrinfo` does. Raises `Retriable`.

    The system's resolver knows neither deadline nor cancelling, so it works in a thread that can be left behind.
    """
    # As bytes, where that is the same: of texts the library makes international names, and loads all about them.
    name = host.encode() if host.isascii() else host
    ask = functools.partial(socket.getaddrinfo, name, port, family, socket.SOCK_STREAM)
    with suppress(OSError, UnicodeError):
        return ask(flags=socket.AI_NUMERICHOST)  # asks nobody
    job = _lookups.submit((name, port, family), ask)
    until = time.monotonic() + request.connect_timeout
    while not job.wait(min(TICK, request.remaining())):
        if time.monotonic() > until:
            problem = f"the name {host} was not resolved within {request.connect_timeout:g} seconds"
            raise Retriable(problem, hint=UNREACHABLE)
    try:
        return job.result(None)
    except (OSError, UnicodeError) as error:
        raise Retriable(f"the name {host} cannot be resolved: {error}", hint=UNREACHABLE) from error


def connect(host: str, port: int, request: Request) -> socket.socket:
    """Open a TCP connection to the first address of *host* that answers. Raises `Retriable`."""
    addresses = look_up(host, port, request)
    problem: Exception = Retriable(f"{host} has no address")
    for at, (family, kind, protocol, _, address) in enumerate(addresses):
        seconds = request.connect_timeout if at == len(addresses) - 1 else min(3.0, request.connect_timeout)
        try:
            return _connect_one(family, kind, protocol, address, request, seconds)
        except (OSError, Retriable) as error:
            problem = error
    failed = Retriable(f"cannot connect to {host} port {port}: {problem}", hint=UNREACHABLE)
    if isinstance(problem, ConnectionRefusedError) and all(_is_this_machine(row[4][0]) for row in addresses):
        failed.haste = _HASTE  # nothing listens, and no network is in between that may mend itself
    raise failed from problem


def _is_this_machine(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


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
            await_ready(sock, request, until, read=False)
        problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            import os

            raise OSError(problem, os.strerror(problem))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except BaseException:
        sock.close()
        raise
    return sock
