"""What solving needs of one project for one target, compact enough to be kept: the digest of a page.

A digest is text, read by splitting: nothing that is in it can run code, and a damaged one is noticed by its checksums
and thrown away. Line by line::

    envkit-digest 1 <crc32 of lines 2 to 6 and of the dependency lines> <versions> <dependency lines>
    <identity of the page> <fingerprint of the rules>
    <versions, ascending, by spaces>
    <mask of pre-releases in hex> <mask of yanked versions in hex>
    <index of the dependency line of each version, by commas; empty where not read yet>
    <index name of the files, as JSON>
    <dependency lines>: JSON {"b": rows, "x": {extra: rows}} or {"!": [reason, detail]}
    <one line for each version>: crc32 and JSON rows of the usable files, the preferred one first

Lines of files and dependencies are decoded only for versions that a solver looks at.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from envkit.model.candidate import Artifact
from envkit.resolve.dependencies import Dependency, Unusable, VersionDependencies
from envkit.resolve.selection import Release
from envkit.resolve.versions import VersionLine, sort_key

_MAGIC = "envkit-digest"
_FORMAT = "1"
_FIXED = 6


class Releases:
    """The usable versions of one project, ascending, with what was read of them so far.

    ``prereleases`` and ``yanked`` are masks like those of `VersionLine`. ``learned`` is true once dependencies were added
    that the stored digest does not have.
    """

    __slots__ = (
        "_artifacts", "_dependencies", "_files", "_known", "_lines", "identity", "learned", "line", "name",
        "prereleases", "yanked",
    )  # fmt: skip

    def __init__(self, name: str, identity: str, texts: Sequence[str], prereleases: int, yanked: int) -> None:
        self.name = name
        self.identity = identity
        self.line = VersionLine(texts)
        self.prereleases = prereleases
        self.yanked = yanked
        self.learned = False
        self._artifacts: list[tuple[Artifact, ...] | None] = [None] * len(texts)
        self._files: Sequence[bytes] = ()
        self._known: list[int | None] = [None] * len(texts)
        self._lines: list[str] = []
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
        self._artifacts = [release.artifacts for release in ordered]
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
        end = data.index(b"\n")
        magic, version, crc, count, dependencies = data[:end].decode().split(" ")
        if (magic, version) != (_MAGIC, _FORMAT):
            return None
        lines = data.split(b"\n")
        head_end = _FIXED + int(dependencies)
        body = b"\n".join(lines[1:head_end])
        if int(crc, 16) != zlib.crc32(body) or lines[1] != f"{identity} {rules}".encode():
            return None
        texts = lines[2].decode().split(" ") if lines[2] else []
        if len(texts) != int(count) or len(lines) != head_end + len(texts):
            return None
        prereleases, yanked = lines[3].split(b" ")
        self = cls(name, identity, texts, int(prereleases, 16), int(yanked, 16))
        self._files = lines[head_end:]
        self._lines = [line.decode() for line in lines[_FIXED:head_end]]
        if texts:
            self._known = [int(at) if at else None for at in lines[4].split(b",")]
        return self

    def artifacts(self, at: int) -> tuple[Artifact, ...]:
        """Give the usable files of the version at *at*, the preferred one first. Raises `ValueError` where damaged."""
        known = self._artifacts[at]
        if known is None:
            known = self._artifacts[at] = _read_files(self._files[at])
        return known

    def dependencies(self, at: int) -> VersionDependencies | Unusable | None:
        """Give what the version at *at* depends on, or None where its metadata was not read yet."""
        known = self._known[at]
        if known is None:
            return None
        found = self._dependencies.get(known)
        if found is None:
            found = self._dependencies[known] = _read_dependencies(self._lines[known])
        return found

    def learn(self, at: int, found: VersionDependencies | Unusable) -> None:
        """Remember what the version at *at* depends on; equal answers are kept once."""
        line = _write_dependencies(found)
        for known, have in enumerate(self._lines[-16:], max(0, len(self._lines) - 16)):
            if have == line:
                self._known[at] = known
                break
        else:
            self._known[at] = len(self._lines)
            self._lines.append(line)
            self._dependencies[len(self._lines) - 1] = found
        self.learned = True

    def encode(self, rules: str) -> bytes:
        """Give the digest as bytes; *rules* is the fingerprint of what selected the files."""
        known = ",".join("" if at is None else str(at) for at in self._known)
        head = [
            f"{self.identity} {rules}",
            " ".join(self.line.texts),
            f"{self.prereleases:x} {self.yanked:x}",
            known,
            "{}",
            *self._lines,
        ]
        body = "\n".join(head).encode()
        first = f"{_MAGIC} {_FORMAT} {zlib.crc32(body):08x} {len(self.line.texts)} {len(self._lines)}"
        rows = [
            self._files[at] if artifacts is None else _write_files(artifacts)
            for at, artifacts in enumerate(self._artifacts)
        ]
        return b"\n".join((first.encode(), body, *rows))


def _write_dependencies(found: VersionDependencies | Unusable) -> str:
    if isinstance(found, Unusable):
        return json.dumps({"!": [found.reason, found.detail]}, separators=(",", ":"))
    return json.dumps({"b": found.base, "x": found.extras}, separators=(",", ":"))


def _read_dependencies(line: str) -> VersionDependencies | Unusable:
    data = json.loads(line)
    if "!" in data:
        return Unusable(*data["!"])
    return VersionDependencies(
        tuple([_row(row) for row in data["b"]]),
        {extra: tuple([_row(row) for row in rows]) for extra, rows in data["x"].items()},
    )


def _row(row: list[Any]) -> Dependency:
    return Dependency(row[0], tuple(row[1]), row[2], row[3])


_FIELDS = (
    "filename", "url", "hashes", "size", "requires_python", "yanked", "upload_time", "metadata", "provenance", "index",
)  # fmt: skip


def _write_files(artifacts: tuple[Artifact, ...]) -> bytes:
    rows = [[_plain(getattr(artifact, field)) for field in _FIELDS] for artifact in artifacts]
    text = json.dumps(rows, separators=(",", ":")).encode()
    return b"%08x" % zlib.crc32(text) + text


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int)) else dict(value)


def _read_files(line: bytes) -> tuple[Artifact, ...]:
    text = line[8:]
    if int(line[:8], 16) != zlib.crc32(text):
        raise ValueError("a damaged line of files")
    rows = json.loads(text)
    return tuple([Artifact(**dict(zip(_FIELDS, row, strict=True))) for row in rows])
