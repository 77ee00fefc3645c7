"""What solving needs of one project for one target, compact enough to be kept: the digest of a page.

A digest is read by splitting and slicing, and its files by `marshal`, which makes plain data alone: nothing in it can run
code, and a damaged one is noticed by its checksums and thrown away. It has four parts::

    envkit-digest 5 <crc32 of all up to the files> <length of the second part> <versions> <rows>
    <identity of the page> <fingerprint of the rules>
    <versions, ascending, by spaces>
    <mask of pre-releases in hex> <mask of yanked versions in hex>
    <rows>: name, extras by commas, specifier, URL; by tabs
    <dependency lines>: numbers of rows by spaces, then ";extra=numbers" for each extra; or "!" and JSON [reason, detail]
    <for each version the number of its dependency line, or -1>, <end of its files>: little-endian, 4 bytes each
    <files of each version>: crc32 (4 bytes) and marshalled rows of the usable files, the preferred one first

Dependencies and files are decoded only for versions that a solver looks at.
"""

from __future__ import annotations

import marshal
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from envkit.model.listing import Row, artifact_of
from envkit.resolve.dependencies import Dependency, Unusable, VersionDependencies
from envkit.resolve.versions import VersionLine, sort_key

if TYPE_CHECKING:
    from envkit.model.candidate import Artifact
    from envkit.resolve.selection import Release

_MAGIC = "envkit-digest"
_FORMAT = "5"
_FIXED = 3
_UNREAD = -1
_Files: TypeAlias = Sequence[tuple[Row, str | None]]


class Releases:
    """The usable versions of one project, ascending, with what was read of them so far.

    ``prereleases`` and ``yanked`` are masks like those of `VersionLine`. ``learned`` is true once dependencies were added
    that the stored digest does not have.
    """

    __slots__ = (
        "_artifacts", "_chosen", "_data", "_dependencies", "_ends", "_known", "_lines", "_numbers", "_passing",
        "_row_numbers", "_rows", "_start", "_values", "identity", "learned", "line", "name", "prereleases", "yanked",
    )  # fmt: skip

    def __init__(self, name: str, identity: str, texts: Sequence[str], prereleases: int, yanked: int) -> None:
        self.name = name
        self.identity = identity
        self.line = VersionLine(texts)
        self.prereleases = prereleases
        self.yanked = yanked
        self.learned = False
        self._artifacts: dict[int, tuple[Artifact, ...]] = {}
        self._chosen: Sequence[_Files] = ()
        self._data = b""
        self._start = 0
        self._ends: Sequence[int] = ()
        self._known: Sequence[int] = [_UNREAD] * len(texts)
        self._lines: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows: list[str] = []
        self._row_numbers: dict[Dependency, int] = {}
        self._values: dict[int, Dependency] = {}
        self._passing: dict[int, VersionDependencies | Unusable] = {}
        self._dependencies: dict[int, VersionDependencies | Unusable] = {}

    @classmethod
    def of(cls, name: str, identity: str, releases: list[Release]) -> Releases:
        """Sort what was selected from a page."""
        ordered = sorted(releases, key=lambda release: sort_key(release.version))
        prereleases = yanked = 0
        for at, release in enumerate(ordered):
            if release.version.is_prerelease:
                prereleases |= 2 << at
            if release.yanked:
                yanked |= 2 << at
        self = cls(name, identity, [str(release.version) for release in ordered], prereleases, yanked)
        self._chosen = [release.files for release in ordered]
        return self

    @classmethod
    def decode(cls, name: str, identity: str, rules: str, data: bytes) -> Releases | None:
        """Read a digest; None where it is damaged, of another format, or of another page or other rules."""
        try:
            return cls._decode(name, identity, rules, data)
        except (ValueError, IndexError):
            return None

    @classmethod
    def _decode(cls, name: str, identity: str, rules: str, data: bytes) -> Releases | None:
        start = data.index(b"\n") + 1
        magic, version, crc, length, count, rows = data[: start - 1].decode().split(" ")
        if (magic, version) != (_MAGIC, _FORMAT):
            return None
        middle = start + int(length)
        after = middle + 8 * int(count)
        told = zlib.crc32(f"{length} {count} {rows}\n".encode())
        if len(data) < after or int(crc, 16) != zlib.crc32(memoryview(data)[start:after], told):
            return None
        lines = data[start : middle - 1].decode().split("\n")
        if lines[0] != f"{identity} {rules}":
            return None
        prereleases, yanked = lines[2].split(" ")
        texts = lines[1].split(" ") if lines[1] else []
        self = cls(name, identity, texts, int(prereleases, 16), int(yanked, 16))
        self._rows = lines[_FIXED : _FIXED + int(rows)]
        self._lines = lines[_FIXED + int(rows) :]
        numbers = _read_numbers(data[middle:after])
        self._known, self._ends = numbers[: len(texts)], numbers[len(texts) :]
        self._data, self._start = data, after
        return self

    def _files(self, at: int) -> bytes:
        begin = self._ends[at - 1] if at else 0
        return self._data[self._start + begin : self._start + self._ends[at]]

    def artifacts(self, at: int) -> tuple[Artifact, ...]:
        """Give the usable files of the version at *at*, the preferred one first. Raises `ValueError` where damaged."""
        known = self._artifacts.get(at)
        if known is None:
            files = self._chosen[at] if self._chosen else _read_files(self._files(at))
            known = self._artifacts[at] = tuple([artifact_of(row, index) for row, index in files])
        return known

    def dependencies(self, at: int) -> VersionDependencies | Unusable | None:
        """Give what the version at *at* depends on, or None where its metadata was not read yet."""
        known = self._known[at]
        if known < 0:
            return self._passing.get(at)
        found = self._dependencies.get(known)
        if found is None:
            found = self._dependencies[known] = self._read_line(self._lines[known])
        return found

    def _read_line(self, line: str) -> VersionDependencies | Unusable:
        if line[:1] == "!":
            import json

            return Unusable(*json.loads(line[1:]))
        base, _, more = line.partition(";")
        extras = dict(part.split("=") for part in more.split(";")) if more else {}
        return VersionDependencies(self._dependencies_at(base), _Extras(extras, self._dependencies_at))

    def _dependencies_at(self, numbers: str) -> tuple[Dependency, ...]:
        values = self._values
        found: list[Dependency] = []
        for text in numbers.split():
            number = int(text)
            value = values.get(number)
            if value is None:
                name, extras, specifier, url = self._rows[number].split("\t")
                wanted = tuple(extras.split(",")) if extras else ()
                value = values[number] = Dependency(name, wanted, specifier, url or None)
            found.append(value)
        return tuple(found)

    def _write_line(self, found: VersionDependencies | Unusable) -> str:
        if isinstance(found, Unusable):
            import json

            return "!" + json.dumps([found.reason, found.detail])
        extras = [f"{extra}={self._numbers_of(rows)}" for extra, rows in found.extras.items()]
        return ";".join([self._numbers_of(found.base), *extras])

    def _numbers_of(self, dependencies: Sequence[Dependency]) -> str:
        if not self._row_numbers and self._rows:
            everything = self._dependencies_at(" ".join(map(str, range(len(self._rows)))))
            self._row_numbers = {value: number for number, value in enumerate(everything)}
        numbers: list[str] = []
        for one in dependencies:
            number = self._row_numbers.get(one)
            if number is None:
                number = self._row_numbers[one] = len(self._rows)
                self._rows.append("\t".join((one.name, ",".join(one.extras), one.specifier, one.url or "")))
                self._values[number] = one
            numbers.append(str(number))
        return " ".join(numbers)

    def knows(self, at: int) -> bool:
        """Whether the metadata of the version at *at* was read."""
        return self._known[at] >= 0 or at in self._passing

    def learn(
        self, at: int, found: VersionDependencies | Unusable, *, lasting: bool = True
    ) -> VersionDependencies | Unusable:
        """Remember what the version at *at* depends on, in the digest too if that is *lasting*.

        Equal answers are kept once: what comes back is the one object that stands for them.
        """
        if not lasting:
            self._passing[at] = found
            return found
        line = self._write_line(found)
        known = self._numbers.get(line)
        if known is None:
            known = self._numbers[line] = len(self._lines)
            self._lines.append(line)
            self._dependencies[known] = found
        if not isinstance(self._known, list):
            self._known = list(self._known)  # until now a view of the stored ones
        self._known[at] = known
        self.learned = True
        return self.dependencies(at) or found

    def encode(self, rules: str) -> bytes:
        """Give the digest as bytes; *rules* is the fingerprint of what selected the files."""
        head = [
            f"{self.identity} {rules}",
            " ".join(self.line.texts),
            f"{self.prereleases:x} {self.yanked:x}",
            *self._rows,
            *self._lines,
        ]
        body = "\n".join(head).encode() + b"\n"
        count = len(self.line.texts)
        rows = [_write_files(files) for files in self._chosen] or [self._files(at) for at in range(count)]
        ends: list[int] = []
        end = 0
        for row in rows:
            end += len(row)
            ends.append(end)
        table = _write_numbers([*self._known, *ends])
        counts = f"{len(body)} {len(self.line.texts)} {len(self._rows)}\n"
        crc = zlib.crc32(table, zlib.crc32(body, zlib.crc32(counts.encode())))
        first = f"{_MAGIC} {_FORMAT} {crc:08x} {counts}"
        return b"".join((first.encode(), body, table, *rows))


class _Extras(Mapping[str, tuple[Dependency, ...]]):
    """The dependencies of each extra, read only for the extras that are asked for."""

    __slots__ = ("_read", "_texts", "_values")

    def __init__(self, texts: dict[str, str], read: Callable[[str], tuple[Dependency, ...]]) -> None:
        self._texts = texts
        self._read = read
        self._values: dict[str, tuple[Dependency, ...]] = {}

    def __getitem__(self, extra: str) -> tuple[Dependency, ...]:
        found = self._values.get(extra)
        if found is None:
            found = self._values[extra] = self._read(self._texts[extra])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _read_numbers(data: bytes) -> Sequence[int]:
    if sys.byteorder == "big":
        data = _turned(data)
    return memoryview(data).cast("i")


def _write_numbers(numbers: list[int]) -> bytes:
    from array import array

    data = array("i", numbers).tobytes()
    return _turned(data) if sys.byteorder == "big" else data


def _turned(data: bytes) -> bytes:
    """Turn the bytes of each number round."""
    from array import array

    numbers = array("i", data)
    numbers.byteswap()
    return numbers.tobytes()


def _write_files(files: _Files) -> bytes:
    data = marshal.dumps(tuple(files), 4)
    return zlib.crc32(data).to_bytes(4, "little") + data


def _read_files(line: bytes) -> _Files:
    if int.from_bytes(line[:4], "little") != zlib.crc32(line[4:]):
        raise ValueError("a damaged line of files")
    try:
        files: _Files = marshal.loads(line[4:])  # noqa: S302  private, and checked by the checksum
    except EOFError as error:
        raise ValueError("a damaged line of files") from error
    return files
