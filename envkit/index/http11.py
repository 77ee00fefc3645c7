"""HTTP/1.1 over pooled connections.

Connections are shared by threads, never by processes: after a fork the child starts with none. The total deadline and the
cancel token hold for every byte that is waited for (`envkit.index.sockets`).
"""

from __future__ import annotations

import functools
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from envkit.errors import TransportError
from envkit.index.addresses import Parts, take_apart
from envkit.index.http_response import HttpResponse
from envkit.index.proxies import Proxies, proxy_authorization
from envkit.index.sockets import Clocked, connect
from envkit.index.transport import Request, Response, Retriable
from envkit.model.secret import mask_credentials

if TYPE_CHECKING:
    import ssl

_PORTS = {"http": 80, "https": 443}
_IDLE_SECONDS = 55.0
_MAX_IDLE = 50
_HOSTS = 100
"""Hosts to which idle connections are kept; one more, and all others are closed."""
_Key = tuple[str, str, int]


class HttpTransport:
    """The transport in normal use; see `envkit.index.transport.Transport`, and `envkit.index.tls` for trust."""

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        client_cert: str | tuple[str, str] | None = None,
        proxies: Proxies | None = None,
        unverified_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._trust = (ca_file, client_cert)
        self._proxies = proxies or Proxies({})
        self._unverified = unverified_hosts
        self._lock = threading.Lock()
        self._idle: dict[_Key, list[tuple[float, _Connection]]] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._pid = os.getpid()
        self._epoch = 0
        # Whoever drops a client without closing it, or while a thread of it is at work, leaves no connection behind.
        weakref.finalize(self, _close_all, self._idle).atexit = False

    def send(self, request: Request) -> Response:
        """Make one exchange; a connection that went stale while idle is replaced without a word."""
        parts = take_apart(request.url)
        scheme, host = parts.scheme, parts.hostname or ""
        try:
            port = parts.port or _PORTS[scheme]
        except (ValueError, KeyError) as error:
            raise TransportError(f"not an HTTP address: {mask_credentials(request.url)}") from error
        key = (scheme, host, port)
        while True:
            connection = self._take(key)
            reused = connection is not None
            if connection is None:
                connection = self._open(key, request)
            try:
                return connection.exchange(request, parts, functools.partial(self._done, key, connection))
            except Retriable:
                connection.close()
                if not reused or connection.clocked.received:
                    raise
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle = self._idle.copy()
            self._idle.clear()
            self._epoch += 1
        _close_all(idle)

    def _take(self, key: _Key) -> _Connection | None:
        if self._pid != os.getpid():
            self._begin_anew()
        while True:
            with self._lock:
                entries = self._idle.get(key)
                if not entries:
                    return None
                since, connection = entries.pop()
            # Outside the lock: the check lets other threads run, and they would all come to wait for this one.
            if time.monotonic() - since < _IDLE_SECONDS and connection.clocked.idle_and_open():
                connection.clocked.received = 0
                return connection
            connection.close()

    def _begin_anew(self) -> None:
        """Drop what a fork brought along; the lock too, as a thread of the parent may have held it."""
        inherited = self._idle.copy()
        self._idle.clear()
        self._lock, self._pid = threading.Lock(), os.getpid()
        _close_all(inherited)  # this process's hold on them alone: nothing goes over the wire

    def _done(self, key: _Key, connection: _Connection, good: bool) -> None:  # noqa: FBT001  called by responses
        """Keep a connection whose response was read to its end, close any other."""
        connection.clocked.request = None
        if not good:
            connection.close()
            return
        with self._lock:
            if key not in self._idle and len(self._idle) >= _HOSTS:
                _close_all({each: self._idle.pop(each) for each in tuple(self._idle)})
            entries = self._idle.setdefault(key, [])
            # One that was under way while `close` was called is not kept.
            if connection.epoch == self._epoch and self._pid == os.getpid() and len(entries) < _MAX_IDLE:
                entries.append((time.monotonic(), connection))
                return
        connection.close()

    def _open(self, key: _Key, request: Request) -> _Connection:
        scheme, host, port = key
        proxy = self._proxies.for_url(scheme, host, port)
        try:
            if proxy is None:
                sock: Any = connect(host, port, request)
            else:
                from envkit.index.tunnel import connect_through

                sock = connect_through(proxy, key, request, lambda: self._context(verify=True))
        except (OSError, ValueError) as error:
            raise Retriable(f"no connection to {host}: {error}") from error
        absolute = proxy is not None and scheme == "http" and not proxy.startswith("socks")
        if scheme == "https" or (absolute and proxy is not None and proxy.startswith("https:")):
            from envkit.index.tls import WAITS, secure

            if scheme == "https":
                sock = secure(sock, lambda: self._context(verify=host not in self._unverified), host, request)
            clocked = Clocked(sock, WAITS)
        else:
            clocked = Clocked(sock)
        return _Connection(clocked, proxy_for_plain=proxy if absolute else None, epoch=self._epoch)

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        from envkit.index.tls import TlsConfig, make_context

        with self._lock:
            if verify not in self._contexts:
                ca_file, client_cert = self._trust
                config = TlsConfig(ca_file=ca_file, client_cert=client_cert)
                self._contexts[verify] = make_context(config, verify=verify)
            return self._contexts[verify]


def _close_all(idle: dict[_Key, list[tuple[float, _Connection]]]) -> None:
    for entries in list(idle.values()):
        for _, connection in entries:
            connection.close()


class _Connection:
    """One connection, used by one thread at a time."""

    def __init__(self, clocked: Clocked, *, proxy_for_plain: str | None, epoch: int) -> None:
        self.epoch = epoch
        self.clocked = clocked
        self._proxy = proxy_for_plain

    def exchange(self, request: Request, parts: Parts, done: Callable[[bool], None]) -> Response:
        self.clocked.request = request
        self.clocked.sendall(self._head(request, parts) + (request.body or b""))
        return HttpResponse(self.clocked, done, method=request.method)

    def _head(self, request: Request, parts: Parts) -> bytes:
        target = parts.path or "/"
        if parts.query:
            target += "?" + parts.query
        host = parts.netloc.rpartition("@")[2]
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}"]
        if self._proxy is not None:
            lines[0] = f"{request.method} http://{host}{target} HTTP/1.1"
            authorization = proxy_authorization(self._proxy)
            if authorization:
                lines.append(f"Proxy-Authorization: {authorization}")
        if request.body is not None:
            lines.append(f"Content-Length: {len(request.body)}")
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        text = "\r\n".join(lines)
        if text.count("\r") != len(lines) - 1 or text.count("\n") != len(lines) - 1 or "\0" in text:
            raise TransportError("a header or address holds a line break")
        try:
            return text.encode("latin-1") + b"\r\n\r\n"
        except UnicodeEncodeError as error:
            raise TransportError(f"not an ASCII address: {mask_credentials(request.url)}") from error

    def close(self) -> None:
        self.clocked.close()
