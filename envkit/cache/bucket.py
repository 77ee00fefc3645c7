"""One versioned bucket of the cache.

A key is ``"group/rest"``, where the group is a project's normalized name: it becomes a folder, so that a project can be
cleared as a whole. A key without a slash is spread over folders by its hash. Small entries carry their length and a
checksum, and one that does not fit is taken away and counts as missing. Nothing is ever seen half written: files and
folders are made under a temporary name and renamed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from envkit.host import files

if TYPE_CHECKING:  # entries are read by text; values that are paths are made for those who ask
    from pathlib import Path

_MAGIC = b"EKC1"
_HEADER = 16
_SAFE_GROUP = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?\Z")
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
    if _SAFE_GROUP.match(group):
        return group
    return "=" + hashlib.sha256(group.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Bucket:
    """Entries of one kind; made by `Cache.bucket`. Thread-safe, and safe across processes and forks."""

    __slots__ = ("_root", "name", "version")

    def __init__(self, root: str, name: str, version: int) -> None:
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
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        folder = group_folder(group) if slash and rest else "=" + digest[:2]
        return f"{self._root}{os.sep}{folder}", digest

    def path(self, key: str) -> Path:
        """Give where the entry of *key* is, or would be."""
        from pathlib import Path

        return Path(*self._place(key))

    def get(self, key: str) -> bytes | None:
        """Read an entry; None where there is none, or none that is whole."""
        folder, digest = self._place(key)
        path = f"{folder}{os.sep}{digest}"
        try:
            descriptor = os.open(path, os.O_RDONLY | _BINARY)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            data = _read_all(descriptor, status.st_size)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if (
            data[:4] != _MAGIC
            or int.from_bytes(data[4:12], "little") != len(data) - _HEADER
            or int.from_bytes(data[12:16], "little") != zlib.crc32(memoryview(data)[_HEADER:])
        ):
            with suppress(OSError):
                files.unlink(path, missing_ok=True)
            return None
        if time.time() - max(status.st_atime, status.st_mtime) > _TOUCH_AFTER:
            _touch(path, status)
        return data[_HEADER:]

    def put(self, key: str, data: bytes) -> None:
        """Publish an entry, over one that may be there. Raises `OSError` where the disk refuses."""
        folder, digest = self._place(key)
        header = _MAGIC + len(data).to_bytes(8, "little") + zlib.crc32(data).to_bytes(4, "little")
        path = os.path.join(folder, digest)
        try:
            files.publish_bytes(path, header + data, PRIVATE_FILE)
        except FileNotFoundError:
            files.make_dirs(folder, PRIVATE_DIR)
            files.publish_bytes(path, header + data, PRIVATE_FILE)

    def remove(self, key: str) -> None:
        """Take an entry (file or folder) away, if it is there."""
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


def _read_all(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size + 1)
    if len(data) >= size:
        return data
    parts = [data]
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


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
    try:
        if not os.path.isdir(path) or os.path.islink(path):
            files.unlink(path, missing_ok=True)
            return
        aside = files.temporary_beside(path)
        files.rename(path, aside)
    except OSError:
        return
    with suppress(OSError):
        files.remove_tree(aside)
