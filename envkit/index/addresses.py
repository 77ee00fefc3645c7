"""Addresses that may be asked, and where a redirect may lead."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, TypeAlias

from envkit.errors import TransportError
from envkit.model.secret import strip_credentials
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:  # nearly all addresses are plain, and reading the others takes long to be loaded
    from urllib.parse import SplitResult

_PLAIN = re.compile(r"(https?)://(([a-z0-9.-]+)(?::([0-9]{1,4}|[1-5][0-9]{4}))?)(/[A-Za-z0-9._~%+!/-]*)?\Z")
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


Origin: TypeAlias = tuple[str, str, int | None]


class PlainParts(NamedTuple):
    """The parts of an address that has no others, under the names that `urllib.parse` has for them."""

    scheme: str
    netloc: str
    hostname: str
    port: int | None
    path: str
    query: str = ""
    username: None = None
    password: None = None


Parts: TypeAlias = "PlainParts | SplitResult"


def take_apart(url: str) -> Parts:
    """Give the parts of an address as `urllib.parse.urlsplit` does. Raises `ValueError`."""
    plain = None if "@" in url else _take_plain_apart(url)
    if plain is not None:
        return plain
    from urllib.parse import urlsplit

    return urlsplit(url)


@functools.lru_cache(maxsize=256)
def _take_plain_apart(url: str) -> PlainParts | None:
    match = _PLAIN.match(url)  # several ask about the address of each request
    if match is None:
        return None
    scheme, netloc, host, port, path = match.groups()
    return PlainParts(scheme, netloc, host, int(port) if port else None, path or "")


def origin(url: str) -> Origin:
    """Give scheme, host and port: what credentials are bound to."""
    return origin_of(take_apart(url))


def origin_of(parts: Parts) -> Origin:
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
    parts = take_apart(url)
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
    from urllib.parse import urljoin

    try:
        target = strip_credentials(urljoin(current, location.strip()))
        scheme = take_apart(target).scheme
        host = take_apart(target).hostname
    except ValueError as error:
        raise TransportError("redirect to an address that cannot be read") from error
    if scheme not in ("http", "https") or not host:
        raise TransportError(f"redirect to something that is not http: {scheme}")
    if scheme == "http" and take_apart(current).scheme == "https":
        raise TransportError("redirect from https to http is not followed")
    return printable(target)


def printable(url: str) -> str:
    """Give *url* with everything quoted that a request line cannot hold: spaces, controls, letters beyond ASCII."""
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    from urllib.parse import quote

    return "".join(character if "!" <= character <= "~" else quote(character, errors="replace") for character in url)
