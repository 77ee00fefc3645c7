"""One versioned bucket of the cache.

A key is ``"group/rest"``, where the group is a project's normalized name, so that a project can be cleared as a whole.

A small entry is one file in the bucket's folder, ``group=<fingerprint of the key>``: to make a folder, as each group once
had, takes longer than to write what goes into it. It has a head and a body, which carry their lengths and a checksum each:
who wants the head alone reads nothing else. One that does not fit is taken away and counts as missing. What is published
as a file or folder of its own is in a folder named after the group.

Nothing is ever seen half written: files and folders are made under a temporary name and renamed.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from envkit.host import files
from envkit.model.fingerprint import fingerprint

if TYPE_CHECKING:  # entries are read by text; values that are paths are made for those who ask
    from pathlib import Path

_MAGIC = b"EKC2"
_HEADER = 24
"""Bytes: the magic, length of the head (4), length of the body (8), checksum of the head (4), of the body (4)."""
_AT_FIRST = 4096
"""Bytes that are read for a head; more where it is longer."""
_LONGEST_GROUP = 100
_LONGEST_NAME = 4096
_TOUCH_AFTER = 3600.0
"""Seconds: the use of an entry is noted at most once an hour, so that reading stays reading."""

OWNER = "project"
"""A file in an entry that is a folder: the normalized name of the project that it belongs to, where its key says none."""

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def group_folder(group: str) -> str:
    """Give the folder name of a group: the group itself where that is a plain normalized name, else its hash."""
    # Without a pattern: compiling one takes a fresh process as long as reading ten entries.
    letters = group.replace("-", "")
    plain = group.isascii() and letters.isalnum() and group == group.lower()
    if plain and group[0] != "-" != group[-1] and len(group) <= _LONGEST_GROUP:
        return group
    return "=" + fingerprint(group, 32)


class Bucket:
    """Entries of one kind; made by `Cache.bucket`. Thread-safe, and safe across processes and forks.

    *below* is a bucket of the same form that is only read: what is missing here may be there.
    """

    __slots__ = ("_root", "below", "name", "version")

    def __init__(self, root: str, name: str, version: int, *, below: Bucket | None = None) -> None:
        self.below = below
        self.name = name
        self.version = version
        self._root = os.path.join(root, f"{name}-v{version}")

    @property
    def root(self) -> Path:
        """The folder of this bucket; it may not exist yet."""
        from pathlib import Path

        return Path(self._root)

    def _place(self, key: str) -> tuple[str, str]:
        group, slash, rest = key.partition("/")
        digest = fingerprint(key, 40)
        folder = group_folder(group) if slash and rest else "=" + digest[:2]
        return f"{self._root}{os.sep}{folder}", digest

    def path(self, key: str) -> Path:
        """Give where what is published as *key* is, or would be."""
        from pathlib import Path

        return Path(self.place(key))

    def place(self, key: str) -> str:
        """Give the same as text, for who looks whether something is there."""
        own = os.path.join(*self._place(key))
        if self.below is not None and not os.path.lexists(own):
            other = self.below.place(key)
            return other if os.path.exists(other) else own
        return own

    def file(self, key: str) -> str:
        """Give the file that the small entry of *key* is, or would be."""
        group, slash, rest = key.partition("/")
        prefix = group_folder(group) if slash and rest else ""
        return f"{self._root}{os.sep}{prefix}={fingerprint(key, 40)}"

    def get(self, key: str) -> bytes | None:
        """Read the body of an entry; None where there is no entry, or none that is whole."""
        found = self.whole(key)
        return None if found is None else found[1]

    def head(self, key: str) -> bytes | None:
        """Read the head of an entry alone; None where there is no entry. Its body may turn out to be damaged."""
        found = self._read(key, whole=False)
        return None if found is None else found[0]

    def whole(self, key: str) -> tuple[bytes, bytes] | None:
        """Read head and body of an entry; None where there is no entry, or none that is whole."""
        return self._read(key, whole=True)

    def _read(self, key: str, *, whole: bool) -> tuple[bytes, bytes] | None:
        found = _read_file(self.file(key), whole=whole)
        if found is None and self.below is not None:
            found = _read_file(self.below.file(key), whole=whole)
        return found

    def put(self, key: str, data: bytes, *, head: bytes = b"") -> None:
        """Publish an entry, over one that may be there. Raises `OSError` where the disk refuses."""
        path = self.file(key)
        numbers = ((len(head), 4), (len(data), 8), (zlib.crc32(head), 4), (zlib.crc32(data), 4))
        content = b"".join((_MAGIC, *(number.to_bytes(size, "little") for number, size in numbers), head, data))
        try:
            files.publish_bytes(path, content, PRIVATE_FILE)
        except FileNotFoundError:
            files.make_dirs(self._root, PRIVATE_DIR)
            files.publish_bytes(path, content, PRIVATE_FILE)

    def remove(self, key: str) -> None:
        """Take an entry away, small or published, if it is there."""
        with suppress(OSError):
            files.unlink(self.file(key), missing_ok=True)
        discard(os.path.join(*self._place(key)))

    def staging(self, suffix: str = "") -> Path:
        """Give a fresh temporary path on the bucket's file system, in a folder that exists; nothing is made there."""
        from pathlib import Path

        folder = os.path.join(self._root, "=staging")
        files.make_dirs(folder, PRIVATE_DIR)
        return Path(files.temporary_beside(os.path.join(folder, "x")) + suffix)

    def publish(self, key: str, source: Path, *, name: str | None = None) -> Path:
        """Move *source*, a file or folder made at a `staging` path, to where *key* is, and give that path.

        With *name* the entry is a folder that holds the file under this name. Where another process was first, its entry
        stays and *source* is removed: entries published so are immutable. Raises `OSError`.
        """
        from pathlib import Path

        folder, digest = self._place(key)
        target = os.path.join(folder, digest) if name is None else os.path.join(folder, digest, name)
        files.make_dirs(os.path.dirname(target), PRIVATE_DIR)
        if source.is_dir():
            try:
                files.rename(str(source), target)
            except OSError:
                if not os.path.isdir(target):
                    raise
                discard(str(source))
        else:
            files.replace(str(source), target)
        return Path(target)

    def touch(self, key: str) -> None:
        """Note that an entry is in use, for `Cache.prune`; cheap when that was noted within the hour."""
        note_use(os.path.join(*self._place(key)))


def _read_file(path: str, *, whole: bool) -> tuple[bytes, bytes] | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        found = _parse(descriptor, status.st_size, whole=whole)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if found is None:
        with suppress(OSError):
            files.unlink(path, missing_ok=True)
    elif time.time() - max(status.st_atime, status.st_mtime) > _TOUCH_AFTER:
        _touch(path, status)
    return found


def _parse(descriptor: int, size: int, *, whole: bool) -> tuple[bytes, bytes] | None:
    """Give the head of an open file of *size* bytes, and if *whole* its body; None where they are not what was written."""
    data = _read_all(descriptor, b"", size if whole else min(size, _AT_FIRST))
    start = _HEADER + int.from_bytes(data[4:8], "little")
    if data[:4] != _MAGIC or start + int.from_bytes(data[8:16], "little") != size:
        return None
    if len(data) < start:
        data = _read_all(descriptor, data, start)
    head, body = data[_HEADER:start], data[start:] if whole else b""
    if zlib.crc32(head) != int.from_bytes(data[16:20], "little"):
        return None
    if whole and (len(data) != size or zlib.crc32(body) != int.from_bytes(data[20:24], "little")):
        return None
    return head, body


def _read_all(descriptor: int, data: bytes, size: int) -> bytes:
    """Read on after *data* until there are *size* bytes, or no more."""
    while len(data) < size:
        part = os.read(descriptor, size - len(data))
        if not part:
            break
        data = data + part if data else part
    return data


def note_use(path: str) -> None:
    """Note that the entry at *path* is in use; cheap when that was noted within the hour."""
    with suppress(OSError):
        status = os.stat(path)
        if time.time() - last_use(status) > _TOUCH_AFTER:
            _touch(path, status)


def last_use(status: os.stat_result) -> float:
    """Give when an entry was last used; a folder's access time tells of whoever listed it, so that does not count."""
    return status.st_mtime if stat.S_ISDIR(status.st_mode) else max(status.st_atime, status.st_mtime)


def _touch(path: str, status: os.stat_result) -> None:
    with suppress(OSError):
        now = time.time_ns()
        os.utime(path, ns=(now, now if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns))


def belongs_to(path: str, project: str) -> bool:
    """Whether the entry at *path* is a folder that says it belongs to this project."""
    try:
        with open(os.path.join(path, OWNER), "rb") as file:
            return file.read(_LONGEST_NAME) == project.encode("utf-8", "surrogatepass")
    except OSError:
        return False


def discard(path: str) -> None:
    """Remove a file, or a folder so that no reader sees a part of it: it is renamed away first."""
    aside = set_aside(path)
    if aside is not None:
        with suppress(OSError):
            files.remove_tree(aside)


def set_aside(path: str) -> str | None:
    """Take an entry away for all readers at once: a file is gone then, of a folder the new place is given."""
    try:
        if not os.path.isdir(path) or os.path.islink(path):
            files.unlink(path, missing_ok=True)
            return None
        aside = files.temporary_beside(path)
        files.rename(path, aside)
    except OSError:
        return None
    return aside
