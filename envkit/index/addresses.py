"""Addresses that may be asked, and where a redirect may lead."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

from envkit.errors import TransportError
from envkit.model.secret import strip_credentials

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


Origin: TypeAlias = tuple[str, str, int | None]


def origin(url: str) -> Origin:
    """Give scheme, host and port: what credentials are bound to."""
    return origin_of(urlsplit(url))


def origin_of(parts: SplitResult) -> Origin:
    """Give the origin of an address that was taken apart."""
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine."""
    host = host.lower().rstrip(".")
    if host in _LOOPBACK or host.endswith(".localhost"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_scheme(url: str, trusted: frozenset[str]) -> None:
    """Refuse anything but https, and http to loopback and trusted hosts. Raises `TransportError`."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not parts.hostname:
        raise TransportError(f"not an https address: {strip_credentials(url)}")
    host = parts.hostname
    if host in trusted or f"{host}:{origin(url)[2]}" in trusted or is_loopback(host):
        return
    raise TransportError(
        f"{host} is asked over plain http, where anyone on the way can change what comes",
        hint="use https, or name the host as trusted",
    )


def redirect_target(current: str, location: str) -> str:
    """Give where *location* leads from *current*. Raises `TransportError` where it must not be followed."""
    try:
        target = strip_credentials(urljoin(current, location.strip()))
        scheme = urlsplit(target).scheme
        host = urlsplit(target).hostname
    except ValueError as error:
        raise TransportError("redirect to an address that cannot be read") from error
    if scheme not in ("http", "https") or not host:
        raise TransportError(f"redirect to something that is not http: {scheme}")
    if scheme == "http" and urlsplit(current).scheme == "https":
        raise TransportError("redirect from https to http is not followed")
    return printable(target)


def printable(url: str) -> str:
    """Give *url* with everything quoted that a request line cannot hold: spaces, controls, letters beyond ASCII."""
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    from urllib.parse import quote

    return "".join(character if "!" <= character <= "~" else quote(character, errors="replace") for character in url)
