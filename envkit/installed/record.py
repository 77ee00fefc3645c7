"""Read RECORD: which files an installed distribution consists of."""

from __future__ import annotations

import csv
import errno
import io
import operator
import os
import stat

from envkit.errors import InstallError
from envkit.namedtuple import NamedTuple

MAX_RECORD_BYTES = 256 * 1024 * 1024
_FIRST = operator.itemgetter(0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # what stands there may be a pipe, which nobody may ever write to


class RecordRow(NamedTuple):
    """One row: *path* with forward slashes, relative to the folder above the metadata folder, or absolute.

    *hash* is "" or ``algorithm=urlsafe-base64``, *size* "" or the number of bytes, as they are written.
    """

    path: str
    hash: str
    size: str


def read(dist_info: str | os.PathLike[str]) -> tuple[RecordRow, ...]:
    """Read RECORD of the metadata folder *dist_info*. Raises `InstallError` where there is none or it makes no sense."""
    path = os.path.join(os.fspath(dist_info), "RECORD")
    return parse(_read_bytes(path), where=path)


def read_lines(dist_info: str | os.PathLike[str]) -> list[str]:
    """Read RECORD as lines ``path,hash,size`` in which only the path may have commas, and nothing is quoted.

    For whoever looks at thousands of files and does not want an object for each. Raises as `read` does.
    """
    path = os.path.join(os.fspath(dist_info), "RECORD")
    data = _read_bytes(path)
    if b'"' not in data and b"\r" not in data:
        lines = [line for line in _decode(data, path).split("\n") if line]
        if all(line.count(",") > 1 and line[0] != "," for line in lines):
            return lines
    # A comma in a hash or a size makes it one that nothing has, with or without it.
    return [",".join((row.path, *(field.replace(",", ";") for field in row[1:]))) for row in parse(data, where=path)]


def has_digest(path: str, hashed: str) -> bool:
    """Whether the content of the file at *path* has the hash *hashed*, written as in a RECORD.

    Raises `OSError` where it cannot be read or is no file, `ValueError` for an algorithm that nobody knows.
    """
    import base64
    import hashlib

    algorithm, _, value = hashed.partition("=")
    hasher = hashlib.new(algorithm)
    if not hasher.digest_size:
        raise ValueError(f"{algorithm} has digests of any length")
    with open(path, "rb", opener=opener) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        digest = hashlib.file_digest(file, lambda: hasher).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == value.rstrip("=")


def opener(path: str, flags: int) -> int:
    """Open what should be a file, for `open`, without waiting where it is a pipe."""
    return os.open(path, flags | _AT_ONCE)


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0, opener=opener) as file:
            data = file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise InstallError(f"{path} cannot be read: {error.strerror}", context={"path": path}) from error
    if len(data) > MAX_RECORD_BYTES:
        raise InstallError(f"{path} is larger than {MAX_RECORD_BYTES} bytes", context={"path": path})
    return data


def _decode(data: bytes, where: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InstallError(f"{where} is not UTF-8", context={"path": where}) from error
    if "\0" in text:
        raise InstallError(f"{where} has a NUL", context={"path": where})
    return text


def parse(data: bytes, *, where: str = "RECORD") -> tuple[RecordRow, ...]:
    """Read the content of a RECORD. Raises `InstallError`."""
    text = _decode(data, where)
    try:
        if '"' in text:
            rows = list(csv.reader(io.StringIO(text, newline="")))
        else:  # what nearly all are like, several times faster
            rows = [line.rstrip("\r").rsplit(",", 2) for line in text.split("\n") if line]
    except csv.Error as error:
        raise InstallError(f"{where} cannot be read: {error}", context={"path": where}) from error
    if rows and set(map(len, rows)) == {3} and all(map(_FIRST, rows)):
        return tuple(map(RecordRow._make, rows))
    found: list[RecordRow] = []
    for row in rows:
        if len(row) > 3:
            raise InstallError(f"{where} has a row of {len(row)} fields", context={"path": where})
        if row and row[0]:
            found.append(RecordRow._make((*row, "", "")[:3]))
    return tuple(found)
