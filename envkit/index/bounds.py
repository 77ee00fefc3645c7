"""How long the network may take, and how much may come from it."""

from __future__ import annotations

from envkit.namedtuple import NamedTuple


class Timeouts(NamedTuple):
    """Seconds. *connect* for one address with its TLS handshake, *read* between two pieces of a response.

    *page* and *file* are the deadlines of one page (or metadata) and one file, with all redirects and retries.
    """

    connect: float = 10.0
    read: float = 20.0
    page: float = 90.0
    file: float = 1800.0


class Limits(NamedTuple):
    """Bounds on what comes from outside, in bytes after decompression, and in counts."""

    page_bytes: int = 48 * 1024 * 1024
    metadata_bytes: int = 16 * 1024 * 1024
    file_bytes: int = 16 * 1024 * 1024 * 1024
    redirects: int = 10
    retries: int = 4
    retry_after: float = 15.0
    connections: int = 50
