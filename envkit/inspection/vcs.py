"""What version control knows of a folder, read from its files.

Nothing is run: a repository's own configuration can make its tools run programs, and freezing must not. Git is read with
worktrees, submodules and packed references; of Subversion and Bazaar only the top of a checkout counts, as in pip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from envkit.inspection.checkouts import Checkout, read_bazaar, read_subversion, read_text

_SCP = re.compile(r"^(\w+@)?([^/:]+):(\w[^:]*)$")
_SECTION = re.compile(r'^\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)$')
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def find_checkout(folder: str) -> Checkout | None:
    """Give the innermost working copy that holds *folder*, or None. Never raises for what the files hold."""
    current = os.path.abspath(folder)
    found = read_subversion(current) or read_bazaar(current)
    if found is not None:
        return found
    while True:
        for name, read in ((".git", _read_git), (".hg", _read_mercurial)):
            if os.path.lexists(os.path.join(current, name)):
                found = read(current, name)
                if found is not None:
                    return found
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent


def _read_git(root: str, name: str) -> Checkout | None:
    git_dir = os.path.join(root, name)
    if os.path.isfile(git_dir):  # a worktree or a submodule: one line that names the real folder
        pointer = (read_text(git_dir) or "").strip()
        if not pointer.startswith("gitdir:"):
            return None
        git_dir = os.path.join(root, pointer[7:].strip())
    head = (read_text(os.path.join(git_dir, "HEAD")) or "").strip()
    if not head:
        return None
    common = (read_text(os.path.join(git_dir, "commondir")) or "").strip()
    shared = os.path.join(git_dir, common) if common else git_dir
    revision = _git_revision(git_dir, shared, head)
    remote = _git_remote(read_text(os.path.join(shared, "config")) or "")
    if remote is None:
        return Checkout(kind="Git", root=root, revision=revision)
    url = _git_url(remote)
    return Checkout(kind="Git", root=root, remote=url or remote, revision=revision, invalid=url is None)


def _git_revision(git_dir: str, shared: str, head: str) -> str | None:
    for _ in range(6):  # a symbolic reference may point to another; git itself gives up after five
        if _HEX.fullmatch(head):
            return head
        if not head.startswith("ref:"):
            return None
        name = head[4:].strip()
        if name.startswith("/") or ".." in name.split("/"):
            return None
        text = read_text(os.path.join(git_dir, name)) or read_text(os.path.join(shared, name))
        if text is None:
            packed = read_text(os.path.join(shared, "packed-refs")) or ""
            rows = (line.partition(" ") for line in packed.splitlines())
            return next((commit for commit, _, what in rows if what == name and _HEX.fullmatch(commit)), None)
        head = text.strip()
    return None


def _git_remote(config: str) -> str | None:
    remotes = list(_git_remotes(config))
    return next((url for name, url in remotes if name == "origin"), remotes[0][1] if remotes else None)


def _git_remotes(config: str) -> Iterator[tuple[str, str]]:
    section = name = ""
    for line in config.splitlines():
        line = line.strip()
        match = _SECTION.match(line)
        if match:
            section, name, line = match[1].lower(), match[2] or "", match[3]
        key, equals, value = line.partition("=")
        if section == "remote" and equals and key.strip().lower() == "url":
            value = value.strip()
            if value.startswith('"') and value.endswith('"') and len(value) > 1:
                value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
            yield name, value


def _git_url(url: str) -> str | None:
    if re.match(r"\w+://", url):
        return url
    if os.path.exists(url):
        return Path(os.path.abspath(url)).as_uri()
    match = _SCP.match(url)
    return f"ssh://{match[1] or ''}{match[2]}/{match[3]}" if match else None


def _read_mercurial(root: str, name: str) -> Checkout | None:
    folder = os.path.join(root, name)
    if not os.path.isdir(folder):
        return None
    try:
        with open(os.path.join(folder, "dirstate"), "rb") as file:
            start = file.read(64)
    except OSError:
        start = b""
    if start.startswith(b"dirstate-v2\n"):
        start = start[12:]
    revision = start[:20].hex() if len(start) >= 20 and any(start[:20]) else "0" * 40
    remote = None
    section = ""
    for line in (read_text(os.path.join(folder, "hgrc")) or "").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        key, equals, value = line.partition("=")
        if section == "paths" and equals and key.strip() == "default":
            remote = value.strip()
    if remote and os.path.isdir(os.path.join(remote, ".hg")):
        remote = Path(os.path.abspath(remote)).as_uri()
    return Checkout(kind="Mercurial", root=root, remote=remote, revision=revision)
