"""The seam to the network: one request, one response, no policy.

A transport makes exactly one HTTP exchange. Redirects, retries, credentials, size caps and decompression are
`envkit.index.session`'s, so a transport of one's own (HTTP/2, a proxy with its own ways, a test's) stays small.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from envkit.dataclass import dataclass, field
from envkit.errors import TransportError
from envkit.events import CancelToken
from envkit.index.bounds import Limits, Timeouts

__all__ = ["DeadlineExceeded", "Limits", "Request", "Response", "Retriable", "Timeouts", "Transport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET (or HEAD, or POST with a *body*).

    *deadline* is on the monotonic clock; *headers* may hold secrets and are never shown.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    deadline: float
    read_timeout: float = 20.0
    connect_timeout: float = 10.0
    cancel: CancelToken | None = None

    def remaining(self) -> float:
        """Give the seconds that are left. Raises `Cancelled`, or `TransportError` when there are none."""
        if self.cancel is not None:
            self.cancel.check()
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("the deadline has passed")
        return left


class DeadlineExceeded(TransportError):
    """The total time for a request is over."""


class Retriable(TransportError):
    """The connection failed in a way that a new attempt may mend; *fresh* is false on a reused connection.

    *haste* divides the pause before that attempt.
    """

    fresh: bool = True
    haste: float = 1.0


class Response(Protocol):
    """What came back. *headers* have lower-case names; repeated ones are joined with ``", "``."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        ...

    def read(self, size: int) -> bytes:
        """Give up to *size* bytes of the body as sent, ``b""`` at its end. Raises `TransportError` when cut short."""
        ...

    def close(self) -> None:
        """Be done with it; the connection is kept only when the body was read to its end."""
        ...


class Transport(Protocol):
    """Makes HTTP exchanges; thread-safe."""

    def send(self, request: Request) -> Response:
        """Send *request* and give the response once its headers are there. Raises `TransportError` or `Cancelled`."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...
