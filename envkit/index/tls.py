"""TLS contexts: the system's trust by default, one's own authority or client certificate where given."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

from envkit.dataclass import dataclass
from envkit.errors import TransportError
from envkit.index.sockets import await_ready
from envkit.index.transport import Request, Retriable

WAITS = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a TLS socket raises for "not yet"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """*ca_file* replaces the system's trust (a PEM file or a folder of them); *client_cert* is a PEM file, or a pair
    (certificate, key).
    """

    ca_file: str | None = None
    client_cert: str | tuple[str, str] | None = None


def secure(sock: socket.socket, context: Callable[[], ssl.SSLContext], host: str, request: Request) -> ssl.SSLSocket:
    """Make a TLS connection to *host* out of a TCP one. Raises `TransportError` where trust is missing, or `Retriable`."""
    try:
        return _start(sock, context, host, request)
    except ssl.SSLCertVerificationError as error:
        raise TransportError(
            f"the certificate of {host} is not trusted: {error.verify_message}",
            hint="name the authority with ca_file, or the host as trusted",
        ) from error
    except ssl.SSLError as error:
        raise Retriable(f"no TLS connection to {host}: {error.reason or error}") from error
    except (OSError, ValueError) as error:
        raise Retriable(f"no connection to {host}: {error}") from error


def make_context(config: TlsConfig, *, verify: bool = True) -> ssl.SSLContext:
    """Make a context. Raises `TransportError` naming a file that cannot be read."""
    context = _trusting(config) if verify else _unverified()
    if config.client_cert is not None:
        certificate = config.client_cert
        pair = (certificate, None) if isinstance(certificate, str) else certificate
        try:
            # Without a password of its own OpenSSL would ask for one on the terminal, and wait.
            context.load_cert_chain(pair[0], pair[1], password="")
        except (OSError, ssl.SSLError) as error:
            raise TransportError(f"client certificate {pair[0]} cannot be used: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting(config: TlsConfig) -> ssl.SSLContext:
    if config.ca_file is not None:
        import os

        folder = os.path.isdir(config.ca_file)
        try:
            return ssl.create_default_context(
                cafile=None if folder else config.ca_file, capath=config.ca_file if folder else None
            )
        except (OSError, ssl.SSLError) as error:
            raise TransportError(f"certificate authorities {config.ca_file} cannot be read: {error}") from error
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _start(sock: socket.socket, context: Callable[[], ssl.SSLContext], host: str, request: Request) -> ssl.SSLSocket:
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
                await_ready(wrapped, request, until, read=True)
            except ssl.SSLWantWriteError:
                await_ready(wrapped, request, until, read=False)
    except BaseException:
        wrapped.close()
        raise
    return wrapped
