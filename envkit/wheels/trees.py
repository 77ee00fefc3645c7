"""Sources on disk, as builds see them: an sdist, a folder of the user's, a checkout."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from envkit.dataclass import dataclass
from envkit.errors import InvalidSource
from envkit.host import files
from envkit.wheels.archive import extract_archive
from envkit.wheels.reading import is_inside, read_pkg_info
from envkit.wheels.scratch import scratch_folder
from envkit.wheels.static import from_pkg_info, tree_metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree(ABC):
    """One project's sources.

    *subject* is what events and errors call it (no credentials). *name* (normalized) and *version* are what was asked
    for, where known. *identity* is a digest of all that a build reads, None where nothing must be kept. *sdist* is true
    for an unpacked sdist, *confined* where nothing may lead outside of the folder.
    """

    subject: str
    name: str | None = None
    version: str | None = None
    identity: str | None = None
    sdist: bool = False
    confined: bool = True

    @abstractmethod
    def open(self) -> AbstractContextManager[str]:
        """Give a folder that a build may write to; it is gone afterwards, except a user's own folder."""

    def static(self) -> bytes | None:
        """Give the metadata that the source promises without running its code, if it does."""
        with self.open() as root:
            return tree_metadata(root, sdist=self.sdist, confined=self.confined)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTree(SourceTree):
    """An archive at *path*, called *filename*; *subdirectory* is where in it the project is."""

    path: str
    filename: str
    subdirectory: str | None = None

    def open(self) -> AbstractContextManager[str]:
        """Unpack the archive into a temporary folder."""
        return self._open()

    def static(self) -> bytes | None:
        """Look for PKG-INFO first, which takes no unpacking."""
        if self.sdist and not self.subdirectory:
            data = read_pkg_info(self.path, self.filename)
            found = from_pkg_info(data) if data is not None else None
            if found is not None:
                return found
        return super(ArchiveTree, self).static()  # noqa: UP008  the decorator makes another class

    @contextmanager
    def _open(self) -> Generator[str]:
        with scratch_folder() as folder:
            top = extract_archive(self.path, os.path.join(folder, "source"), filename=self.filename)
            yield subfolder(top, self.subdirectory, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderTree(SourceTree):
    """A folder of the user's, built where it is, as its relative paths and its version control expect."""

    path: str
    confined: bool = False

    def open(self) -> AbstractContextManager[str]:
        """Give the folder itself."""
        return self._open()

    @contextmanager
    def _open(self) -> Generator[str]:
        yield self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutTree(SourceTree):
    """A checkout in the cache at *path*; builds get a copy, so that none sees what another left behind."""

    path: str
    subdirectory: str | None = None

    def open(self) -> AbstractContextManager[str]:
        """Copy the checkout into a temporary folder."""
        return self._open()

    def static(self) -> bytes | None:
        """Look into the checkout itself."""
        return tree_metadata(subfolder(self.path, self.subdirectory, self.subject), sdist=False)

    @contextmanager
    def _open(self) -> Generator[str]:
        with scratch_folder() as folder:
            copy = os.path.join(folder, "source")
            _copy_tree(self.path, copy)
            yield subfolder(copy, self.subdirectory, self.subject)


def _copy_tree(source: str, target: str) -> None:
    """Copy files, folders and links as links; times stay, as builds compare them."""
    files.make_dir(target)
    for entry in os.scandir(source):
        path = os.path.join(target, entry.name)
        if entry.is_symlink():
            files.symlink(os.readlink(entry.path), path)
        elif entry.is_dir():
            _copy_tree(entry.path, path)
        elif entry.is_file():
            status = entry.stat()
            with open(entry.path, "rb") as stream:
                files.write_chunks(path, iter(partial(stream.read, 1 << 20), b""), stat.S_IMODE(status.st_mode) | 0o600)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def subfolder(root: str, subdirectory: str | None, subject: str) -> str:
    """Give the folder *subdirectory* of *root*. Raises `InvalidSource` where that is not a folder inside."""
    if not subdirectory:
        return root
    path = os.path.normpath(os.path.join(root, subdirectory))
    if "\0" in subdirectory or os.path.isabs(subdirectory) or not is_inside(path, root):
        raise InvalidSource(f"{subject}: subdirectory {subdirectory!r} leads outside", context={"subject": subject})
    if not os.path.isdir(path):
        raise InvalidSource(f"{subject}: there is no subdirectory {subdirectory!r}", context={"subject": subject})
    return path
