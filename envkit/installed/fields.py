"""Read the few fields of a metadata file that tell what a distribution is, from its head alone."""

from __future__ import annotations

import os
import re

_HEAD = 8192
_MAX_HEAD = 4 << 20
_NAMES = {
    text: name.lower()
    for name in ("Name", "Version", "Requires-Dist", "Requires-Python", "Provides-Extra")
    for text in (name, name.lower())
}
# Most lines are others, and are passed over here, which takes half as long as looking at each.
_FIELD = re.compile(r"\n([NVRPnvrp][AERaer][MRQOmrqo][A-Za-z-]*):(.*)")
_END = rb"\n\r?\n"
_END_OR_FOLD = re.compile(rb"\n(?:\r?(\n)|[ \t])")
# What stands there may be a pipe, which nobody may ever write to.
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_fields(path: str, folder: int | None = None) -> dict[str, list[str]]:
    """Read the head of a metadata file: texts by lower-case field name; empty for a file that is not there.

    *path* is relative to *folder*, a descriptor, if that is given.
    """
    return parse_head(read_head(path, folder) or b"")


def read_head(path: str, folder: int | None = None) -> bytes | None:
    """Give a metadata file up to its first empty line, each field in a line of its own; None where there is none."""
    try:
        descriptor = os.open(path, _FLAGS, dir_fd=folder)
    except OSError:
        return None
    try:
        data = b"\n" + os.read(descriptor, _HEAD)
        first = _END_OR_FOLD.search(data)
        if first is not None and first[1]:  # what most are like: a short head, each field in a line
            return data[: first.start()]
        end = re.search(_END, data)
        while end is None and len(data) < _MAX_HEAD:
            more = os.read(descriptor, 1 << 16)
            if not more:
                break
            data += more
            end = re.search(_END, data)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return re.sub(rb"\r?\n[ \t]+", b" ", data[: end.start()] if end else data)


def parse_head(head: bytes) -> dict[str, list[str]]:
    """Read what `read_head` gave: texts by lower-case field name."""
    text = head.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    fields: dict[str, list[str]] = {}
    for written, value in _FIELD.findall(text):
        name = _NAMES.get(written) or _NAMES.get(written.lower())
        if name is None:
            continue
        if name in fields:
            fields[name].append(value.strip())
        else:
            fields[name] = [value.strip()]
    return fields


def read_start(path: str, limit: int, folder: int | None = None) -> bytes | None:
    """Give the first bytes of a file, None where there is none; without the objects that `open` makes."""
    try:
        descriptor = os.open(path, _FLAGS, dir_fd=folder)
    except OSError:
        return None
    try:
        return os.read(descriptor, limit)
    except OSError:
        return None
    finally:
        os.close(descriptor)
