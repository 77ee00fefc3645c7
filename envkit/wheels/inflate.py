"""Read a compressed stream piece by piece, with a bound on what comes out."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Protocol

from envkit.errors import InvalidSource
from envkit.wheels.bounds import ArchiveBounds

_PIECE = 256 * 1024
_XZ_MEMORY = 128 * 1024 * 1024


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


class BoundedReader:
    """The unpacked bytes of *stream*: ``read(n)`` gives at most *n*, less only at the end.

    Several streams after each other are one, as ``gzip`` and ``xz`` have it; anything else after the end but zeros is
    refused, as another program might read that part as the archive. The name's suffix tells the format, and the content
    has to agree.
    """

    def __init__(
        self, stream: IO[bytes], size: int, kind: str, bounds: ArchiveBounds, refuse: Callable[[str], InvalidSource]
    ) -> None:
        self._stream = stream
        self._size = max(size, 1)
        self._kind = kind
        self._bounds = bounds
        self._refuse = refuse
        self._packed = b""
        self._buffer = bytearray()
        self._inflater: _Inflater | None = None
        self._ended = False
        self.produced = 0

    def read(self, wanted: int) -> bytes:
        """Give *wanted* bytes, less only at the end. Raises what *refuse* gives for a broken or boundless stream."""
        while len(self._buffer) < wanted and not self._ended:
            self._buffer += self._more(min(max(wanted - len(self._buffer), 512), _PIECE))
        taken = bytes(self._buffer[:wanted])
        del self._buffer[:wanted]
        return taken

    def _more(self, most: int) -> bytes:
        try:
            data = self._plain(most) if self._kind == "tar" else self._unpack(most)
        except (zlib.error, lzma.LZMAError, EOFError, ValueError, OSError) as error:
            raise self._refuse(f"cannot be unpacked: {error}") from error
        self.produced += len(data)
        bounds = self._bounds
        if self.produced > bounds.total:
            raise self._refuse(f"is larger than {bounds.total} bytes when unpacked")
        if self.produced > bounds.ratio_free and self.produced > bounds.ratio * self._size:
            raise self._refuse(f"unpacks to more than {bounds.ratio} times its size")
        return data

    def _plain(self, most: int) -> bytes:
        data = self._stream.read(most)
        self._ended = not data
        return data

    def _unpack(self, most: int) -> bytes:
        while True:
            if self._inflater is None and not self._begin():
                self._ended = True
                return b""
            inflater = self._inflater
            assert inflater is not None
            if not self._packed and self._needs_input(inflater):
                self._packed = self._stream.read(_PIECE)
                if not self._packed:
                    raise EOFError("the stream is cut short")
            data = self._step(inflater, most)
            if inflater.eof:
                self._packed = inflater.unused_data
                self._inflater = None
            if data:
                return data

    def _begin(self) -> bool:
        """Begin the first or the next stream; false at the honest end of the file."""
        if not self._packed:
            self._packed = self._stream.read(_PIECE)
        if self.produced or self._kind != "gz":
            stripped = self._packed.lstrip(b"\0")
            while self._packed and not stripped and self.produced:  # padding, as tapes have it
                self._packed = self._stream.read(_PIECE)
                stripped = self._packed.lstrip(b"\0")
            if not self._packed:
                return False
            if self.produced and stripped != self._packed:
                raise ValueError("there is something else after its end")
        if not self._packed:
            raise EOFError("the file is empty")
        if self._kind == "gz":
            if not self._packed.startswith(b"\x1f\x8b"):
                raise ValueError("there is something else where a gzip stream should begin")
            self._inflater = zlib.decompressobj(wbits=31)
        elif self._kind == "bz2":
            self._inflater = bz2.BZ2Decompressor()
        else:
            self._inflater = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return True

    def _needs_input(self, inflater: _Inflater) -> bool:
        return bool(getattr(inflater, "needs_input", True))

    def _step(self, inflater: _Inflater, most: int) -> bytes:
        if self._kind == "gz":
            assert isinstance(inflater, type(zlib.decompressobj()))
            data = inflater.decompress(self._packed, most)
            self._packed = inflater.unconsumed_tail
            return data
        assert isinstance(inflater, (bz2.BZ2Decompressor, lzma.LZMADecompressor))
        data = inflater.decompress(self._packed, most)
        self._packed = b""
        return data
