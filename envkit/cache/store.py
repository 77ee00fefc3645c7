"""The cache folder: its buckets, its size, and getting rid of what is old."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from envkit.cache.bucket import PRIVATE_DIR, PRIVATE_FILE, Bucket, belongs_to, group_folder, last_use
from envkit.errors import EnvkitError
from envkit.host import files

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache (https://bford.info/cachedir/).\n"
_STALE_TEMPORARY = 24 * 3600.0
_PATIENCE = 30.0
"""Seconds that a removal waits for those who use entries by their path."""


_Entry: TypeAlias = tuple[float, int, str]
"""When it was last used, its size in bytes, and its path."""


def _is_bucket(folder: str) -> bool:
    name, _, version = folder.rpartition("-v")
    plain = folder.isascii() and name.replace("-", "").isalnum() and name == name.lower()
    return plain and name[0].isalpha() and version.isdigit()


class Cache:
    """A private cache folder, shared by any number of processes and threads.

    *root* None means a temporary folder that goes away with this object. The folder is made on first use, readable by
    its owner alone. What is in it is believed, so the methods raise `EnvkitError` for a folder that others can write to;
    of one where nobody can touch what is another's (``/tmp``) a private folder inside is used. With *instead*, a
    temporary folder takes the place of what cannot be trusted, and takes what is written where nothing can be written:
    what is there is read all the same. *instead* is called with the reason, once, and may raise it.
    """

    def __init__(
        self, root: Path | str | None = None, *, instead: Callable[[EnvkitError], object] | None = None
    ) -> None:
        self._root = None if root is None else os.path.abspath(root)
        self._instead = instead
        self._temporary: str | None = None
        self._lock = threading.RLock()
        self._buckets: dict[tuple[str, int], Bucket] = {}
        self._ready = False

    @property
    def root(self) -> Path:
        """The folder; made if it is missing."""
        from pathlib import Path

        return Path(self._prepare())

    def _prepare(self) -> str:
        with self._lock:
            if self._ready and self._root is not None:
                return self._root
            if self._root is None:
                self._root = self._make_temporary()
            else:
                with suppress(OSError):  # a cache that cannot be written still can be read
                    files.make_dirs(self._root, PRIVATE_DIR)
                self._root = self._trusted(self._root)
            tag = os.path.join(self._root, "CACHEDIR.TAG")
            if not os.path.exists(tag):
                with suppress(OSError):
                    files.write_bytes(tag, _TAG, PRIVATE_FILE)
            self._ready = True
            return self._root

    def _trusted(self, root: str) -> str:
        try:
            _check_private(root, stat.S_IWOTH)  # a group may write to whatever some users make
        except EnvkitError as error:
            from envkit.cache.unusable import own_folder

            return own_folder(root) or self._use_instead(error)
        return root

    def _use_instead(self, error: EnvkitError) -> str:
        if self._instead is None:
            raise error
        if self._temporary is None:
            self._instead(error)
        return self._make_temporary()

    def _make_temporary(self) -> str:
        if self._temporary is None:
            from envkit.cache.unusable import make_temporary

            self._temporary = make_temporary()
            weakref.finalize(self, _remove_own, self._temporary, os.getpid())
        return self._temporary

    def bucket(self, name: str, version: int = 1) -> Bucket:
        """Give the bucket *name* in the *version* of its form: a form that changes gets a new number."""
        found = self._buckets.get((name, version))
        if found is None:
            if not _is_bucket(f"{name}-v{version}"):
                raise ValueError(f"not a name for a bucket: {name!r}")
            with self._lock:
                found = self._buckets.get((name, version))
                if found is None:
                    found = self._buckets[name, version] = self._make_bucket(name, version)
        return found

    def _make_bucket(self, name: str, version: int) -> Bucket:
        folder = self._prepare()
        place = os.path.join(folder, f"{name}-v{version}")
        problem: OSError | None = None
        try:
            files.make_dirs(place, PRIVATE_DIR)  # now, as nobody else can make it from here on
        except OSError as error:
            problem = error
        try:
            _check_private(place, stat.S_IWOTH | stat.S_IWGRP, follow=False)
        except EnvkitError as error:
            return Bucket(self._use_instead(error), name, version)
        full = problem is not None and problem.errno in (errno.ENOSPC, errno.EDQUOT)
        if self._instead is None or full or (problem is None and os.access(place, os.W_OK | os.X_OK)):
            return Bucket(folder, name, version)  # a full disk is told by what is written
        from envkit.cache.unusable import not_writable

        temporary = self._use_instead(not_writable(place, problem))
        return Bucket(temporary, name, version, below=Bucket(folder, name, version))

    @property
    def is_temporary(self) -> bool:
        """Whether a part of what is written goes away with this object."""
        return self._temporary is not None

    def size(self) -> int:
        """Give the bytes that all entries take."""
        return sum(size for _, size, _ in self._entries())

    def lease(self, pause: Callable[[float], object] = time.sleep) -> AbstractContextManager[None]:
        """Keep every entry where it is for the time of a ``with`` block, as long as those who remove are patient.

        For whoever uses entries by their path; reading them by `Bucket.get` needs none. Any number may hold one, and it
        ends with its process. *pause* is called where it has to wait, which is short, and may raise to give up.
        """
        from envkit.cache.lease import lease

        return lease(self._prepare(), pause)

    def prune(
        self, *, max_bytes: int | None = None, max_age: float | None = None, lock_timeout: float = _PATIENCE
    ) -> int:
        """Remove what was not used for *max_age* seconds, then the least recently used down to *max_bytes*.

        Use is noted to the hour. Leftovers of killed processes older than a day go as well. Installations under way are
        waited for, at most *lock_timeout* seconds in all: one that takes longer fetches again what it loses. Gives the
        bytes freed.
        """
        now = time.time()
        gone: list[_Entry] = []
        kept: list[_Entry] = []
        for entry in self._entries(temporaries=True):
            used, _, path = entry
            temporary = os.path.basename(path).startswith(".")
            if temporary and now - used < _STALE_TEMPORARY:
                continue
            (gone if temporary or (max_age is not None and now - used > max_age) else kept).append(entry)
        if max_bytes is not None:
            total = sum(size for _, size, _ in kept)
            for entry in sorted(kept):
                if total <= max_bytes:
                    break
                total -= entry[1]
                gone.append(entry)
        self._remove([path for _, _, path in gone], lock_timeout)
        return sum(size for _, size, _ in gone)

    def clear(self, project: str | None = None, *, lock_timeout: float = _PATIENCE) -> int:
        """Remove everything, or what belongs to one project (its normalized name). Gives the bytes freed.

        Waits as `prune` does.
        """
        everything = [*self._bucket_folders(), *(item.path for item in self._set_aside())]
        places = everything if project is None else list(self._places_of(project))
        freed = sum(map(_tree_size, places))
        self._remove(places, lock_timeout)
        return freed

    def _remove(self, paths: list[str], timeout: float) -> None:
        if paths:
            from envkit.cache.lease import remove_all

            remove_all(self._prepare(), paths, timeout)

    def _places_of(self, project: str) -> Iterator[str]:
        own = group_folder(project)
        for bucket in self._bucket_folders():
            yield os.path.join(bucket, own)
            for group in _scan(bucket):
                if group.name.startswith(f"{own}="):
                    yield group.path
                elif group.name != own:
                    for item in _scan(group.path):
                        if item.is_dir(follow_symlinks=False) and belongs_to(item.path, project):
                            yield item.path

    def _bucket_folders(self) -> list[str]:
        root = self._prepare()
        try:
            return [os.path.join(root, name) for name in sorted(os.listdir(root)) if _is_bucket(name)]
        except OSError:
            return []

    def _set_aside(self) -> list[os.DirEntry[str]]:
        """Give the buckets that were set aside to be removed, by somebody who may have been killed meanwhile."""
        return [item for item in _scan(self._prepare()) if item.name.startswith(".") and item.name.endswith(".tmp")]

    def _entries(self, *, temporaries: bool = False) -> Iterator[_Entry]:
        for item in self._set_aside() if temporaries else ():
            with suppress(OSError):
                yield last_use(item.stat(follow_symlinks=False)), _tree_size(item.path), item.path
        for bucket in self._bucket_folders():
            for group in _scan(bucket):
                # A small entry stands for itself, a folder for the entries of one group.
                for item in _scan(group.path) if group.is_dir(follow_symlinks=False) else (group,):
                    if item.name.startswith(".") and not temporaries:
                        continue
                    with suppress(OSError):
                        status = item.stat(follow_symlinks=False)
                        size = _tree_size(item.path) if item.is_dir(follow_symlinks=False) else status.st_size
                        yield last_use(status), size, item.path


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _tree_size(path: str) -> int:
    total = 0
    pending = [path]
    with suppress(OSError):
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            return status.st_size
    while pending:
        for item in _scan(pending.pop()):
            with suppress(OSError):
                if item.is_dir(follow_symlinks=False):
                    pending.append(item.path)
                else:
                    total += item.stat(follow_symlinks=False).st_size
    return total


def _remove_own(root: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child must not remove its parent's folder
        with suppress(OSError):
            files.remove_tree(root)


def _check_private(path: str, writable: int, *, follow: bool = True) -> None:
    """Refuse a folder that belongs to others, or has one of the bits *writable*. Raises `EnvkitError`.

    What others planted there would be installed, and the form of entries (`marshal`) is not made for bytes of strangers.
    """
    if os.name != "posix":
        return
    try:
        facts = os.stat(path, follow_symlinks=follow)
    except OSError:
        return  # it is not there, and cannot be made
    if stat.S_ISLNK(facts.st_mode):
        problem = "is a symlink"
    elif facts.st_uid not in (os.geteuid(), 0):  # root can do anything anyway
        problem = "belongs to somebody else"
    elif facts.st_mode & writable:
        problem = "is a folder that others can write to"
    else:
        return
    from envkit.cache.unusable import not_trusted

    raise not_trusted(path, problem)
