"""The text of commands: what starts the interpreter, and what follows.

The text after the first line is made by `installer` when a wheel enters the pool, so installing only puts the first line
before it. On Windows `installer` makes the whole launcher.
"""

from __future__ import annotations

import functools
import os
import re
import shlex

from envkit.model.distribution import ScriptRow

_LONGEST_SHEBANG = 127  # bytes that every kernel reads
_ENDS_PATH = re.compile(rb"[ \t\n\r]")  # for one kernel or another
_PLAIN_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@")
_ENCODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]")


@functools.lru_cache(maxsize=64)
def shebang(python: str) -> bytes:
    """Give the first lines of a script for the interpreter *python*, which may be long or have spaces.

    A bare name is the one in the script's own folder, wherever that is: environments that may be moved have those.
    """
    if not os.path.dirname(python):
        own = b'"$(dirname -- "$(realpath -- "$0")")"/' + os.fsencode(shlex.quote(python))
        return b"#!/bin/sh\n'''exec' " + own + b" \"$0\" \"$@\"\n' '''\n"
    raw = os.fsencode(python)
    if not _ENDS_PATH.search(raw) and len(raw) + 3 <= _LONGEST_SHEBANG and _is_utf8(raw):
        return b"#!" + raw + b"\n"
    if not _is_utf8(raw):
        # Python refuses source with other bytes, in whatever line, so the shell makes them: of octal digits.
        octal = "".join(chr(byte) if byte in _PLAIN_BYTES else f"\\{byte:03o}" for byte in raw)
        return b"#!/bin/sh\n'''exec' \"$(printf '" + octal.encode() + b"')\" \"$0\" \"$@\"\n' '''\n"
    # A shell script that is also a string literal of Python, as `installer` and others write it; quoted like this, neither
    # of them minds a line break. A backslash means the same to both in this form only: what Python takes for an escape
    # would be a syntax error.
    quoted = shlex.quote(python).replace("\\", "'\"\\\\\"'")
    return b"#!/bin/sh\n'''exec' " + os.fsencode(quoted) + b" \"$0\" \"$@\"\n' '''\n"


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def generate(row: ScriptRow, python: str) -> tuple[str, bytes]:
    """Give the file name and the content of a generated command."""
    name, section, module, attribute, text = row
    if os.name != "nt":
        return name, shebang(python) + text
    from installer.scripts import Script
    from installer.utils import get_launcher_kind

    return Script(name, module, attribute, "console" if section == "console" else "gui").generate(
        python, get_launcher_kind()
    )


def rewrite(content: bytes, python: str) -> bytes:
    """Give a script that begins with ``#!python`` with the interpreter's own first line."""
    first, newline, rest = content.partition(b"\n")
    if first.startswith(b"#!pythonw") and os.name == "nt":
        python = python.replace("python.exe", "pythonw.exe")
    if not first.startswith(b"#!python"):
        return content
    start, _, more = shebang(python).partition(b"\n")
    encoding = b""
    if more and _ENCODING.match(rest):  # Python looks for it in two lines (PEP 263), and these are more
        encoding, _, rest = rest.partition(b"\n")
        encoding += b"\n"
    return start + b"\n" + encoding + more + (rest if newline else b"")
