"""What version control knows of a folder, read from its files.

Nothing is run: a repository's own configuration can make its tools run programs, and freezing must not. Git (with
worktrees, submodules, packed references) and Mercurial are read; Subversion and Bazaar are recognised only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_MAX_BYTES = 4 * 1024 * 1024
_SCP = re.compile(r"^(\w+@)?([^/:]+):(\w[^:]*)$")
_SECTION = re.compile(r'^\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)$')
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A working copy: *kind* as pip names it ("Git", "Mercurial"), *remote* and *revision* None where unknown.

    *remote* is the URL as the repository has it, *invalid* tells that it can be turned into no URL.
    """

    kind: str
    root: str
    remote: str | None = None
    revision: str | None = None
    invalid: bool = False

    def requirement(self, folder: str, project: str) -> str | None:
        """Give what would fetch the same files again (``git+https://...@commit#egg=...``), or None."""
        if self.remote is None or self.revision is None or self.invalid:
            return None
        scheme = {"Git": "git", "Mercurial": "hg"}.get(self.kind)
        if scheme is None:
            return None
        prefix = "" if self.remote.startswith(f"{scheme}+") else f"{scheme}+"
        text = f"{prefix}{self.remote}@{quote(self.revision, '/')}#egg={project.replace('-', '_')}"
        below = _project_below(folder, self.root)
        return f"{text}&subdirectory={below}" if below else text


def find_checkout(folder: str) -> Checkout | None:
    """Give the innermost working copy that holds *folder*, or None. Never raises for what the files hold."""
    current = os.path.abspath(folder)
    while True:
        for name, read in ((".git", _read_git), (".hg", _read_mercurial), (".svn", _read_other), (".bzr", _read_other)):
            if os.path.lexists(os.path.join(current, name)):
                found = read(current, name)
                if found is not None:
                    return found
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent


def _project_below(folder: str, root: str) -> str | None:
    current = os.path.abspath(folder)
    while not any(os.path.isfile(os.path.join(current, name)) for name in ("pyproject.toml", "setup.py")):
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent
    try:
        return None if os.path.samefile(root, current) else os.path.relpath(current, root)
    except OSError:
        return None


def _read_text(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError:
        return None
    return None if len(data) > _MAX_BYTES else data.decode("utf-8", "surrogateescape")


def _read_other(root: str, name: str) -> Checkout | None:
    if not os.path.isdir(os.path.join(root, name)):
        return None
    return Checkout(kind={".svn": "Subversion", ".bzr": "Bazaar"}[name], root=root)


def _read_git(root: str, name: str) -> Checkout | None:
    git_dir = os.path.join(root, name)
    if os.path.isfile(git_dir):  # a worktree or a submodule: one line that names the real folder
        pointer = (_read_text(git_dir) or "").strip()
        if not pointer.startswith("gitdir:"):
            return None
        git_dir = os.path.join(root, pointer[7:].strip())
    head = (_read_text(os.path.join(git_dir, "HEAD")) or "").strip()
    if not head:
        return None
    common = (_read_text(os.path.join(git_dir, "commondir")) or "").strip()
    shared = os.path.join(git_dir, common) if common else git_dir
    revision = _git_revision(git_dir, shared, head)
    remote = _git_remote(_read_text(os.path.join(shared, "config")) or "")
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
        text = _read_text(os.path.join(git_dir, name)) or _read_text(os.path.join(shared, name))
        if text is None:
            packed = _read_text(os.path.join(shared, "packed-refs")) or ""
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
    for line in (_read_text(os.path.join(folder, "hgrc")) or "").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        key, equals, value = line.partition("=")
        if section == "paths" and equals and key.strip() == "default":
            remote = value.strip()
    if remote and os.path.isdir(os.path.join(remote, ".hg")):
        remote = Path(os.path.abspath(remote)).as_uri()
    return Checkout(kind="Mercurial", root=root, remote=remote, revision=revision)
