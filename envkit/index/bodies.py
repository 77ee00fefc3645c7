"""Read bodies under bounds, and decompress them in flat memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from envkit.errors import TransportError
from envkit.index.transport import Response, Retriable

_PIECE = 64 * 1024
_UNPACKED = 1024 * 1024
_MUCH = 32 * 1024
"""Packed bytes that are worth loading what is faster than zlib."""


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
    return _whole(_pieces(response), _encoding(response) if decode else "", max_bytes)


def unpack(response: Response, packed: bytes, max_bytes: int) -> bytes:
    """Decompress a body that was read as it came; at most *max_bytes* afterwards. Raises `TransportError`."""
    encoding = _encoding(response)
    if encoding not in ("gzip", "x-gzip"):
        return _whole(iter((packed,)), encoding, max_bytes)
    from envkit.host import inflate

    make, errors = inflate.fastest() if len(packed) > _MUCH else inflate.plain()
    inflater = make(inflate.GZIP)
    try:
        # In one call, bounded: piece by piece each byte would be copied twice more.
        body = inflater.decompress(packed, max_bytes + 1)
    except errors as error:
        raise Retriable("the compressed body is broken") from error
    if len(body) > max_bytes:
        raise TransportError(f"larger than {max_bytes} bytes", context={"limit": max_bytes})
    if not inflater.eof:
        raise Retriable("the compressed body was cut short")
    return body


def _encoding(response: Response) -> str:
    return response.headers.get("content-encoding", "identity").strip().lower()


def _whole(pieces: Iterator[bytes], encoding: str, max_bytes: int) -> bytes:
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
        for piece in pieces if inflater is None else _inflated(pieces, inflater):
            if len(body) + len(piece) > max_bytes:
                raise TransportError(f"larger than {max_bytes} bytes", context={"limit": max_bytes})
            body += piece
        return bytes(body)
    finally:
        body.clear()  # an error's trace would hold on to it


def _pieces(response: Response) -> Iterator[bytes]:
    while piece := response.read(_PIECE):
        yield piece


def _inflated(pieces: Iterator[bytes], inflater: Any) -> Iterator[bytes]:
    """Give what compressed pieces hold, a bounded part at a time: what they could grow to is never made at once."""
    for packed in pieces:
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
