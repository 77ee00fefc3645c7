"""Which names the members of a wheel, its commands and its entry points may have."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.pool_archive import refuse

# What belongs to the environment itself. Commands of these names would be run instead of it.
_ENVIRONMENT_COMMANDS = re.compile(
    r"(?:python|pythonw|pypy|pypy3?|python\d(?:\.\d+)?t?|pypy\d(?:\.\d+)?|activate(?:\.\w+)?|activate_this\.py"
    r"|deactivate(?:\.\w+)?)(?:\.exe)?\Z",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\w(?:[\w.+@ -]{0,198}[\w+])?\Z")
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")
_DRIVE = re.compile(r"[A-Za-z]:")
# What nearly all members are called: no part is special to any system, or longer than all of them take.
_PLAIN = re.compile(r"[a-z0-9_][\w.+@~-]{0,79}(?:/[a-z0-9_][\w.+@~-]{0,79})*\Z", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# There what follows a colon is a stream of the same file, and dots and spaces at the end of a part do not count.
_NOT_ON_WINDOWS = re.compile(r":|[. ](?:/|\Z)")


def check_names(names: Iterable[str], where: str, bounds: ArchiveBounds) -> None:
    """Refuse members that lie outside, or that some file system cannot tell from others. Raises `InvalidWheel`."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        check_path(name, where, bounds)
        key = name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            raise refuse(where, f"and {seen[key]!r} are one file on some file systems", name)
        seen[key] = name
        folder = key.rpartition("/")[0]
        while folder and folder not in folders:
            folders[folder] = name
            folder = folder.rpartition("/")[0]
    for key, name in seen.items():
        if key in folders:
            raise refuse(where, f"is a file and, for {folders[key]!r}, a folder", name)


def check_path(name: str, where: str, bounds: ArchiveBounds) -> None:
    """Refuse one path that is absolute, leads upwards, or has characters that mean something to some system."""
    if os.name == "nt" and _NOT_ON_WINDOWS.search(name):
        raise refuse(where, "is another name on Windows", name)
    if _PLAIN.match(name) and len(name) <= bounds.path and name.count("/") < bounds.depth:
        return
    if not name or name[0] == "/" or _DRIVE.match(name):
        raise refuse(where, "is an absolute path", name)
    if "\\" in name or _CONTROL.search(name):
        raise refuse(where, "has a backslash or a control character in its name", name)
    if len(name) > bounds.path:
        raise refuse(where, f"has a name of more than {bounds.path} characters", name)
    parts = name.split("/")
    if len(parts) > bounds.depth:
        raise refuse(where, f"is nested deeper than {bounds.depth}", name)
    for part in parts:
        if part in ("", ".", ".."):
            raise refuse(where, "leads out of the archive or to nowhere", name)
        if len(part) > 80 and len(os.fsencode(part)) > bounds.component:
            raise refuse(where, f"has a part of more than {bounds.component} bytes in its name", name)


def check_command(name: str, where: str) -> None:
    """Refuse the name of a command that has separators or would stand in for the environment's own."""
    if not _COMMAND.match(name) or ".." in name:
        raise refuse(where, "is not a name for a command", name)
    if _ENVIRONMENT_COMMANDS.match(name):
        raise refuse(where, "is a command of the environment itself", name)


def check_target(module: str, attribute: str, name: str, where: str) -> None:
    """Refuse an entry point that is anything but dotted names: it becomes source code."""
    if not _MODULE.match(module) or not _MODULE.match(attribute):
        shown = f"{module}:{attribute}"[:200]
        raise refuse(where, f"names no importable object: {shown!r}", name)
