"""Read zip archives of sources, refusing what programs disagree about.

The central directory and the local headers have to tell the same names; nothing may lie before, between (but for the
headers themselves) or after; and no two members share bytes.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from calendar import timegm
from collections.abc import Callable, Iterator
from typing import IO, TypeAlias

from envkit.errors import InvalidSource
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.tree import TreeWriter

_PIECE = 256 * 1024
_END = b"PK\x05\x06"
_END_SIZE = 22
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))


def looks_like_zip(stream: IO[bytes]) -> bool:
    """Whether an end-of-archive record ends the file exactly: a program that looks for zip files would find one."""
    return _find_end(stream) is not None


def _find_end(stream: IO[bytes]) -> tuple[int, int, int] | None:
    """Give (entries, size of the central directory, its offset), each as the record tells it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _END_SIZE - 0xFFFF))
    tail = stream.read()
    at = tail.rfind(_END)
    while at >= 0:
        record = tail[at : at + _END_SIZE]
        if len(record) == _END_SIZE:
            entries, length, offset, comment = struct.unpack("<HLLH", record[10:])
            if at + _END_SIZE + comment == len(tail):
                return entries, length, offset
        at = tail.rfind(_END, 0, at)
    return None


Refuse: TypeAlias = Callable[[str, "str | None"], InvalidSource]


def open_zip(stream: IO[bytes], size: int, bounds: ArchiveBounds, refuse: Refuse) -> zipfile.ZipFile:
    """Open the archive of *size* bytes once its layout is checked; the caller closes it. Raises what *refuse* gives."""
    end = _find_end(stream)
    if end is None:
        raise refuse("is no zip archive, or has something after its end", None)
    entries, length, _ = end
    if entries > bounds.entries or length > bounds.entries * 256 or length > size:
        raise refuse(f"has more than {bounds.entries} members", None)
    stream.seek(0)
    if stream.read(4) not in (b"PK\x03\x04", _END):
        raise refuse("has something before its beginning", None)
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
        raise refuse(f"cannot be read: {error}", None) from error
    members = archive.infolist()
    if len(members) > bounds.entries:
        raise refuse(f"has more than {bounds.entries} members", None)
    _check_layout(stream, members, archive.start_dir, refuse)
    if sum(member.file_size for member in members) > bounds.total:
        raise refuse(f"is larger than {bounds.total} bytes when unpacked", None)
    return archive


def extract_zip(stream: IO[bytes], size: int, writer: TreeWriter, bounds: ArchiveBounds) -> None:
    """Write every member of a zip archive through *writer*."""
    with open_zip(stream, size, bounds, writer.refuse) as archive:
        for member in archive.infolist():
            _extract_member(archive, member, writer, bounds, size)
    writer.finish()


def _check_layout(stream: IO[bytes], members: list[zipfile.ZipInfo], end: int, refuse: Refuse) -> None:
    place = 0
    for member in sorted(members, key=lambda item: item.header_offset):
        name = member.orig_filename
        if member.header_offset < place:
            raise refuse("shares bytes with another one", name)
        if member.header_offset > place + 24:  # a data descriptor may lie between
            raise refuse("comes after bytes that belong to none", name)
        stream.seek(member.header_offset)
        header = stream.read(30)
        if len(header) != 30 or header[:4] != b"PK\x03\x04":
            raise refuse("has no local header", name)
        flags, name_length, extra_length = (*struct.unpack("<H", header[6:8]), *struct.unpack("<HH", header[26:30]))
        local = stream.read(name_length)
        if local.decode("utf-8" if flags & 0x800 else "cp437", "replace") != name:
            raise refuse("has another name in its local header", name)
        if member.flag_bits & 0x1 or flags & 0x1:
            raise refuse("is encrypted", name)
        if member.compress_type not in _METHODS:
            raise refuse("is packed in an unknown way", name)
        place = member.header_offset + 30 + name_length + extra_length + member.compress_size
    if place > end:
        raise refuse("shares bytes with the central directory", None)
    if place + 24 < end:
        raise refuse("has bytes that belong to no member", None)


def _extract_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, writer: TreeWriter, bounds: ArchiveBounds, size: int
) -> None:
    name = member.orig_filename
    mode = member.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if member.file_size > bounds.ratio_free and member.file_size > bounds.ratio * size:
        raise writer.refuse(f"unpacks to more than {bounds.ratio} times the archive's size", name)
    if name.endswith("/"):
        writer.add_dir(name)
    elif kind == stat.S_IFLNK:
        if member.file_size > bounds.path:
            raise writer.refuse("is a link to an impossible name", name)
        target = b"".join(member_chunks(archive, member, writer.refuse))
        writer.add_symlink(name, target.decode("utf-8", "surrogateescape"))
    elif kind in (0, stat.S_IFREG):
        chunks = member_chunks(archive, member, writer.refuse)
        writer.add_file(name, chunks, executable=bool(mode & 0o111), mtime=_mtime(member))
    else:
        raise writer.refuse("is neither a file, a folder nor a link", name)


def member_chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, refuse: Refuse) -> Iterator[bytes]:
    """Yield the data of a member, which has to be as long as it says."""
    left = member.file_size
    try:
        with archive.open(member) as stream:
            while data := stream.read(_PIECE):
                left -= len(data)
                if left < 0:
                    raise refuse("is larger than it says", member.orig_filename)
                yield data
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise refuse(f"cannot be unpacked: {error}", member.orig_filename) from error
    if left:
        raise refuse("is smaller than it says", member.orig_filename)


def _mtime(member: zipfile.ZipInfo) -> float | None:
    try:
        return float(timegm((*member.date_time, 0, 0, 0)))
    except (ValueError, OverflowError):
        return None
