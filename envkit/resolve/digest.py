"""What solving needs of one project for one target, compact enough to be kept: the digest of a page.

A digest is read by splitting and slicing, and its files by `marshal`, which makes plain data alone: nothing in it can run
code, and a damaged one is noticed by its checksums and thrown away::

    envkit-digest 6 <crc32 of what follows> <length of the lines> <versions> <rows>
    <identity of the page> <fingerprint of the rules>
    <versions, ascending, by spaces>
    <mask of pre-releases in hex> <mask of yanked versions in hex>
    <rows>: name, extras by commas, specifier, URL; by tabs
    <dependency lines>: numbers of rows by spaces, then ";extra=numbers" for each extra; or "!" and JSON [reason, detail]
    <for each version the number of its dependency line, or -1>: little-endian, 4 bytes each
    <files of the versions that have a dependency line>: a marshalled mapping of positions to packed files

The files of all versions are kept apart (`envkit.resolve.digest_files`): they are nine tenths of what is known, and those of
the few versions that were ever looked at are all that most resolutions ask for. Both are decoded for these alone.
"""

from __future__ import annotations

import marshal
import sys
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from envkit.model.listing import artifact_of
from envkit.resolve.dependencies import Dependency, LazyExtras, Unusable, VersionDependencies
from envkit.resolve.points import is_pre, point_of
from envkit.resolve.versions import VersionLine, sort_key

if TYPE_CHECKING:
    from envkit.model.candidate import Artifact
    from envkit.resolve.digest_files import Files, PackedFiles
    from envkit.resolve.selection import Release

_MAGIC = "envkit-digest"
_FORMAT = "6"
_FIXED = 3
_UNREAD = -1


class Releases:
    """The usable versions of one project, ascending, with what was read of them so far.

    ``prereleases`` and ``yanked`` are masks like those of `VersionLine`. ``learned`` is true once dependencies were added
    that the stored digest does not have.
    """

    __slots__ = (
        "_all", "_artifacts", "_chosen", "_dependencies", "_known", "_lines", "_near", "_numbers", "_packed", "_passing",
        "_row_numbers", "_rows", "_values", "identity", "learned", "line", "name", "prereleases", "yanked",
    )  # fmt: skip

    def __init__(self, name: str, identity: str, texts: Sequence[str], prereleases: int, yanked: int) -> None:
        self.name = name
        self.identity = identity
        self.line = VersionLine(texts)
        self.prereleases = prereleases
        self.yanked = yanked
        self.learned = False
        self._artifacts: dict[int, tuple[Artifact, ...]] = {}
        self._chosen: Sequence[Files] = ()
        self._packed = b""
        self._near: dict[int, bytes] | None = None
        self._all: PackedFiles | None = None
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
        ordered = sorted(releases, key=lambda release: sort_key(release.text))
        prereleases = yanked = 0
        for at, release in enumerate(ordered):
            if is_pre(point_of(release.text)):
                prereleases |= 2 << at
            if release.yanked:
                yanked |= 2 << at
        self = cls(name, identity, [release.text for release in ordered], prereleases, yanked)
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
        after = middle + 4 * int(count)
        told = zlib.crc32(f"{length} {count} {rows}\n".encode())
        if len(data) < after or int(crc, 16) != zlib.crc32(memoryview(data)[start:], told):
            return None
        lines = data[start : middle - 1].decode().split("\n")
        if lines[0] != f"{identity} {rules}":
            return None
        prereleases, yanked = lines[2].split(" ")
        texts = lines[1].split(" ") if lines[1] else []
        self = cls(name, identity, texts, int(prereleases, 16), int(yanked, 16))
        self._rows = lines[_FIXED : _FIXED + int(rows)]
        self._lines = lines[_FIXED + int(rows) :]
        self._known = _read_numbers(data[middle:after])
        self._packed = data[after:]
        return self

    @property
    def complete(self) -> bool:
        """Whether the files of all versions are at hand."""
        return bool(self._chosen) or self._all is not None or not self.line.texts

    def take_files(self, rules: str, data: bytes) -> bool:
        """Take the files of all versions as `encode_files` gave them; false where they are damaged, or not these."""
        from envkit.resolve.digest_files import PackedFiles

        self._all = PackedFiles.read(data, len(self.line.texts), f"{self.identity} {rules}")
        return self._all is not None

    def choose(self, releases: list[Release]) -> None:
        """Take the files of all versions as they were selected again from the same page."""
        files = {release.text: release.files for release in releases}
        self._chosen = [files.get(text, ()) for text in self.line.texts]
        self._all = None
        self.learned = True

    def artifacts(self, at: int) -> tuple[Artifact, ...] | None:
        """Give the usable files of the version at *at*, the preferred one first; None where they are not at hand.

        Raises `ValueError` where they are damaged.
        """
        known = self._artifacts.get(at)
        if known is None:
            files = self._find_files(at)
            if files is None:
                return None
            known = self._artifacts[at] = tuple([artifact_of(row, index) for row, index in files])
        return known

    def _find_files(self, at: int) -> Files | None:
        if self._chosen:
            return self._chosen[at]
        packed = self._packed_near(at)
        if packed is not None:
            files: Files = _read_files(packed)
            return files
        return None if self._all is None else self._all.files(at, _read_files)

    def _packed_near(self, at: int) -> bytes | None:
        near = self._near = _read_near(self._packed) if self._near is None else self._near
        return near.get(at)

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
        return VersionDependencies(self._dependencies_at(base), LazyExtras(extras, self._dependencies_at))

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
        """Give the digest as bytes, where it is `complete`; *rules* is the fingerprint of what selected the files."""
        head = [
            f"{self.identity} {rules}",
            " ".join(self.line.texts),
            f"{self.prereleases:x} {self.yanked:x}",
            *self._rows,
            *self._lines,
        ]
        from envkit.resolve.digest_files import write_numbers

        body = "\n".join(head).encode() + b"\n"
        near = marshal.dumps({at: self._packed_files(at) for at, known in enumerate(self._known) if known >= 0}, 4)
        counts = f"{len(body)} {len(self.line.texts)} {len(self._rows)}\n"
        rest = b"".join((body, write_numbers(self._known), near))
        crc = zlib.crc32(rest, zlib.crc32(counts.encode()))
        return f"{_MAGIC} {_FORMAT} {crc:08x} {counts}".encode() + rest

    def encode_files(self, rules: str) -> bytes:
        """Give the files of all versions as bytes, where it is `complete`."""
        from envkit.resolve.digest_files import pack_all

        return self._all.data if self._all is not None else pack_all(self._chosen, f"{self.identity} {rules}")

    def _packed_files(self, at: int) -> bytes:
        from envkit.resolve.digest_files import pack_one

        try:
            return (not self._chosen and self._packed_near(at)) or pack_one(self._find_files(at) or ())
        except (ValueError, TypeError, IndexError):
            return b""  # damaged: whoever asks for them selects again


def _read_numbers(data: bytes) -> Sequence[int]:
    if sys.byteorder == "little":
        return memoryview(data).cast("i")
    from envkit.resolve.digest_files import read_numbers

    return read_numbers(data)


def _read_near(data: bytes) -> dict[int, bytes]:
    try:
        return marshal.loads(data) if data else {}  # noqa: S302  private, and checked by the checksum
    except EOFError as error:
        raise ValueError("a digest without its files") from error


def _read_files(line: bytes) -> Any:
    if int.from_bytes(line[:4], "little") != zlib.crc32(line[4:]):
        raise ValueError("a damaged line of files")
    try:
        return marshal.loads(line[4:])  # noqa: S302  private, and checked by the checksum
    except EOFError as error:
        raise ValueError("a damaged line of files") from error
