"""Read the few fields of a metadata file that tell what a distribution is, from its head alone."""

from __future__ import annotations

import os
import re

_HEAD = 8192
_MAX_HEAD = 4 << 20
_WANTED = re.compile(
    # what comes before the names lets the search pass over most lines at once
    rb"\n(?=[NVRP])(name|version|requires-(?:dist|python)|provides-extra):[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)",
    re.IGNORECASE,
)
_END = re.compile(rb"\n\r?\n")
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_fields(path: str) -> dict[bytes, list[str]]:
    """Read the head of a metadata file: texts by lower-case field name; empty for a file that is not there."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return {}
    try:
        data = b"\n" + os.read(descriptor, _HEAD)
        end = _END.search(data, 1)
        while end is None and len(data) < _MAX_HEAD:
            more = os.read(descriptor, 1 << 16)
            if not more:
                break
            data += more
            end = _END.search(data, 1)
    except OSError:
        return {}
    finally:
        os.close(descriptor)
    fields: dict[bytes, list[str]] = {}
    for key, value in _WANTED.findall(data, 0, end.start() if end else len(data)):
        text = value.decode("utf-8", "replace").strip()
        if "\n" in text:
            text = " ".join(text.split())
        key = key.lower()
        if key in fields:
            fields[key].append(text)
        else:
            fields[key] = [text]
    return fields


def read_start(path: str, limit: int) -> bytes | None:
    """Give the first bytes of a file, None where there is none; without the objects that `open` makes."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        return os.read(descriptor, limit)
    except OSError:
        return None
    finally:
        os.close(descriptor)
