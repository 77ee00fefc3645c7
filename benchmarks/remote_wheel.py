"""Read METADATA out of a wheel on the index with a few range requests, for wheels without a sidecar."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

TAIL = 48 * 1024
CHUNK = 32 * 1024

#: asks for bytes (first, last) inclusive, or (None, count) for the last ones; gives (bytes, size of the file)
Reader = Callable[[int | None, int], tuple[bytes, int]]


class RangedFile(io.RawIOBase):
    """A seekable view of a remote file; starts with its tail, where the directory and usually METADATA are."""

    def __init__(self, read_range: Reader) -> None:
        super().__init__()
        self._read_range = read_range
        tail, self._size = read_range(None, TAIL)
        self._parts: list[tuple[int, bytes]] = [(self._size - len(tail), tail)]
        self._position = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._position + size)
        start, self._position = self._position, max(end, self._position)
        if start >= end:
            return b""
        for first, data in self._parts:
            if first <= start and end <= first + len(data):
                return data[start - first : end - first]
        # What comes next is mostly read next: one larger request instead of two.
        data, _ = self._read_range(start, min(self._size, max(end, start + CHUNK)) - 1)
        self._parts.append((start, data))
        return data[: end - start]


def wheel_metadata(read_range: Reader) -> bytes | None:
    """Give the METADATA of a remote wheel, None if it has none."""
    with zipfile.ZipFile(RangedFile(read_range)) as archive:  # type: ignore[arg-type]  # it has what zipfile uses
        for name in archive.namelist():
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                return archive.read(name)
    return None
