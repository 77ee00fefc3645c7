"""Unpack an sdist or a source archive (PEP 706, PEP 625, PEP 527), trusting nothing in it."""

from __future__ import annotations

import os

from envkit.errors import InvalidSource
from envkit.host import files
from envkit.wheels.bounds import DEFAULT_BOUNDS, ArchiveBounds
from envkit.wheels.tar import extract_tar
from envkit.wheels.tree import TreeWriter
from envkit.wheels.zip import extract_zip, looks_like_zip

_SUFFIXES = {
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
    ".tar": "tar",
    ".zip": "zip",
}


def archive_kind(filename: str) -> str | None:
    """Give "gz", "bz2", "xz", "tar" or "zip" by the suffix of a name, else None."""
    lower = filename.lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if lower.endswith(suffix)), None)


def archive_stem(filename: str) -> str:
    """Give a file name without its archive suffix: ``name-1.0`` of ``name-1.0.tar.gz``."""
    lower = filename.lower()
    return next((filename[: -len(suffix)] for suffix in _SUFFIXES if lower.endswith(suffix)), filename)


def extract_archive(
    path: str, destination: str, *, filename: str | None = None, bounds: ArchiveBounds = DEFAULT_BOUNDS
) -> str:
    """Unpack the archive at *path* into *destination*, which must not exist, and give the project's folder.

    That is the one folder at the top of the archive, else *destination*. *filename* is what the archive is called where
    *path* is a name in a cache. Raises `InvalidSource`, after which *destination* is gone again.
    """
    where = filename or os.path.basename(path)
    kind = archive_kind(where)
    if kind is None:
        raise InvalidSource(
            f"{where}: no source archive by its name", hint=f"known are {', '.join(_SUFFIXES)}", context={"file": where}
        )
    files.make_dirs(destination, 0o700)
    writer = TreeWriter(destination, bounds, where=where)
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if kind == "zip":
                extract_zip(stream, size, writer, bounds)
            else:
                if looks_like_zip(stream):
                    raise writer.refuse("is a zip archive as well")
                stream.seek(0)
                extract_tar(stream, size, kind, writer, bounds)
    except OSError as error:
        files.remove_tree(destination)
        raise InvalidSource(f"{where}: cannot be unpacked: {error}", context={"archive": where}) from error
    except BaseException:
        files.remove_tree(destination)
        raise
    return writer.top()
