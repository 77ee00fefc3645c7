"""Read tar archives with a parser of our own, which refuses what parsers disagree about.

It knows what sdists and source archives are made of: ustar, PAX (POSIX.1-2001) and GNU long names. Sizes, names and
links that are told twice have to agree; sparse files, devices and unknown kinds of members are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from envkit.dataclass import dataclass, field
from envkit.errors import InvalidSource
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.inflate import BoundedReader
from envkit.wheels.tree import TreeWriter

_BLOCK = 512
_PIECE = 256 * 1024
_FILES = frozenset((b"0", b"\0", b"7"))
_KINDS = {b"3": "a device", b"4": "a device", b"6": "a pipe", b"S": "a sparse file"}
_GLOBAL_HARMLESS = frozenset(("comment", "charset", "mtime", "atime", "ctime"))


@dataclass(slots=True)
class _Extended:
    """What extended headers said of the member that follows."""

    records: dict[str, str] = field(default_factory=dict[str, str])
    long_name: str | None = None
    long_link: str | None = None


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member. *kind* is "file", "dir", "symlink" or "hardlink"; *size* in bytes; *mtime* in seconds (UTC)."""

    name: str
    kind: str
    size: int
    mode: int
    mtime: float | None
    link: str


class TarReader:
    """The members of a tar archive in their order. The data of each is read, or passed over, before the next."""

    def __init__(
        self, stream: IO[bytes], size: int, kind: str, bounds: ArchiveBounds, refuse: Callable[[str], InvalidSource]
    ) -> None:
        self._source = BoundedReader(stream, size, kind, bounds, refuse)
        self._bounds = bounds
        self._refuse = refuse
        self._left = 0  # bytes of the current member's data that nobody has read
        self._padding = 0

    def members(self) -> Iterator[TarMember]:
        """Yield each member. Raises what *refuse* gives."""
        extended = _Extended()
        count = 0
        while True:
            self._skip_data()
            header = self._source.read(_BLOCK)
            if not header or not header.strip(b"\0"):
                if extended != _Extended():
                    raise self._refuse("ends after an extended header")
                self._check_end(header)
                return
            count += 1
            if count > self._bounds.entries * 2:
                raise self._refuse(f"has more than {self._bounds.entries} members")
            kind, size = self._check_header(header)
            if kind in (b"x", b"g", b"L", b"K"):
                self._take_extended(extended, kind, self._read_header_data(size))
                continue
            yield self._member(header, kind, size, extended)
            extended = _Extended()

    def chunks(self) -> Iterator[bytes]:
        """Yield the data of the current member."""
        while self._left:
            data = self._source.read(min(self._left, _PIECE))
            if not data:
                raise self._refuse("is cut short")
            self._left -= len(data)
            yield data

    def _skip_data(self) -> None:
        for _ in self.chunks():
            pass
        if self._padding and len(self._source.read(self._padding)) != self._padding:
            raise self._refuse("is cut short")
        self._padding = 0

    def _check_end(self, header: bytes) -> None:
        """Only zeros may follow the end: programs that look further would see another archive."""
        if header and len(header) != _BLOCK:
            raise self._refuse("is cut short")
        while data := self._source.read(_PIECE):
            if data.strip(b"\0"):
                raise self._refuse("has something else after its end")

    def _check_header(self, header: bytes) -> tuple[bytes, int]:
        if len(header) != _BLOCK:
            raise self._refuse("is cut short")
        stored = self._number(header[148:156], "checksum")
        plain = header[:148] + b" " * 8 + header[156:]
        signed = sum(plain) - 256 * sum(1 for byte in plain if byte > 127)
        if stored not in (sum(plain), signed):
            raise self._refuse("is no tar archive, or damaged: a header's checksum is wrong")
        size = self._number(header[124:136], "size")
        kind = header[156:157]
        return kind, size

    def _number(self, data: bytes, what: str) -> int:
        if data[0] & 0x80:
            if data[0] != 0x80:
                raise self._refuse(f"has a negative {what} in a header")
            return int.from_bytes(data[1:], "big")
        text = data.split(b"\0", 1)[0].strip(b" ")
        if text and not all(0x30 <= byte <= 0x37 for byte in text):
            raise self._refuse(f"has an unreadable {what} in a header")
        return int(text or b"0", 8)

    def _read_header_data(self, size: int) -> bytes:
        if size > self._bounds.header:
            raise self._refuse(f"has an extended header larger than {self._bounds.header} bytes")
        data = self._source.read(size)
        padding = -size % _BLOCK
        if len(data) != size or len(self._source.read(padding)) != padding:
            raise self._refuse("is cut short")
        return data

    def _take_extended(self, extended: _Extended, kind: bytes, data: bytes) -> None:
        if kind in (b"L", b"K"):
            text = _text(data.split(b"\0", 1)[0])
            if (extended.long_name if kind == b"L" else extended.long_link) is not None:
                raise self._refuse("tells one long name twice")
            if kind == b"L":
                extended.long_name = text
            else:
                extended.long_link = text
            return
        records = dict(self._records(data))
        if kind == b"g":
            harmful = sorted(key for key in records if key not in _GLOBAL_HARMLESS)
            if harmful:
                raise self._refuse(f"has a global header with {harmful[0][:50]!r}")
            return
        if extended.records:
            raise self._refuse("has two extended headers for one member")
        extended.records = records

    def _records(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Split the records, each its length, a key and a value; the lengths have to be right to the byte."""
        seen: set[str] = set()
        while data:
            digits, space, _ = data[:20].partition(b" ")
            if not space or not digits.isdigit():
                raise self._refuse("has an extended header that cannot be read")
            length = int(digits)
            record = data[len(digits) + 1 : length]
            key, equals, value = record.partition(b"=")
            if length > len(data) or length < len(digits) + 4 or not equals or not value.endswith(b"\n"):
                raise self._refuse("has an extended header whose lengths are wrong")
            name = _text(key)
            if name in seen or name.startswith("GNU.sparse"):
                raise self._refuse("has a sparse file or tells one thing twice")
            seen.add(name)
            yield name, _text(value[:-1])
            data = data[length:]

    def _member(self, header: bytes, kind: bytes, size: int, extended: _Extended) -> TarMember:
        name = _text(header[:100].split(b"\0", 1)[0])
        if header[257:263] == b"ustar\0":
            prefix = _text(header[345:500].split(b"\0", 1)[0])
            name = f"{prefix}/{name}" if prefix else name
        name = self._one("name", name, extended.long_name, extended.records.get("path"))
        link = _text(header[157:257].split(b"\0", 1)[0])
        link = self._one("link", link, extended.long_link, extended.records.get("linkpath"))
        size = self._true_size(size, extended.records.get("size"), name)
        what = self._kind(kind, name)
        if what != "file" and size:
            raise self._refuse(f"has data in a member that is no file: {name[:200]!r}")
        self._left, self._padding = size, -size % _BLOCK
        if size > self._bounds.total:
            raise self._refuse(f"has a member larger than {self._bounds.total} bytes: {name[:200]!r}")
        return TarMember(
            name=name,
            kind=what,
            size=size,
            mode=self._number(header[100:108], "mode"),
            mtime=self._mtime(header, extended.records.get("mtime")),
            link=link,
        )

    def _mtime(self, header: bytes, record: str | None) -> float | None:
        if header[136] & 0x80:  # base 256: before 1970 or far away
            return None
        try:
            return float(record) if record is not None else float(self._number(header[136:148], "time"))
        except (ValueError, OverflowError):
            return None

    def _one(self, what: str, short: str, long: str | None, record: str | None) -> str:
        if long is not None and record is not None and long != record:
            raise self._refuse(f"tells a {what} in two ways: {long[:100]!r} and {record[:100]!r}")
        return record if record is not None else long if long is not None else short

    def _true_size(self, size: int, record: str | None, name: str) -> int:
        if record is None:
            return size
        if not record.isascii() or not record.isdigit() or len(record) > 15:
            raise self._refuse(f"has an unreadable size for {name[:200]!r}")
        if size not in (int(record), 0) or (size == 0 and int(record) and int(record) < 8 << 30):
            raise self._refuse(f"tells two sizes for {name[:200]!r}: {size} and {record}")
        return int(record)

    def _kind(self, kind: bytes, name: str) -> str:
        if kind in _FILES:
            return "dir" if name.endswith("/") and kind != b"7" else "file"
        if kind == b"5":
            return "dir"
        if kind in (b"1", b"2"):
            return "hardlink" if kind == b"1" else "symlink"
        what = _KINDS.get(kind, f"of an unknown kind {kind!r}")
        raise self._refuse(f"has a member {name[:200]!r} that is {what}")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def extract_tar(stream: IO[bytes], size: int, kind: str, writer: TreeWriter, bounds: ArchiveBounds) -> None:
    """Write every member of a tar archive through *writer*."""
    reader = TarReader(stream, size, kind, bounds, writer.refuse)
    for member in reader.members():
        if member.kind == "dir":
            writer.add_dir(member.name)
        elif member.kind == "file":
            writer.add_file(member.name, reader.chunks(), executable=bool(member.mode & 0o111), mtime=member.mtime)
        elif member.kind == "symlink":
            writer.add_symlink(member.name, member.link)
        else:
            writer.add_hardlink(member.name, member.link)
    writer.finish()
