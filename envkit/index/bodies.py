"""Read bodies under bounds, and decompress them in flat memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from envkit.errors import TransportError
from envkit.index.transport import Response, Retriable

_PIECE = 64 * 1024
_UNPACKED = 1024 * 1024


def finish(response: Response) -> None:
    """Read a short rest, so that the connection can be used again."""
    try:
        for _ in range(4):
            if not response.read(_PIECE):
                break
    except TransportError:
        pass
    finally:
        response.close()


def read_body(response: Response, max_bytes: int, *, decode: bool) -> bytes:
    """Give the whole body of at most *max_bytes* after decompression. Raises `TransportError`."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower() if decode else "identity"
    if encoding in ("gzip", "x-gzip"):
        inflater = zlib.decompressobj(31)
    elif encoding == "deflate":
        inflater = zlib.decompressobj()
    elif encoding in ("identity", ""):
        inflater = None
    else:
        raise TransportError(f"content encoding {encoding[:40]!r} was not asked for")
    body = bytearray()
    try:
        for piece in _pieces(response) if inflater is None else _inflated(response, inflater):
            if len(body) + len(piece) > max_bytes:
                raise TransportError(f"larger than {max_bytes} bytes", context={"limit": max_bytes})
            body += piece
        return bytes(body)
    finally:
        body.clear()  # an error's trace would hold on to it


def _pieces(response: Response) -> Iterator[bytes]:
    while piece := response.read(_PIECE):
        yield piece


def _inflated(response: Response, inflater: Any) -> Iterator[bytes]:
    """Give what compressed pieces hold, a bounded part at a time: what they could grow to is never made at once."""
    for packed in _pieces(response):
        if inflater.eof:
            return  # whatever follows the compressed data is nobody's
        waiting = packed
        while waiting and not inflater.eof:
            try:
                piece = inflater.decompress(waiting, _UNPACKED)
            except zlib.error as error:
                raise Retriable("the compressed body is broken") from error
            waiting = inflater.unconsumed_tail
            yield piece
    if not inflater.eof:
        raise Retriable("the compressed body was cut short")
