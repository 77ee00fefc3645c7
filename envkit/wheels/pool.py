"""The wheel pool: each wheel checked once and unpacked once, under the hash of its archive.

``<root>/<first two digits>/<sha256>`` holds ``tree`` (the files), ``manifest``, ``bytecode``, and a note of its project.
An entry is made in a folder of its own and published by one rename, so any number of processes may use a pool at once. A
bucket of the cache has the same form, so `Cache.prune` and `clear` remove entries here, and what killed processes left in
``=staging``.

Before an entry is used, size, mtime and mode of every file are compared with the manifest: hardlinks share their inode,
and an edit made inside one environment must not travel to another. A damaged entry is removed, and made again from the
archive.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

from envkit.cache.bucket import OWNER, note_use
from envkit.cache.lease import Lease, no_lease
from envkit.dataclass import replace
from envkit.errors import HashMismatch, InstallError
from envkit.host import exchange, files
from envkit.host.looking import is_intact
from envkit.model.distribution import LocalWheel
from envkit.model.identity import normalize
from envkit.model.source import Origin
from envkit.transaction.state import new_id
from envkit.wheels import pool_manifest as manifest
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.pool_archive import POOL_BOUNDS, Archive, refuse

VERSION = 1
"""Of the form of entries: the bucket of the cache that is a pool bears this number."""

_STAGING = "=staging"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class WheelPool:
    """The pool below *root*, a folder private to its user; it is made when first written to.

    *lease* keeps entries where they are, as `Cache.lease` of the cache that *root* is in does. *below* is the root of
    another pool, which is only read: what is missing here is linked from there.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        bounds: ArchiveBounds = POOL_BOUNDS,
        lease: Lease = no_lease,
        below: str | os.PathLike[str] | None = None,
    ) -> None:
        self.root: str = os.path.abspath(os.fspath(root))
        self._below = None if below is None else WheelPool(below)
        self.bounds = bounds
        self.lease = lease

    def entry(self, sha256: str) -> str:
        """Give the folder of the entry for the archive with this hash, whether it is there or not."""
        if not _SHA256.match(sha256):
            raise InstallError(f"not a sha256: {sha256[:80]!r}")
        return f"{self.root}/{sha256[:2]}/{sha256}"

    def get(
        self,
        sha256: str,
        *,
        filename: str | None = None,
        origin: Origin | None = None,
        index: str | None = None,
        url: str | None = None,
        verify: str = "stat",
    ) -> LocalWheel | None:
        """Give the wheel with this hash; None where it is not in the pool, or was damaged and is now removed.

        *verify* "stat" compares sizes and mtimes with the manifest, "hash" the content of every file too; "later"
        leaves that to whoever links them.
        """
        entry = self.entry(sha256)
        data = manifest.read(f"{entry}/manifest")
        if data is None and self._below is not None and not os.path.lexists(entry):
            data = self._linked(self._below.entry(sha256), entry)
        if data is None:
            if os.path.lexists(entry):
                self.evict(sha256)
            return None
        tree = f"{entry}/tree"
        wheel = manifest.unpack_wheel(data, tree)
        if (
            wheel is None
            or wheel.sha256 != sha256
            or not (verify == "later" or is_intact(tree, wheel.groups, wheel.modes))
        ):
            self.evict(sha256)
            return None
        if verify == "hash" and not _content_is_right(wheel):
            self.evict(sha256)
            return None
        note_use(entry)
        return replace(wheel, filename=filename or wheel.filename, origin=origin, index=index, url=url)

    def add(
        self,
        archive: str | os.PathLike[str],
        *,
        filename: str | None = None,
        sha256: str | None = None,
        name: str | None = None,
        version: str | None = None,
        origin: Origin | None = None,
        index: str | None = None,
        url: str | None = None,
        owned: bool = False,
    ) -> LocalWheel:
        """Check the wheel at *archive* and unpack it; what is there already is used.

        *sha256* is the hash that was promised, *filename* the name it goes by (else the one of *archive*), *name* and
        *version* what the index says it is. *owned* says that nobody else writes to *archive*, as to a file of the cache;
        any other one is copied, as it may change after it was hashed. Raises `HashMismatch`, `InvalidWheel`, and
        `InstallError` where it cannot be read or written; then nothing is left behind.
        """
        path = os.fspath(archive)
        filename = filename or os.path.basename(path)
        try:
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    raise refuse(filename, "is empty")
                data = _mapped(file) if owned else None
                found = _sha256(data) if data is not None else hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 is not None and found != sha256.lower():
                raise HashMismatch(
                    f"{filename}: the sha256 is {found}, not {sha256}",
                    context={"file": filename, "expected": sha256, "actual": found},
                )
            wheel = self.get(found)
            if wheel is None:
                with self._copied(path, filename, found) if data is None else nullcontext(data) as steady:
                    wheel = self._make(steady, filename, found, name, version)
        except OSError as error:
            raise InstallError(
                f"{filename} cannot be unpacked: {error}",
                hint=f"wheels are unpacked below {self.root} and linked from there: it must be a folder with room that can"
                " be written to (Kit(cache_dir=...) takes another one)",
                context={"errno": error.errno},
            ) from error
        _check_identity(wheel, filename, name, version)
        return replace(wheel, filename=filename, origin=origin, index=index, url=url)

    def _make(self, data: memoryview, filename: str, sha256: str, name: str | None, version: str | None) -> LocalWheel:
        from envkit.wheels.pool_contents import check_contents
        from envkit.wheels.pool_unpack import unpack

        archive = Archive(data, filename, self.bounds)
        contents = check_contents(archive, filename, name=name, version=version)
        temporary = self.temporary()
        try:
            tree = f"{temporary}/tree"
            files.make_dir(tree, exist_ok=False)
            wheel = unpack(archive, contents, tree, filename=filename, sha256=sha256)
            packed = manifest.encode(manifest.pack_wheel(wheel))
            files.write_bytes(f"{temporary}/manifest", packed, exclusive=True)
            files.write_bytes(f"{temporary}/{OWNER}", normalize(wheel.name).encode(), exclusive=True)
            entry = self.entry(sha256)
            if self.publish(temporary, entry):
                # The files were looked at as they were written, so there is no need to look at them again.
                return replace(wheel, root=Path(f"{entry}/tree"))
        except BaseException:
            with suppress(OSError):
                files.remove_tree(temporary)
            raise
        made = self.get(sha256)
        if made is None:
            raise InstallError(f"{filename}: the unpacked files changed while they were written")
        return made

    @contextmanager
    def _copied(self, path: str, filename: str, sha256: str) -> Generator[memoryview]:
        """Give the content of a copy of a file. Raises `InstallError` where it has another hash by now."""
        copy = self._fresh()
        try:
            with open(path, "rb") as file:
                files.write_chunks(copy, iter(lambda: file.read(1 << 20), b""), 0o600)
            with open(copy, "rb") as file:
                data = _mapped(file)
            if _sha256(data) != sha256:
                raise InstallError(f"{filename}: the file changed while it was read", context={"file": filename})
            yield data
        finally:
            with suppress(OSError):
                files.unlink(copy, missing_ok=True)

    def temporary(self) -> str:
        """Make a folder for an entry in the making, on the pool's file system."""
        path = self._fresh()
        files.make_dir(path, exist_ok=False)
        return path

    def _fresh(self) -> str:
        folder = f"{self.root}/{_STAGING}"
        files.make_dirs(folder, 0o700)
        return f"{folder}/.{new_id()}"

    def _linked(self, below: str, entry: str) -> tuple[Any, ...] | None:
        """Make an entry whose tree is that of another pool, and give its manifest; bytecode has a place in it then."""
        data = manifest.read(f"{below}/manifest")
        if data is not None:
            temporary = self.temporary()
            files.symlink(f"{below}/tree", f"{temporary}/tree")
            files.write_bytes(f"{temporary}/manifest", manifest.encode(data), exclusive=True)
            self.publish(temporary, entry)
        return data

    def publish(self, temporary: str, target: str) -> bool:
        """Move a finished folder to its place; False where another process was faster, and its work is to be used."""
        files.make_dirs(os.path.dirname(target), 0o700)
        try:
            exchange.rename_new(temporary, target)
        except FileExistsError:
            files.remove_tree(temporary)
            return False
        return True

    def evict(self, sha256: str) -> None:
        """Remove an entry, for all others at once."""
        temporary = self._fresh()
        try:
            files.rename(self.entry(sha256), temporary)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InstallError(f"a damaged entry of the pool cannot be removed: {error}") from error
        with suppress(OSError):
            files.remove_tree(temporary)


def _mapped(file: BinaryIO) -> memoryview:
    """Give the content of a file that nobody else writes to: what is read twice could differ, or be gone."""
    # Not closed here: an error's traceback may still hold a part of it.
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _sha256(data: memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def _check_identity(wheel: LocalWheel, filename: str, name: str | None, version: str | None) -> None:
    """Compare what an entry holds with what is asked for now: the same bytes may come under another name."""
    from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
    from packaging.version import InvalidVersion, Version

    try:
        by_file = parse_wheel_filename(filename)
        names = {canonicalize_name(name or wheel.name), by_file[0]}
        versions = {Version(version or wheel.version), by_file[1]}
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise refuse(filename, "has no valid name or version") from error
    if names != {canonicalize_name(wheel.name)} or versions != {Version(wheel.version)}:
        raise refuse(filename, f"is {wheel.name} {wheel.version} by its metadata")


def _content_is_right(wheel: LocalWheel) -> bool:
    import csv

    from envkit.installed.record import has_digest

    rows = [(row[0], row[1]) for row in csv.reader(wheel.lib_rows.decode().splitlines())]
    rows += [(f"{wheel.data_dir}/{scheme}/{path}", hashed) for scheme, path, hashed, _ in wheel.data_rows]
    return all(has_digest(f"{wheel.root}/{path}", hashed) for path, hashed in rows)
