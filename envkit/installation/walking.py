"""Walk what distributions record, downwards and without following symlinks, and decide what goes as a whole."""

from __future__ import annotations

import errno
import os
import stat

from envkit.dataclass import dataclass, field
from envkit.installation.layout import inside
from envkit.installed import record

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

# What the system answers where a name that somebody recorded leads to nothing.
NOT_THERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP))


@dataclass(slots=True)
class Removal:
    """What goes. Paths are absolute and real.

    *units* are the largest files and folders that go as a whole; *left* are recorded files that stay, with the reason;
    *changed* those of them that were edited or cannot be told to be as recorded, and files in the way that are nobody's;
    *rewritten* are files that lose some lines (``easy-install.pth``); *forgotten* distributions had no record.
    """

    units: list[str] = field(default_factory=list[str])
    left: dict[str, str] = field(default_factory=dict[str, str])
    changed: set[str] = field(default_factory=set[str])
    rewritten: dict[str, bytes] = field(default_factory=dict[str, bytes])
    forgotten: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Wanted:
    """The files to remove, by folder and name. There are thousands, so each has no object of its own.

    *folders* hold RECORD's lines, "" for what is certainly the distribution's; *settled* tells when the files of a folder
    were certainly as recorded, as mtime in ns, 0 for never.
    """

    folders: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    settled: dict[str, int] = field(default_factory=dict[str, int])

    def folder(self, path: str, settled: int) -> dict[str, str]:
        """Give the lines of one folder, to add some that are settled like that."""
        self.settled[path] = min(settled, self.settled.get(path, settled))
        return self.folders.setdefault(path, {})

    def within(self, path: str) -> dict[str, str]:
        """Give the lines of one folder, to read."""
        return self.folders.get(path, {})


class Walker:
    """Walks files and folders just below the *standing* ones, and decides what goes as a whole."""

    def __init__(self, wanted: Wanted, removal: Removal, standing: frozenset[str], libraries: tuple[str, ...]) -> None:
        self._libraries = libraries
        self._wanted = wanted
        self._removal = removal
        self._standing = standing

    def visit_top(self, top: str) -> None:
        """Put what of a file or folder goes into the removal."""
        try:
            facts = os.lstat(top)
        except OSError as error:
            if error.errno in NOT_THERE:
                return
            raise
        if stat.S_ISDIR(facts.st_mode):
            parts = self._visit_folder(top)
            self._removal.units += [top] if parts is None else parts
            return
        folder, name = os.path.split(top)
        row = self._wanted.within(folder).get(name)
        if row is None:
            self._leave_behind(top)
        elif self._goes(folder, name, row, facts):
            self._removal.units.append(top)

    def _visit_folder(self, folder: str) -> list[str] | None:
        """Give None where all of the folder goes, else the parts of it that do."""
        if os.path.basename(folder) == "__pycache__":
            return self._visit_cache(folder)
        names, inner, whole, is_empty = self._visit_files(folder)
        gone: list[str] = []
        for child in inner:
            parts = self._visit_folder(child)
            if parts is None:
                gone.append(child)
            else:
                gone += parts
                whole = False
        if is_empty and not any(inside(folder, library) for library in self._libraries):
            whole = False  # nobody knows whose an empty folder is, outside of libraries
        if whole and folder not in self._standing:
            return None
        return [f"{folder}{os.sep}{name}" for name in names] + gone

    def _visit_files(self, folder: str) -> tuple[list[str], list[str], bool, bool]:
        """Give the names that go, the folders inside (bytecode last), whether all files go, and whether there is nothing."""
        wanted = self._wanted.within(folder)
        settled = self._wanted.settled.get(folder, 0)
        is_file = stat.S_ISREG
        gone: list[str] = []
        inner: list[str] = []
        cache: list[str] = []
        whole = is_empty = True
        # From an open folder the system need not walk the whole path for each file.
        opened = os.open(folder, _FOLDER) if os.scandir in os.supports_fd else None
        try:
            with os.scandir(folder if opened is None else opened) as entries:
                for entry in entries:
                    is_empty = False
                    name = entry.name
                    row = wanted.get(name)
                    if row:  # nearly all: thousands of plain files that are as recorded, judged as `_goes` would
                        facts = entry.stat(follow_symlinks=False)
                        as_recorded = facts.st_mtime_ns < settled and row.endswith(f",{facts.st_size}")
                        if as_recorded and ",," not in row and is_file(facts.st_mode):
                            gone.append(name)
                            continue
                    if entry.is_dir(follow_symlinks=False):
                        (cache if name == "__pycache__" else inner).append(f"{folder}{os.sep}{name}")
                    elif row is not None and self._goes(folder, name, row, entry.stat(follow_symlinks=False)):
                        gone.append(name)
                    else:
                        whole = False
                        if row is None and entry.is_symlink():
                            self._leave_behind(f"{folder}{os.sep}{name}")
        finally:
            if opened is not None:
                os.close(opened)
        return gone, inner + cache, whole, is_empty

    def _visit_cache(self, folder: str) -> list[str] | None:
        """Bytecode goes with its source, recorded or not; also what has no source any more."""
        above = os.path.dirname(folder)
        wanted, sources = self._wanted.within(folder), self._wanted.within(above)
        gone: list[str] = []
        whole = True
        for entry in os.scandir(folder):
            source = entry.name.partition(".")[0] + ".py"
            is_bytecode = entry.name.endswith(".pyc") and not entry.is_dir(follow_symlinks=False)
            is_wanted = entry.name in wanted or source in sources
            if is_bytecode and (is_wanted or not os.path.lexists(os.path.join(above, source))):
                gone.append(entry.path)
            else:
                whole = False
        return None if whole else gone

    def _leave_behind(self, path: str) -> None:
        """Tell of what is recorded below *path*, where a symlink or a file stands in the place of a folder."""
        for folder, names in self._wanted.folders.items():
            if inside(folder, path) is not None:
                places = (f"{folder}{os.sep}{name}" for name in names)
                self._removal.left.update((place, "outside") for place in places if os.path.lexists(place))

    def _goes(self, folder: str, name: str, row: str, facts: os.stat_result) -> bool:
        if not row:
            return True
        _, hashed, size = row.rsplit(",", 2)
        as_recorded = facts.st_mtime_ns < self._wanted.settled[folder] and size == str(facts.st_size)
        if as_recorded and hashed and not stat.S_ISLNK(facts.st_mode):
            return True
        path = f"{folder}{os.sep}{name}"
        reason = _why_not(path, hashed, size, facts)
        if reason is None:
            return True
        self._removal.left[path] = reason
        self._removal.changed.add(path)
        return False


def _why_not(path: str, hashed: str, size: str, facts: os.stat_result) -> str | None:
    """Tell why a recorded file may not be removed, after looking at its content; None where it may."""
    if not hashed:
        return None if path.endswith((".pyc", ".pyo")) else "no-hash"
    if stat.S_ISLNK(facts.st_mode):
        # The symlink is removed, never what it leads to; but only if that is what was recorded.
        try:
            facts = os.stat(path)
        except OSError:
            return None  # it leads nowhere
    if size and size != str(facts.st_size):
        return "changed"
    try:
        return None if record.has_digest(path, hashed) else "changed"
    except (OSError, ValueError):
        return "changed"
