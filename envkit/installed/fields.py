"""Read the few fields of a metadata file that tell what a distribution is, from its head alone."""

from __future__ import annotations

import os
import re

_HEAD = 8192
_MAX_HEAD = 4 << 20
_WANTED = re.compile(
    rb"^(name|version|requires-dist|requires-python|provides-extra):[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)",
    re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(rb"\n\r?\n")


def read_fields(path: str) -> dict[bytes, list[str]]:
    """Read the head of a metadata file: texts by lower-case field name; empty for a file that is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return {}
    try:
        data = os.read(descriptor, _HEAD)
        end = _END.search(data)
        while end is None and len(data) < _MAX_HEAD:
            more = os.read(descriptor, 1 << 16)
            if not more:
                break
            data += more
            end = _END.search(data)
    except OSError:
        return {}
    finally:
        os.close(descriptor)
    fields: dict[bytes, list[str]] = {}
    for key, value in _WANTED.findall(data, 0, end.start() if end else len(data)):
        text = value.decode("utf-8", "replace").strip()
        if "\n" in text:
            text = " ".join(text.split())
        fields.setdefault(key.lower(), []).append(text)
    return fields
