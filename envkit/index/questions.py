"""Questions to servers beside an index: the JSON API, vulnerability databases."""

from __future__ import annotations

from envkit.errors import ProjectNotFound, TransportError
from envkit.index.network import Network
from envkit.model.secret import strip_credentials

MAX_BYTES = 32 * 1024 * 1024


def ask(network: Network, url: str, body: bytes | None, *, offline: bool) -> bytes:
    """Give the answer, at most `MAX_BYTES`. Raises `ProjectNotFound` for 404 and 410, `TransportError` otherwise."""
    shown = strip_credentials(url)
    if offline:
        raise TransportError(f"offline: {shown} cannot be asked", context={"url": shown})
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    answer = network.session.get(url, headers, max_bytes=MAX_BYTES, body=body)
    if answer.status in (404, 410):
        raise ProjectNotFound(f"there is nothing at {shown}", context={"url": shown})
    if answer.status != 200:
        raise TransportError(f"{shown}: the server answered {answer.status}", context={"url": shown})
    return answer.body
