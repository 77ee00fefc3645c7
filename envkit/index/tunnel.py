"""Connections through a proxy: HTTP ``CONNECT``, and SOCKS5 (RFC 1928, 1929), under the clock of the request."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from envkit.errors import TransportError
from envkit.index.proxies import proxy_authorization
from envkit.index.sockets import Clocked, connect, look_up
from envkit.index.transport import Request, Retriable
from envkit.model.secret import strip_credentials

if TYPE_CHECKING:
    import ssl

_MAX_ANSWER = 65536
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


def connect_through(
    proxy: str, key: tuple[str, str, int], request: Request, context: Callable[[], ssl.SSLContext]
) -> Any:
    """Open a connection to *key* through *proxy*; plain HTTP over an HTTP proxy needs no tunnel.

    Raises `TransportError` for a proxy that refuses or is of an unknown kind.
    """
    scheme, host, port = key
    try:
        parts = urlsplit(proxy)
        proxy_host, proxy_port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise TransportError(f"not a proxy that can be used: {strip_credentials(proxy)}") from error
    sock = connect(proxy_host, proxy_port, request)
    try:
        if parts.scheme.startswith("socks"):
            user = (unquote(parts.username or ""), unquote(parts.password or ""))
            _socks5(sock, host, port, user, request, resolve_here=parts.scheme == "socks5")
            return sock
        if parts.scheme == "https":
            if scheme == "https":
                raise TransportError(
                    "an https index cannot be reached through a proxy that itself is asked over https",
                    hint="give the proxy as http://; what passes through it is encrypted all the same",
                )
            from envkit.index.tls import secure

            return secure(sock, context, proxy_host, request)
        if scheme == "https":
            _http_connect(sock, proxy, host, port, request)
    except BaseException:
        sock.close()
        raise
    return sock


def _http_connect(sock: socket.socket, proxy: str, host: str, port: int, request: Request) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    authorization = proxy_authorization(proxy)
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization}")
    clocked = Clocked(sock)
    clocked.request = request
    clocked.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        # One byte at a time: what follows the blank line belongs to the TLS connection inside.
        answer += _exactly(clocked, 1)
        if len(answer) > _MAX_ANSWER:
            raise TransportError("the proxy's answer has no end")
    words = answer.split(b"\r\n", 1)[0].split(None, 2)
    status = words[1] if len(words) > 1 else b"?"
    if not status.startswith(b"2"):
        raise TransportError(
            f"the proxy refused to connect to {target}: {status.decode('latin-1')}",
            context={"proxy_status": status.decode("latin-1")},
        )


def _exactly(clocked: Clocked, count: int) -> bytes:
    data = b""
    while len(data) < count:
        got = clocked.recv(count - len(data))
        if not got:
            raise Retriable("the proxy closed the connection")
        data += got
    return data


def _socks5(
    sock: socket.socket, host: str, port: int, user: tuple[str, str], request: Request, *, resolve_here: bool
) -> None:
    clocked = Clocked(sock)
    clocked.request = request
    clocked.sendall(b"\x05\x02\x00\x02" if user[0] else b"\x05\x01\x00")
    method = _exactly(clocked, 2)[1]
    if method == 2 and user[0]:
        name, password = user[0].encode()[:255], user[1].encode()[:255]
        clocked.sendall(b"\x01" + bytes([len(name)]) + name + bytes([len(password)]) + password)
        if _exactly(clocked, 2)[1] != 0:
            raise TransportError("the proxy refused the credentials")
    elif method != 0:
        raise TransportError("the proxy offers no way to sign in that is known here")
    clocked.sendall(
        b"\x05\x01\x00" + _address(host, port, request, resolve_here=resolve_here) + port.to_bytes(2, "big")
    )
    head = _exactly(clocked, 4)
    if head[1] != 0:
        raise Retriable(f"the proxy could not connect to {host} port {port}: code {head[1]}")
    length = {1: 4, 4: 16}.get(head[3])
    _exactly(clocked, (length if length is not None else _exactly(clocked, 1)[0]) + 2)


def _address(host: str, port: int, request: Request, *, resolve_here: bool) -> bytes:
    if resolve_here:
        host = str(look_up(host, port, request, socket.AF_INET)[0][4][0])
    try:
        return b"\x01" + socket.inet_aton(host) if host.count(".") == 3 and host[-1:].isdigit() else _name(host)
    except OSError:
        return _name(host)


def _name(host: str) -> bytes:
    if ":" in host:
        return b"\x04" + socket.inet_pton(socket.AF_INET6, host)
    name = host.encode("idna")[:255]
    return b"\x03" + bytes([len(name)]) + name
