"""Read a wheel's archive strictly: what one reader of zip files sees, every reader sees.

Zip archives say everything twice (local headers and a central directory) and allow anything before, between and after the
members. Readers disagree about what then holds, so a wheel in which there is room for that is refused. The archive is one
run of members from the first byte to the central directory, which ends with the file.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator

from envkit.errors import InvalidWheel
from envkit.host.inflate import RAW, fastest, plain
from envkit.namedtuple import NamedTuple
from envkit.wheels.bounds import MIB, ArchiveBounds

POOL_BOUNDS = ArchiveBounds(total=16 * 1024 * MIB, ratio=200)

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_PIECE = 1 << 20
_STEP = 1 << 18
_SECOND_NAME = 0x7075  # in Unicode, by Info-ZIP: some readers take it, and others do not
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x1, 0x8, 0x800
_ALLOWED_FLAGS = 0x2 | 0x4 | _DESCRIPTOR | _UTF8  # the first two tell how hard the compressor tried


class Member(NamedTuple):
    """One file of the archive: *start* is where its packed bytes begin."""

    name: str
    start: int
    packed: int
    size: int
    crc: int
    deflated: bool
    executable: bool


def refuse(where: str, reason: str, member: str | None = None) -> InvalidWheel:
    """Give the error for a wheel that is refused."""
    shown = "" if member is None else f"{member[:200]!r} "
    return InvalidWheel(f"{where}: {shown}{reason}", context={"wheel": where, "member": member, "reason": reason})


class Archive:
    """The members of one wheel in *data* (any buffer). Raises `InvalidWheel` for what an honest tool does not write."""

    def __init__(self, data: memoryview, where: str, bounds: ArchiveBounds = POOL_BOUNDS) -> None:
        self._data = data
        self._where = where
        self.bounds = bounds
        try:
            self.members = self._read()
        except (struct.error, IndexError) as error:
            raise self._refuse("is cut short") from error

    def _refuse(self, reason: str, member: str | None = None) -> InvalidWheel:
        return refuse(self._where, reason, member)

    def _read(self) -> tuple[Member, ...]:
        count, size, start = self._end()
        if count > self.bounds.entries:
            raise self._refuse(f"has {count} members, more than {self.bounds.entries}")
        rows: list[tuple[int, int, Member | None]] = []
        at = start
        for _ in range(count):
            at, row = self._central(at, start)
            rows.append(row)
        if at != start + size:
            raise self._refuse("has a central directory of another size than it says")
        rows.sort(key=lambda row: row[0])
        expected = 0
        for offset, end, _ in rows:
            if offset != expected:
                raise self._refuse("has bytes before or between its members")
            expected = end
        if expected != start:
            raise self._refuse("has bytes between its members and its central directory")
        members = tuple(member for _, _, member in rows if member is not None)
        self._check_sizes(members)
        return members

    def _check_sizes(self, members: tuple[Member, ...]) -> None:
        total = sum(member.size for member in members)
        if total > self.bounds.total:
            raise self._refuse(f"unpacks to {total} bytes, more than {self.bounds.total}")
        if total > self.bounds.ratio_free and total > self.bounds.ratio * len(self._data):
            raise self._refuse(f"unpacks to more than {self.bounds.ratio} times its size")

    def _end(self) -> tuple[int, int, int]:
        """Give the number of members, and the size and start of the central directory."""
        data = self._data
        at = len(data) - _END.size
        if at < 0 or bytes(data[at : at + 4]) != b"PK\5\6":
            raise self._refuse("is not a zip archive, or has data after its end")
        _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, at)
        if comment:
            raise self._refuse("says that a comment follows its end")
        end = at
        if count == 0xFFFF or size == 0xFFFFFFFF or start == 0xFFFFFFFF:
            located = self._end64(at)
            if located is not None:
                end, here, count, size, start = located
                disk = first_disk = 0
        if disk or first_disk or here != count:
            raise self._refuse("is one part of several")
        if start + size != end:
            raise self._refuse("has its central directory elsewhere than it says")
        return count, size, start

    def _end64(self, at: int) -> tuple[int, int, int, int, int] | None:
        spot = at - _LOCATOR64.size
        if spot < 0 or bytes(self._data[spot : spot + 4]) != b"PK\6\7":
            return None
        _, _, record, disks = _LOCATOR64.unpack_from(self._data, spot)
        if disks > 1 or record + _END64.size != spot:
            raise self._refuse("has its 64-bit end elsewhere than it says")
        magic, length, _, _, _, _, here, count, size, start = _END64.unpack_from(self._data, record)
        if magic != b"PK\6\6" or length != _END64.size - 12:
            raise self._refuse("has a 64-bit end that cannot be read")
        return record, here, count, size, start

    def _central(self, at: int, limit: int) -> tuple[int, tuple[int, int, Member | None]]:
        """Read one entry; give where the next begins, and the member with where its local record begins and ends."""
        fields = _CENTRAL.unpack_from(self._data, at)
        magic, made, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, disk, _, outer, offset = (
            fields
        )
        if magic != b"PK\1\2":
            raise self._refuse("has a central directory that cannot be read")
        at += _CENTRAL.size
        raw = bytes(self._data[at : at + n_name])
        extra = bytes(self._data[at + n_name : at + n_name + n_extra])
        at += n_name + n_extra + n_comment
        name = self._decode(raw, flags)
        if extra and _extra_field(extra, _SECOND_NAME):
            raise self._refuse("has a second name", name)
        if 0xFFFFFFFF in (packed, size, offset):
            size, packed, offset = self._wide(extra, size, packed, offset, name)
        if disk:
            raise self._refuse("is on another disk", name)
        self._check_kind(name, flags, method, outer, packed, size)
        start, end = self._local(offset, raw, flags, method, crc, packed, size, name)
        if end > limit:
            raise self._refuse("reaches into the central directory", name)
        if name.endswith("/"):
            if size:
                raise self._refuse("is a folder with content", name)
            return at, (offset, end, None)
        executable = made >> 8 == 3 and bool((outer >> 16) & 0o111)
        return at, (offset, end, Member(name, start, packed, size, crc, method == 8, executable))

    def _decode(self, raw: bytes, flags: int) -> str:
        try:
            return raw.decode("utf-8" if flags & _UTF8 else "ascii")
        except UnicodeDecodeError as error:
            raise self._refuse("has a member whose name is not UTF-8, or does not say so") from error

    def _wide(self, extra: bytes, size: int, packed: int, offset: int, name: str) -> tuple[int, int, int]:
        values = [size, packed, offset]
        body = _extra_field(extra, 1)
        at = 0
        for number, value in enumerate(values):
            if value == 0xFFFFFFFF:
                if at + 8 > len(body):
                    raise self._refuse("has no 64-bit size where it needs one", name)
                values[number] = int.from_bytes(body[at : at + 8], "little")
                at += 8
        return values[0], values[1], values[2]

    def _check_kind(self, name: str, flags: int, method: int, outer: int, packed: int, size: int) -> None:
        if flags & _ENCRYPTED:
            raise self._refuse("is encrypted", name)
        if flags & ~_ALLOWED_FLAGS:
            raise self._refuse(f"has flags {flags:#x} that wheels do not use", name)
        if method not in (0, 8):
            raise self._refuse(f"is compressed by method {method}", name)
        if method == 0 and packed != size:
            raise self._refuse("is stored with another size than it has", name)
        kind = stat.S_IFMT(outer >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > name.endswith("/"):
            raise self._refuse("is a link or a device, not a regular file", name)

    def _local(
        self, offset: int, raw: bytes, flags: int, method: int, crc: int, packed: int, size: int, name: str
    ) -> tuple[int, int]:
        """Compare the local header with the central directory; give where the packed bytes begin and the record ends."""
        fields = _LOCAL.unpack_from(self._data, offset)
        magic, _, l_flags, l_method, _, _, l_crc, l_packed, l_size, n_name, n_extra = fields
        spot = offset + _LOCAL.size
        if magic != b"PK\3\4" or bytes(self._data[spot : spot + n_name]) != raw:
            raise self._refuse("has another name in its local header", name)
        start = spot + n_name + n_extra
        if 0xFFFFFFFF in (l_packed, l_size):
            extra = bytes(self._data[spot + n_name : start])
            l_size, l_packed, _ = self._wide(extra, l_size, l_packed, 0, name)
        if (l_flags ^ flags) & (_ENCRYPTED | _DESCRIPTOR | _UTF8) or l_method != method:
            raise self._refuse("differs between its local header and the central directory", name)
        end = start + packed
        if flags & _DESCRIPTOR:
            if (l_crc, l_packed, l_size) not in ((0, 0, 0), (crc, packed, size)):
                raise self._refuse("differs between its local header and the central directory", name)
            return start, end + self._descriptor(end, crc, packed, size, name)
        if (l_crc, l_packed, l_size) != (crc, packed, size):
            raise self._refuse("differs between its local header and the central directory", name)
        return start, end

    def _descriptor(self, at: int, crc: int, packed: int, size: int, name: str) -> int:
        """Give the length of the record after the packed bytes, in the one of its forms that fits."""
        for magic in (b"PK\7\10", b""):
            for width in ("<3L", "<L2Q"):
                try:
                    record = magic + struct.pack(width, crc, packed, size)
                except struct.error:
                    continue
                if bytes(self._data[at : at + len(record)]) == record:
                    return len(record)
        raise self._refuse("has a data descriptor that does not fit", name)

    def pieces(self, member: Member, *, hashed: bool = False) -> Iterator[bytes]:
        """Give the content of a member, piece by piece, never more than it says. Raises `InvalidWheel`.

        *hashed* says that the caller compares all of it with a strong hash. Then the fastest inflater serves: one that also
        takes what zlib refuses cannot give anything but what was hashed.
        """
        packed = self._packed(member)
        crc = total = 0
        stored = (bytes(packed[at : at + _PIECE]) for at in range(0, len(packed), _PIECE))
        for piece in self._inflate(packed, member, hashed=hashed) if member.deflated else stored:
            total += len(piece)
            if total > member.size:
                raise self._refuse("is larger than it says", member.name)
            crc = zlib.crc32(piece, crc)
            yield piece
        if total != member.size or crc != member.crc:
            raise self._refuse("has another size or checksum than it says", member.name)

    def _packed(self, member: Member) -> memoryview:
        packed = self._data[member.start : member.start + member.packed]
        if len(packed) != member.packed:
            raise self._refuse("is cut short", member.name)
        return packed

    def _inflate(self, packed: memoryview, member: Member, *, hashed: bool) -> Iterator[bytes]:
        make, errors = fastest() if hashed else plain()
        engine = make(RAW)
        limit = min(member.size + 1, _PIECE)
        try:
            for at in range(0, len(packed), _STEP):  # in steps, since zlib copies what it has not used yet
                buffer: bytes | memoryview = packed[at : at + _STEP]
                while buffer:
                    yield engine.decompress(buffer, limit)
                    buffer = engine.unconsumed_tail
            while not engine.eof and (piece := engine.decompress(b"", limit)):  # what was held back
                yield piece
        except errors as error:
            raise self._refuse("cannot be unpacked", member.name) from error
        if not engine.eof or engine.unused_data or engine.unconsumed_tail:
            raise self._refuse("has packed bytes that belong to nothing", member.name)

    def content(self, member: Member, limit: int = 64 * MIB, *, hashed: bool = False) -> bytes:
        """Give the whole content of a member that may have at most *limit* bytes; *hashed* as for `pieces`."""
        if member.size > limit:
            raise self._refuse(f"has {member.size} bytes, more than {limit}", member.name)
        if member.deflated and member.packed <= _STEP and member.size < _PIECE:
            return self._small(member, hashed=hashed)
        return b"".join(self.pieces(member, hashed=hashed))

    def _small(self, member: Member, *, hashed: bool) -> bytes:
        """Give the content of a small member as `pieces` does, with the same checks, but in one call: most are small."""
        make, errors = fastest() if hashed else plain()
        engine = make(RAW)
        try:
            data = engine.decompress(self._packed(member), member.size + 1)
        except errors as error:
            raise self._refuse("cannot be unpacked", member.name) from error
        if len(data) > member.size:
            raise self._refuse("is larger than it says", member.name)
        if not engine.eof or engine.unused_data or engine.unconsumed_tail:
            raise self._refuse("has packed bytes that belong to nothing", member.name)
        if len(data) != member.size or zlib.crc32(data) != member.crc:
            raise self._refuse("has another size or checksum than it says", member.name)
        return data


def _extra_field(extra: bytes, wanted: int) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        number, length = struct.unpack_from("<HH", extra, at)
        if number == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""
