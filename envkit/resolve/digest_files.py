"""The files of all versions of a project, packed: the larger part of a digest, which few resolutions need.

In bytes, as `envkit.resolve.digest` uses them::

    envkit-files 1 <crc32 of the numbers> <versions> <identity of the page> <fingerprint of the rules>
    <for each version the end of its files>: little-endian, 4 bytes each
    <files of each version>: crc32 (4 bytes) and marshalled rows of the usable files, the preferred one first
"""

from __future__ import annotations

import itertools
import marshal
import sys
import zlib
from array import array
from collections.abc import Sequence
from typing import TypeAlias

from envkit.model.listing import Row

Files: TypeAlias = Sequence[tuple[Row, str | None]]
"""The rows of the usable files of one version, each with where it is from."""

_MAGIC = "envkit-files 1"


class PackedFiles:
    """The files of each version by its position, packed as `pack_one` gives them."""

    __slots__ = ("_data", "_ends", "_start")

    def __init__(self, data: bytes, start: int, ends: Sequence[int]) -> None:
        self._data = data
        self._start = start
        self._ends = ends

    @classmethod
    def read(cls, data: bytes, count: int, of: str) -> PackedFiles | None:
        """Read what `pack_all` gave for *count* versions *of* the same; None where it is damaged, or something else's."""
        start = data.find(b"\n") + 1
        after = start + 4 * count
        table = data[start:after]
        if data[:start] != _first_line(table, count, of) or len(data) < after:
            return None
        return cls(data, after, read_numbers(table))

    def __getitem__(self, at: int) -> bytes:
        begin = self._ends[at - 1] if at else 0
        return self._data[self._start + begin : self._start + self._ends[at]]


def pack_all(rows: Sequence[bytes], of: str) -> bytes:
    """Pack the files of all versions; *of* says of what page and under which rules."""
    table = write_numbers(list(itertools.accumulate(map(len, rows))))
    return b"".join((_first_line(table, len(rows), of), table, *rows))


def _first_line(table: bytes, count: int, of: str) -> bytes:
    return f"{_MAGIC} {zlib.crc32(table):08x} {count} {of}\n".encode()


def pack_one(files: Files) -> bytes:
    """Pack the files of one version."""
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
