"""Tell by content whether a local folder would be built to the same wheel again."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat
from collections.abc import Iterator

from envkit.cache import Bucket

MAX_FILES = 50_000
_SETTLED = 2.0
"""Seconds: a file changed later than this before we look may change again without its time telling."""


def folder_identity(
    root: str, *, inputs: tuple[str, ...], ignored: tuple[str, ...], memo: Bucket, now: float
) -> str | None:
    """Give a digest of names, modes and content of the files that a build of *root* may read.

    *inputs* and *ignored* are globs on paths below *root* (``**`` spans folders; one without a slash means a name in any
    folder, a leading slash the folder itself). What git would call the version is part of it. None where there are more
    than `MAX_FILES`. Content is read again only where sizes or times differ from those noted in *memo*; *now* is the time
    in seconds.
    """
    names = list(_files(root, _Globs(inputs), _Globs(ignored)))
    if len(names) > MAX_FILES:
        return None
    stamp, newest = hashlib.sha256(os.fsencode(root)), 0.0
    for name in names:
        status = os.lstat(os.path.join(root, name))
        newest = max(newest, status.st_mtime, status.st_ctime)
        facts = (name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode)
        stamp.update(repr(facts).encode("utf-8", "surrogateescape"))
    for text in _version_state(root):
        stamp.update(text)
    key = f"folder-{stamp.hexdigest()}"
    known = memo.get(key) if newest < now - _SETTLED else None
    if known is not None:
        return known.decode()
    content = hashlib.sha256()
    for name in names:
        content.update(_content(os.path.join(root, name), name))
    for text in _version_state(root):
        content.update(text)
    identity = content.hexdigest()
    if newest < now - _SETTLED:
        memo.put(key, identity.encode())
    return identity


def _files(root: str, inputs: _Globs, ignored: _Globs) -> Iterator[str]:
    count = 0
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(os.path.join(root, folder)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if ignored.match(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(name)
            elif inputs.match(name) and (entry.is_file() or entry.is_symlink()):
                yield name
                count += 1
                if count > MAX_FILES:
                    return


def _content(path: str, name: str) -> bytes:
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape"))
    status = os.lstat(path)
    digest.update(b"x" if status.st_mode & 0o100 else b"-")
    if stat.S_ISLNK(status.st_mode):
        digest.update(b"link " + os.fsencode(os.readlink(path)))
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    except OSError:
        digest.update(b"unreadable")
    return digest.digest()


def _version_state(root: str) -> Iterator[bytes]:
    """Give what tools that take the version from git look at: the commit and the tags, as files tell them."""
    folder = root
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
    base = os.path.join(folder, ".git")
    if not os.path.isdir(base):
        pointer = _read(base).decode("utf-8", "replace").removeprefix("gitdir:").strip()
        base = os.path.join(folder, pointer)
    head = _read(os.path.join(base, "HEAD"))
    yield head
    common = os.path.join(base, _read(os.path.join(base, "commondir")).decode("utf-8", "replace").strip() or ".")
    yield _read(os.path.join(common, "packed-refs"))
    if head.startswith(b"ref: "):
        yield _read(os.path.join(common, os.path.normpath(head[5:].decode("utf-8", "replace").strip())))
    for below, _, names in sorted(os.walk(os.path.join(common, "refs", "tags"))):
        for name in sorted(names):
            yield name.encode("utf-8", "surrogateescape") + _read(os.path.join(below, name))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(16 * 1024 * 1024)
    except OSError:
        return b""


class _Globs:
    """Globs as one expression, matched against paths with forward slashes."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._expression = re.compile("|".join(map(_translate, patterns)) or r"(?!)")

    def match(self, name: str) -> bool:
        return self._expression.fullmatch(name) is not None


def _translate(pattern: str) -> str:
    anchored = "/" in pattern
    parts: list[str] = []
    for part in pattern.strip("/").split("/"):
        if part == "**":
            parts.append("(?:.*)")
        else:
            inner = fnmatch.translate(part).removeprefix("(?s:").removesuffix(")\\Z")
            parts.append(inner.replace(".*", "[^/]*"))
    expression = "/".join(parts).replace("(?:.*)/", "(?:.*/)?")
    return expression if anchored or pattern == "**" else f"(?:.*/)?{expression}"
