"""Read RECORD: which files an installed distribution consists of."""

from __future__ import annotations

import csv
import operator
import os
from typing import NamedTuple

from envkit.errors import InstallError

MAX_RECORD_BYTES = 256 * 1024 * 1024
_FIRST = operator.itemgetter(0)


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
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise InstallError(f"{path} cannot be read: {error.strerror}", context={"path": path}) from error
    if len(data) > MAX_RECORD_BYTES:
        raise InstallError(f"{path} is larger than {MAX_RECORD_BYTES} bytes", context={"path": path})
    return parse(data, where=path)


def parse(data: bytes, *, where: str = "RECORD") -> tuple[RecordRow, ...]:
    """Read the content of a RECORD. Raises `InstallError`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InstallError(f"{where} is not UTF-8", context={"path": where}) from error
    if "\0" in text:
        raise InstallError(f"{where} has a NUL", context={"path": where})
    try:
        if '"' in text:
            rows = list(csv.reader(text.splitlines()))
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
