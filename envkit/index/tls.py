"""TLS contexts: the system's trust by default, one's own authority or client certificate where given."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from envkit.errors import TransportError


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """*ca_file* replaces the system's trust (a PEM file or a folder of them); *client_cert* is a PEM file, or a pair
    (certificate, key).
    """

    ca_file: str | None = None
    client_cert: str | tuple[str, str] | None = None


def make_context(config: TlsConfig, *, verify: bool = True) -> ssl.SSLContext:
    """Make a context. Raises `TransportError` naming a file that cannot be read."""
    context = _trusting(config) if verify else _unverified()
    if config.client_cert is not None:
        certificate = config.client_cert
        pair = (certificate, None) if isinstance(certificate, str) else certificate
        try:
            context.load_cert_chain(*pair)
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
