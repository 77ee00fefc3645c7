"""Read bodies under bounds, and decompress them in flat memory."""

from __future__ import annotations

import zlib

from envkit.errors import TransportError
from envkit.index.transport import Response, Retriable

_PIECE = 64 * 1024


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
    parts: list[bytes] = []
    size = 0
    while piece := response.read(_PIECE):
        if inflater is not None:
            try:
                # One byte above what may come is enough to know that it is too much: memory stays flat.
                piece = inflater.decompress(piece, max_bytes - size + 1)
            except zlib.error as error:
                raise Retriable("the compressed body is broken") from error
        size += len(piece)
        if size > max_bytes:
            raise TransportError(f"larger than {max_bytes} bytes", context={"limit": max_bytes})
        parts.append(piece)
    if inflater is not None and not inflater.eof:
        raise Retriable("the compressed body was cut short")
    return b"".join(parts)
