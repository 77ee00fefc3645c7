"""Read single files of a source that may want to trap the reader: pipes, endless files, links that lead outside."""

from __future__ import annotations

import os
import stat

from envkit.errors import InvalidSource
from envkit.wheels.archive import archive_kind
from envkit.wheels.bounds import DEFAULT_BOUNDS, MIB, ArchiveBounds
from envkit.wheels.tar import TarReader
from envkit.wheels.zip import member_chunks, open_zip

MAX_FILE_BYTES = 16 * MIB


def read_file(root: str, name: str, *, confined: bool = True, limit: int = MAX_FILE_BYTES) -> bytes | None:
    """Read the file *name* of the folder *root*; None where there is none.

    Raises `InvalidSource` for what is no regular file, is larger than *limit* bytes, or (where *confined*) lies outside
    of *root* once links are followed.
    """
    path = os.path.join(root, name)
    if confined and not is_inside(path, root):
        raise InvalidSource(f"{name}: leads outside of its project", context={"file": path})
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidSource(f"{name}: cannot be read: {error.strerror}", context={"file": path}) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # a folder makes no stream that could do it
        raise InvalidSource(f"{name}: is no regular file", context={"file": path})
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise InvalidSource(f"{name}: is larger than {limit} bytes", context={"file": path})
    return data


def is_inside(path: str, root: str) -> bool:
    """Whether *path*, with all links followed, is *root* or below it."""
    real, base = os.path.realpath(path), os.path.realpath(root)
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)


def read_pkg_info(path: str, filename: str, *, bounds: ArchiveBounds = DEFAULT_BOUNDS) -> bytes | None:
    """Read ``<folder>/PKG-INFO`` out of the sdist at *path* without unpacking it; None where there is none.

    Raises `InvalidSource` for an archive that breaks its format on the way there.
    """

    def refuse(reason: str, member: str | None = None) -> InvalidSource:
        shown = "" if member is None else f"member {member[:200]!r} "
        return InvalidSource(f"{filename}: {shown}{reason}", context={"archive": filename, "reason": reason})

    kind = archive_kind(filename)
    if kind is None:
        raise refuse("is no source archive by its name")
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if kind == "zip":
            with open_zip(stream, size, bounds, refuse) as archive:
                for item in archive.infolist():
                    if _is_pkg_info(item.filename):
                        if item.file_size > MAX_FILE_BYTES:
                            raise refuse(f"has metadata larger than {MAX_FILE_BYTES} bytes")
                        return b"".join(member_chunks(archive, item, refuse))
            return None
        reader = TarReader(stream, size, kind, bounds, refuse)
        for member in reader.members():
            if _is_pkg_info(member.name) and member.kind == "file":
                if member.size > MAX_FILE_BYTES:
                    raise refuse(f"has metadata larger than {MAX_FILE_BYTES} bytes")
                return b"".join(reader.chunks())
    return None


def _is_pkg_info(name: str) -> bool:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return len(parts) == 2 and parts[1] == "PKG-INFO"
