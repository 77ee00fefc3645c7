"""The fastest there is of what inflates: isal where it is installed, else zlib.

isal takes a few streams that zlib refuses (incomplete Huffman codes among them), so of archives, which other programs
must not be able to read differently, it is only for what is then compared with a strong hash. It is loaded with the
first inflater: whoever has little to inflate takes zlib. Both keep to the bound of a call, but isal may hold on to
output without a tail, so an end is known by `eof` alone:

    while not inflater.eof:
        piece = inflater.decompress(packed, bound)
        packed = inflater.unconsumed_tail
        if not (piece or packed or inflater.eof):
            ...  # cut short, or more input is wanted
"""

from __future__ import annotations

import functools
import importlib
import zlib
from collections.abc import Callable
from typing import Protocol, TypeAlias, cast

RAW, GZIP = -15, 31
"""The window and wrapping (``wbits``) of a ZIP archive's members, and of gzip, whose checksum is then checked."""


class Inflater(Protocol):
    """What ``zlib.decompressobj`` gives."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        ...

    @property
    def unconsumed_tail(self) -> bytes:
        """Input that the next call wants first."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Input after the end of the stream."""
        ...

    def decompress(self, data: bytes | memoryview, max_length: int = 0, /) -> bytes:
        """Give at most *max_length* bytes, without a bound where that is 0."""
        ...


_Maker: TypeAlias = Callable[[int], Inflater]
_Errors: TypeAlias = tuple[type[Exception], ...]


def inflater(wbits: int) -> tuple[Inflater, _Errors]:
    """Give what inflates one stream, and what it raises for one that is broken."""
    make, errors = fastest()
    return make(wbits), errors


@functools.cache
def fastest() -> tuple[_Maker, _Errors]:
    """Give what makes an inflater, and what those raise."""
    try:
        # By name, as neither the module nor its types need be there.
        isal = importlib.import_module("isal.isal_zlib")
    except ImportError:
        return plain()
    make = cast(_Maker, isal.decompressobj)
    # Before 1.9 it loses what follows the end of a stream.
    tried = make(RAW)
    sound = tried.decompress(b"\x03\0more", 1) == b"" and tried.eof and tried.unused_data == b"more"
    return (make, (cast("type[Exception]", isal.error), zlib.error)) if sound else plain()


def plain() -> tuple[_Maker, _Errors]:
    """Give the same of zlib."""
    return cast(_Maker, zlib.decompressobj), (zlib.error,)
