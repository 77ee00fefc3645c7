"""Working copies, and those of Subversion and Bazaar read from their files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from envkit.dataclass import dataclass

_MAX_BYTES = 4 * 1024 * 1024
_CONF = re.compile(r"^\s*(bound_location|parent_location|bound)\s*=\s*(.*?)\s*$", re.MULTILINE)


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
        scheme = {"Git": "git", "Mercurial": "hg", "Subversion": "svn", "Bazaar": "bzr"}.get(self.kind)
        if scheme is None:
            return None
        prefix = "" if self.remote.startswith(f"{scheme}+") else f"{scheme}+"
        text = f"{prefix}{self.remote}@{quote(self.revision, '/')}#egg={project.replace('-', '_')}"
        below = _project_below(folder, self.root)
        return f"{text}&subdirectory={below}" if below else text


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


def read_text(path: str) -> str | None:
    """Give the text of a small file of a repository, or None where there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError:
        return None
    return None if len(data) > _MAX_BYTES else data.decode("utf-8", "surrogateescape")


def read_subversion(folder: str) -> Checkout | None:
    """Read the checkout whose top is *folder*: its URL, and the newest revision that any of its entries is at."""
    database = os.path.join(folder, ".svn", "wc.db")
    if not os.path.isdir(os.path.dirname(database)):
        return None
    found = _query(database) if os.path.isfile(database) else None
    if found is None:
        return Checkout(kind="Subversion", root=folder)
    root, path, revision = found
    remote = f"{root}/{quote(path)}" if path else root
    return Checkout(kind="Subversion", root=folder, remote=remote, revision=str(revision))


def _query(database: str) -> tuple[str, str, int] | None:
    import sqlite3
    from contextlib import closing

    place = f"{Path(database).as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(place, uri=True)) as connection:
            top = "select root, repos_path from nodes join repository on repos_id = repository.id where local_relpath = ''"
            row = connection.execute(f"{top} order by op_depth limit 1").fetchone()
            newest = connection.execute(
                "select max(revision) from nodes where kind = 'dir' and op_depth = 0"
            ).fetchone()
    except sqlite3.Error:
        return None
    return (str(row[0]), str(row[1]), int(newest[0])) if row and newest and newest[0] is not None else None


def read_bazaar(folder: str) -> Checkout | None:
    """Read the branch whose top is *folder*: what it is bound to or came from, and the number of its last revision."""
    branch = os.path.join(folder, ".bzr", "branch")
    if not os.path.isdir(os.path.dirname(branch)):
        return None
    values = dict(_CONF.findall(read_text(os.path.join(branch, "branch.conf")) or ""))
    bound = values.get("bound_location") if values.get("bound", "").lower() == "true" else None
    number = (read_text(os.path.join(branch, "last-revision")) or "").partition(" ")[0]
    remote = bound or values.get("parent_location") or None
    return Checkout(kind="Bazaar", root=folder, remote=remote, revision=number if number.isdigit() else None)
