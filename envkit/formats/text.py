"""Bytes of a file from outside to text, bounded."""

from __future__ import annotations

import codecs
import os
import re

from envkit.errors import LockError, RequirementError

MAX_FILE_BYTES = 32 * 1024 * 1024
"""No file of requirements, and no lock, is read beyond this many bytes."""

_BOMS = (  # the order matters: the mark of UTF-16 starts that of UTF-32
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
_CODING = re.compile(rb"coding[:=]\s*([-\w.]{1,40})")


def read_bounded(path: str, *, limit: int = MAX_FILE_BYTES) -> bytes:
    """Read a whole file. Raises `RequirementError` where it is missing, unreadable or larger than *limit* bytes."""
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        cause = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise RequirementError(f"could not open {path}: {cause}", file=path) from error
    if len(data) > limit:
        raise RequirementError(f"{path} is larger than {limit} bytes", file=path)
    return data


def decode_text(data: bytes, file: str) -> str:
    """Decode by byte order mark, else by a coding comment in the first two lines (PEP 263), else as UTF-8.

    Raises `RequirementError`; pip would go on with the encoding of the locale, which makes the meaning of a file depend
    on the machine.
    """
    if len(data) > MAX_FILE_BYTES:
        raise RequirementError(f"{file} is larger than {MAX_FILE_BYTES} bytes", file=file)
    encoding = "utf-8"
    for mark, name in _BOMS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
            break
    else:
        for line in data.split(b"\n", 2)[:2]:
            match = _CODING.search(line[:400]) if line.startswith(b"#") else None
            if match:
                encoding = match[1].decode("ascii", "replace")
                break
    try:
        return codecs.lookup(encoding).decode(data)[0] if _is_text(encoding) else data.decode("utf-8")
    except (UnicodeError, LookupError) as error:
        raise RequirementError(f"{file} cannot be read as {encoding}: {error}", file=file) from error


def _is_text(encoding: str) -> bool:
    # codecs such as "zip" turn bytes into bytes, and a small file into a large one
    return bool(getattr(codecs.lookup(encoding), "_is_text_encoding", True))


def read_lock_bytes(path: str) -> bytes:
    """Read a lock file. Raises `LockError`."""
    try:
        return read_bounded(path)
    except RequirementError as error:
        raise LockError(error.message, context=error.context) from error
