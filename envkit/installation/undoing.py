"""What else happened in an environment since its last operation, which taking that back would lose."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from envkit.errors import InstallError
from envkit.installation import state
from envkit.installation.contents import same_content
from envkit.installation.layout import Layout
from envkit.installation.protected import is_bookkeeping
from envkit.installation.verifying import compare
from envkit.installed import record
from envkit.installed.database import scan
from envkit.transaction.transaction import Finished

# An edit this shortly after the operation may carry the operation's own time stamp.
_SLACK_NS = 50_000_000
_SHOWN = 3


def check_unchanged(finished: Finished, layout: Layout) -> None:
    """Raise `InstallError` where distributions came or went, or a folder of the operation has files that are others'."""
    if finished.note is not None and finished.note.decode("ascii", "replace") != state.fingerprint(layout.libraries):
        raise _changed(layout, ())
    folders = [(folder, old) for folder, old in finished.folders if not is_bookkeeping(folder, layout)]
    lost = sorted(_find_lost(folders, finished.since, _recorded(layout)))
    if lost:
        raise _changed(layout, lost)


def _changed(layout: Layout, lost: list[str] | tuple[()]) -> InstallError:
    names = ", ".join(lost[:_SHOWN]) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
    return InstallError(
        f"{layout.root} was changed by something else since the last operation",
        hint=f"it would be lost; move it elsewhere first: {names}" if lost else None,
        context={"root": layout.root, "paths": tuple(lost)},
    )


def _recorded(layout: Layout) -> dict[str, record.RecordRow]:
    """Give the rows of all RECORDs that can be read, by absolute real path."""
    from envkit.installation.removal import absolute

    rows: dict[str, record.RecordRow] = {}
    for distribution in scan(layout.libraries, shadowed=True, brief=True):
        location = os.path.realpath(distribution.location)
        try:
            found = record.read(os.path.join(location, distribution.path.name))
        except InstallError:
            continue
        rows.update((path, row) for row in found if (path := absolute(row.path, location)) is not None)
    return rows


def _find_lost(
    moved: Iterable[tuple[str, str | None]], since: int, recorded: dict[str, record.RecordRow]
) -> Iterator[str]:
    for folder, old in moved:
        for base, folders, names in os.walk(folder):
            if os.path.basename(base) == "__pycache__":
                names = [name for name in names if not name.endswith(".pyc")]  # an import may have written it
            links = [name for name in folders if os.path.islink(os.path.join(base, name))]
            for name in names + links:
                path = os.path.join(base, name)
                before = None if old is None else old + path[len(folder) :]
                if not _is_ours(path, recorded.get(path), since) and not _was_there(path, before):
                    yield path


def _is_ours(path: str, row: record.RecordRow | None, since: int) -> bool:
    """Whether a file is as the operation brought it."""
    if row is None:
        return False
    facts = os.lstat(path)
    if stat.S_ISLNK(facts.st_mode):
        return True
    if facts.st_mtime_ns < since - _SLACK_NS and row.size in ("", str(facts.st_size)):
        return True
    return compare(path, row.hash) == "good"


def _was_there(path: str, before: str | None) -> bool:
    """Whether a file was there before the operation too, and so will be afterwards."""
    if before is None or not os.path.lexists(before):
        return False
    one, two = os.lstat(path), os.lstat(before)
    if (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino):
        return True
    if stat.S_ISLNK(one.st_mode) and stat.S_ISLNK(two.st_mode):
        return os.readlink(path) == os.readlink(before)
    return same_content(path, before)
