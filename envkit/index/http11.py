"""HTTP/1.1 over pooled connections, on the standard library's ``http.client``.

Connections are shared by threads, never by processes: after a fork the child starts with none. The total deadline and the
cancel token hold for every byte that is waited for (`envkit.index.sockets`).
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from envkit.errors import TransportError
from envkit.index.proxies import Proxies, proxy_authorization
from envkit.index.sockets import Clocked, connect, start_tls
from envkit.index.tls import TlsConfig, make_context
from envkit.index.transport import Request, Response, Retriable
from envkit.model.secret import mask_credentials

_PORTS = {"http": 80, "https": 443}
_IDLE_SECONDS = 55.0
_MAX_IDLE = 50
_Key = tuple[str, str, int]


class HttpTransport:
    """The transport in normal use; see `envkit.index.transport.Transport`."""

    def __init__(
        self,
        *,
        tls: TlsConfig | None = None,
        proxies: Proxies | None = None,
        unverified_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._tls = tls or TlsConfig()
        self._proxies = proxies or Proxies({})
        self._unverified = unverified_hosts
        self._lock = threading.Lock()
        self._idle: dict[_Key, list[tuple[float, _Connection]]] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._pid = os.getpid()
        self._epoch = 0

    def send(self, request: Request) -> Response:
        """Make one exchange; a connection that went stale while idle is replaced without a word."""
        parts = urlsplit(request.url)
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
                return connection.exchange(request, parts, self, key)
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
            idle, self._idle = self._idle, {}
            self._epoch += 1
        for entries in idle.values():
            for _, connection in entries:
                connection.close()

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
        inherited, self._idle = self._idle, {}
        self._lock, self._pid = threading.Lock(), os.getpid()
        for entries in inherited.values():
            for _, connection in entries:
                connection.close()  # this process's hold on them alone: nothing goes over the wire

    def give_back(self, key: _Key, connection: _Connection) -> None:
        """Keep a connection whose response was read to its end."""
        connection.clocked.request = None
        with self._lock:
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
            if scheme == "https":
                sock = start_tls(sock, lambda: self._context(verify=host not in self._unverified), host, request)
        except ssl.SSLCertVerificationError as error:
            raise TransportError(
                f"the certificate of {host} is not trusted: {error.verify_message}",
                hint="name the authority with ca_file, or the host as trusted",
            ) from error
        except ssl.SSLError as error:
            raise Retriable(f"no TLS connection to {host}: {error.reason or error}") from error
        except (OSError, ValueError) as error:
            raise Retriable(f"no connection to {host}: {error}") from error
        absolute = proxy is not None and scheme == "http" and not proxy.startswith("socks")
        return _Connection(sock, proxy_for_plain=proxy if absolute else None, epoch=self._epoch)

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        with self._lock:
            if verify not in self._contexts:
                self._contexts[verify] = make_context(self._tls, verify=verify)
            return self._contexts[verify]


class _Connection:
    """One connection, used by one thread at a time."""

    def __init__(self, sock: socket.socket, *, proxy_for_plain: str | None, epoch: int) -> None:
        self.epoch = epoch
        self.clocked = Clocked(sock)
        self._proxy = proxy_for_plain

    def exchange(self, request: Request, parts: SplitResult, owner: HttpTransport, key: _Key) -> Response:
        self.clocked.request = request
        head = self._head(request, parts)
        try:
            self.clocked.sendall(head)
            raw = http.client.HTTPResponse(self.clocked, method=request.method)  # type: ignore[arg-type]
            raw.begin()
        except TransportError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Retriable(_cause(error)) from error
        return _HttpResponse(raw, self, owner, key)

    def _head(self, request: Request, parts: SplitResult) -> bytes:
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


def _cause(error: BaseException) -> str:
    if isinstance(error, http.client.RemoteDisconnected):
        return "the server closed the connection without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is not HTTP ({type(error).__name__})"
    return f"the connection failed: {error}"


class _HttpResponse:
    def __init__(self, raw: http.client.HTTPResponse, connection: _Connection, owner: HttpTransport, key: _Key) -> None:
        self._raw = raw
        self._connection: _Connection | None = connection
        self._owner = owner
        self._key = key
        joined: dict[str, str] = {}
        for name, value in raw.headers.items():
            name = name.lower()
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        self.headers: Mapping[str, str] = joined
        self.status = raw.status
        if raw.isclosed():
            self._finish()

    def read(self, size: int) -> bytes:
        if self._connection is None:
            return b""
        try:
            data = self._raw.read(size)
        except TransportError:
            self.close()
            raise
        except http.client.IncompleteRead as error:
            self.close()
            raise Retriable("the body was cut short") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise Retriable(_cause(error)) from error
        if not data:
            if self._raw.length:
                missing = self._raw.length
                self.close()
                raise Retriable(f"the body was cut short: {missing} bytes are missing")
            self._finish()
        elif self._raw.isclosed():
            self._finish()
        return data

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._raw.will_close:
                connection.close()
            else:
                self._owner.give_back(self._key, connection)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            self._raw.close()
