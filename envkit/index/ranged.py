"""Read a member of a remote archive by range requests, without the archive."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from envkit.errors import InvalidWheel
from envkit.index.session import Session
from envkit.index.transport import Response, Retriable

_TAIL = 24 * 1024
_STEP = 16 * 1024
_MAX_REQUESTS = 24
_MAX_FETCHED = 48 * 1024 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z")


class RangesUnsupported(Exception):
    """The server does not serve ranges of this file; the file itself is needed."""


class RangeFile(io.RawIOBase):
    """A seekable file made of the ranges that were asked for so far. Raises `RangesUnsupported` or `TransportError`."""

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = url
        self._requests = 0
        self._fetched = 0
        self._validator: str | None = None
        self._pieces: list[tuple[int, bytes]] = []
        self.size, start, data = self._get(f"bytes=-{_TAIL}")
        self._pieces.append((start, data))
        self._at = 0

    def readable(self) -> bool:
        """Give true."""
        return True

    def seekable(self) -> bool:
        """Give true."""
        return True

    def tell(self) -> int:
        """Give the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("before the start of the file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill *buffer* from here."""
        data = self._range(self._at, min(self.size, self._at + len(buffer)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _range(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        for first, data in self._pieces:
            if first <= start and end <= first + len(data):
                return data[start - first : end - first]
        wanted = min(self.size, max(end, start + _STEP))
        size, first, data = self._get(f"bytes={start}-{wanted - 1}")
        if size != self.size or first != start or len(data) < end - start:
            raise RangesUnsupported("the file changed while it was read")
        self._pieces.append((start, data))
        return data[: end - start]

    def _get(self, wanted: str) -> tuple[int, int, bytes]:
        self._requests += 1
        if self._requests > _MAX_REQUESTS or self._fetched > _MAX_FETCHED:
            raise RangesUnsupported("the archive is too scattered")
        headers = {"Range": wanted, "Accept-Encoding": "identity"}
        if self._validator is not None:
            headers["If-Match"] = self._validator

        def consume(response: Response, _: str) -> tuple[int, int, bytes]:
            if response.status != 206:
                raise RangesUnsupported(f"status {response.status}")
            match = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
            if match is None or response.headers.get("content-encoding", "identity") != "identity":
                raise RangesUnsupported("no content range")
            first, last, size = (int(part) for part in match.groups())
            length = last - first + 1
            if not 0 < length <= _MAX_FETCHED or last >= size:
                raise RangesUnsupported("a content range that makes no sense")
            data = _read_exactly(response, length)
            etag = response.headers.get("etag", "")
            if etag.startswith('"'):
                self._validator = etag
            return size, first, data

        size, first, data = self._session.run(self._url, headers, consume, seconds=self._session.timeouts.page)
        self._fetched += len(data)
        return size, first, data


def _read_exactly(response: Response, length: int) -> bytes:
    data = bytearray()
    while len(data) <= length:
        piece = response.read(65536)
        if not piece:
            break
        data += piece
    if len(data) < length:
        raise Retriable("the range was cut short")
    if len(data) > length:
        raise RangesUnsupported("more than the range")
    return bytes(data)


def wheel_metadata(stream: Any, filename: str, max_bytes: int) -> bytes:
    """Give ``METADATA`` of a wheel that *stream* (seekable, binary) reads.

    Raises `InvalidWheel` for an archive that is broken, or that has none or several for this project.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            return _member(archive, filename, max_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _invalid(filename, f"the archive is broken: {str(error)[:120]}") from error


def _member(archive: zipfile.ZipFile, filename: str, max_bytes: int) -> bytes:
    from envkit.model.identity import normalize

    project, version = filename.split("-")[:2]
    found: list[zipfile.ZipInfo] = []
    for info in archive.infolist():
        folder, slash, name = info.filename.partition("/")
        if slash and name == "METADATA" and folder.endswith(".dist-info"):
            found.append(info)
    wanted = [info for info in found if normalize(info.filename.partition("-")[0]) == normalize(project)]
    if len(found) != 1 or len(wanted) != 1:
        raise _invalid(filename, f"{len(found)} metadata files, {len(wanted)} of them for {project} {version}")
    info = wanted[0]
    with archive.open(info) as member:
        data = member.read(max_bytes + 1)
    if max(len(data), info.file_size) > max_bytes:
        raise _invalid(filename, f"metadata of {max(len(data), info.file_size)} bytes is larger than {max_bytes}")
    return data


def _invalid(filename: str, reason: str) -> InvalidWheel:
    return InvalidWheel(f"{filename}: {reason}", context={"wheel": filename, "reason": reason})


def remote_metadata(session: Session, url: str, filename: str, max_bytes: int) -> bytes:
    """Give ``METADATA`` of a remote wheel. Raises `RangesUnsupported`, `InvalidWheel` or `TransportError`."""
    reader: Callable[[], io.BufferedReader] = lambda: io.BufferedReader(RangeFile(session, url), _STEP)  # noqa: E731
    return wheel_metadata(reader(), filename, max_bytes)
