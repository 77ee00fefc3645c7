"""The files of all versions of a project, packed: the larger part of a digest, which few resolutions need.

In bytes, as `envkit.resolve.digest` uses them::

    envkit-files 2 <crc32 of the numbers> <versions> <identity of the page> <fingerprint of the rules>
    <for each block the end of it>: little-endian, 4 bytes each
    <blocks>: crc32 (4 bytes) and for each of `BLOCK` versions rows of the usable files, the preferred one first; marshalled

Who asks for the files of one version reads those of its block. With a block for each, making them took four times as long.
"""

from __future__ import annotations

import itertools
import marshal
import sys
import zlib
from array import array
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from envkit.model.listing import Row

Files: TypeAlias = Sequence[tuple[Row, str | None]]
"""The rows of the usable files of one version, each with where it is from."""

BLOCK = 16
"""Versions whose files are packed together."""

_MAGIC = "envkit-files 2"


class PackedFiles:
    """The files of all versions in blocks, each packed as `pack_one` gives it; *data* is all that was read."""

    __slots__ = ("_ends", "_opened", "_start", "data")

    def __init__(self, data: bytes, start: int, ends: Sequence[int]) -> None:
        self.data = data
        self._start = start
        self._ends = ends
        self._opened: tuple[int, Sequence[Files]] = (-1, ())

    @classmethod
    def read(cls, data: bytes, count: int, of: str) -> PackedFiles | None:
        """Read what `pack_all` gave for *count* versions *of* the same; None where it is damaged, or something else's."""
        start = data.find(b"\n") + 1
        after = start + 4 * -(-count // BLOCK)
        table = data[start:after]
        if data[:start] != _first_line(table, count, of) or len(data) < after:
            return None
        return cls(data, after, read_numbers(table))

    def files(self, at: int, read: Callable[[bytes], Sequence[Files]]) -> Files:
        """Give the files of the version at *at*; *read* reads a block, and raises `ValueError` for one that is damaged."""
        number, place = divmod(at, BLOCK)
        if self._opened[0] != number:
            begin = self._ends[number - 1] if number else 0
            self._opened = (number, read(self.data[self._start + begin : self._start + self._ends[number]]))
        return self._opened[1][place]


def pack_all(files: Sequence[Files], of: str) -> bytes:
    """Pack the files of all versions; *of* says of what page and under which rules."""
    blocks = [pack_one(files[at : at + BLOCK]) for at in range(0, len(files), BLOCK)]
    table = write_numbers(list(itertools.accumulate(map(len, blocks))))
    return b"".join((_first_line(table, len(files), of), table, *blocks))


def _first_line(table: bytes, count: int, of: str) -> bytes:
    return f"{_MAGIC} {zlib.crc32(table):08x} {count} {of}\n".encode()


def pack_one(files: Sequence[Any]) -> bytes:
    """Pack the files of one version, or of each version of a block."""
    data = marshal.dumps(tuple(files), 4)
    return zlib.crc32(data).to_bytes(4, "little") + data


def read_numbers(data: bytes) -> Sequence[int]:
    """Read numbers of 4 bytes each, little-endian."""
    numbers = array("i", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def write_numbers(numbers: Sequence[int]) -> bytes:
    """Give numbers as `read_numbers` reads them."""
    data = array("i", numbers)
    if sys.byteorder == "big":
        data.byteswap()
    return data.tobytes()
