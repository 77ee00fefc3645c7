"""Find what the removal of distributions takes away, and what of their files has to stay.

Only what is recorded goes, only inside the destinations, only if no other distribution records it too, and only while it
is as it was recorded. The environment is walked from its own folders downwards without following symlinks, so nothing is
reached through one; nothing is imported or run.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from envkit.errors import InstallError
from envkit.installation.layout import Layout, inside
from envkit.installation.protected import is_protected, standing_folders
from envkit.installed import record
from envkit.model.distribution import InstalledDistribution

# An edit this shortly after the installation may carry the installation's own time stamp.
_SLACK_NS = 50_000_000


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


# What is known of one file to remove: (hash field, size field, settled, own). *settled* is when it was certainly as
# recorded, as mtime in ns, 0 for never; *own* marks the distribution's metadata. Plain tuples: there are thousands.
_Recorded: TypeAlias = tuple[str, str, int, bool]


def find_removal(
    gone: Iterable[InstalledDistribution],
    others: Iterable[InstalledDistribution],
    layout: Layout,
    attested: Mapping[str, tuple[int, int]],
    *,
    forget: bool = False,
) -> Removal:
    """Find what the removal of the distributions *gone* takes away while *others* stay.

    *attested* maps metadata folders to mtime (ns) and size of the RECORD that we wrote there. Raises `InstallError`
    where a distribution has no record of its files, unless *forget*: then its metadata goes, and its files are nobody's.
    """
    removal = Removal()
    wanted: dict[str, _Recorded] = {}
    for distribution in gone:
        metadata = os.path.join(os.path.realpath(distribution.location), distribution.path.name)
        try:
            wanted.update(_recorded_files(distribution, layout, attested, removal))
        except InstallError as error:
            if not forget:
                raise _no_record(distribution, metadata) from error
            removal.forgotten.append(f"{distribution.name} {distribution.version}")
            removal.units.append(metadata)
            continue
        if distribution.kind == "dist-info":  # goes as a whole, whatever else was put into it
            removal.units.append(metadata)
    standing = standing_folders(layout)
    tops = [top for top in _tops(wanted, standing, layout.libraries) if top not in removal.units]
    _spare_shared(wanted, tops, others, removal)
    walker = _Walker(wanted, removal, standing, layout.libraries)
    for top in tops:
        walker.visit_top(top)
    return removal


def _no_record(distribution: InstalledDistribution, path: str) -> InstallError:
    return InstallError(
        f"{distribution.name} {distribution.version} has no record of its files that can be read",
        hint="whatever installed it (distutils, the system's package manager) must remove it, or install it again first; "
        "without_record='forget' (of Kit and Installer) removes its metadata and leaves its files",
        context={"name": distribution.name, "version": distribution.version, "path": path},
    )


def _recorded_files(
    distribution: InstalledDistribution, layout: Layout, attested: Mapping[str, tuple[int, int]], removal: Removal
) -> Iterable[tuple[str, _Recorded]]:
    if distribution.kind != "dist-info":
        from envkit.installation.legacy import legacy_files

        for path in legacy_files(distribution, layout, removal.rewritten):
            if not _stays(path, layout, removal):
                yield path, ("", "", 0, True)
        return
    location = os.path.realpath(distribution.location)
    info = os.path.join(location, distribution.path.name)
    rows = record.read(info)
    facts = os.lstat(os.path.join(info, "RECORD"))
    settled = facts.st_mtime_ns - _SLACK_NS if attested.get(info) == (facts.st_mtime_ns, facts.st_size) else 0
    info_prefix = info + os.sep
    in_library = location in layout.libraries
    for path, hashed, size in rows:
        if in_library and is_plain(path):
            place = f"{location}{os.sep}{path}"
            yield place, (hashed, size, settled, place.startswith(info_prefix))
            continue
        other = absolute(path, location)
        if other is None:
            removal.left[path] = "outside"
        elif other.startswith(info_prefix) or not _stays(other, layout, removal):
            yield other, (hashed, size, settled, other.startswith(info_prefix))


def _stays(path: str, layout: Layout, removal: Removal) -> bool:
    if not any(inside(path, base) for base in (layout.root, *layout.schemes.values())):
        removal.left[path] = "outside"
        return True
    if is_protected(path, layout):
        removal.left[path] = "protected"
        return True
    return False


def is_plain(path: str) -> bool:
    """Whether a recorded path can be joined as it is: it goes downwards only. Never so where separators differ."""
    return os.sep == "/" and path[0] not in "./" and "/." not in path and "//" not in path


def absolute(path: str, location: str) -> str | None:
    """Give the place of a recorded path, by its components alone; None for one that is no path."""
    if not path or "\0" in path:
        return None
    if is_plain(path):
        return f"{location}{os.sep}{path}"
    return os.path.normpath(os.path.join(location, path))


def _tops(wanted: Mapping[str, _Recorded], standing: frozenset[str], libraries: tuple[str, ...]) -> list[str]:
    """Give the files and folders just below standing folders that the wanted files are in."""
    tops: dict[str, None] = {}
    known: dict[str, str | None] = {}
    first = f"{libraries[0]}{os.sep}"
    # A destination inside a library (never so in an environment) would need the long way round.
    is_usual = not any(each.startswith(first) for each in standing)
    for path in wanted:
        if is_usual and path.startswith(first):  # nearly all, so without looking at every folder
            name, separator, _ = path[len(first) :].partition(os.sep)
            tops[first + name] = None
            if not separator and name.endswith(".py"):
                tops[f"{first}__pycache__"] = None
            continue
        folder = os.path.dirname(path)
        top: str | None
        if folder in known:
            top = known[folder]
        else:
            top = None
            above: str = folder
            while above not in standing and above != os.path.dirname(above):
                top, above = above, os.path.dirname(above)
            known[folder] = top
        tops[path if top is None else top] = None
        if top is None and path.endswith(".py"):  # its bytecode, which may not be recorded
            tops[os.path.join(folder, "__pycache__")] = None
    return sorted(tops)


def _spare_shared(
    wanted: dict[str, _Recorded], tops: list[str], others: Iterable[InstalledDistribution], removal: Removal
) -> None:
    """Take out what other distributions record too. Only rows that could name one of the tops are parsed."""
    names = {os.path.basename(top).encode() for top in tops}
    for other in others:
        if other.kind != "dist-info":
            continue
        location = os.path.realpath(other.location)
        path = os.path.join(location, other.path.name, "RECORD")
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.read()
        except OSError:
            continue
        hits = [name for name in names if name in data]
        if not hits:
            continue
        lines = [line for line in data.split(b"\n") if any(hit in line for hit in hits)]
        try:
            rows = record.parse(b"\n".join(lines), where=path)
        except InstallError:
            continue
        for row in rows:
            shared = absolute(row.path, location)
            if shared is not None and shared in wanted:
                del wanted[shared]
                removal.left[shared] = "shared"


class _Walker:
    """Walks the tops and decides what goes as a whole."""

    def __init__(
        self, wanted: Mapping[str, _Recorded], removal: Removal, standing: frozenset[str], libraries: tuple[str, ...]
    ) -> None:
        self._libraries = libraries
        self._wanted = wanted
        self._removal = removal
        self._standing = standing

    def visit_top(self, top: str) -> None:
        try:
            facts = os.lstat(top)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(facts.st_mode):
            parts = self._visit_folder(top)
            self._removal.units += [top] if parts is None else parts
        elif self._goes(top, facts):
            self._removal.units.append(top)

    def _visit_folder(self, folder: str) -> list[str] | None:
        """Give None where all of the folder goes, else the parts of it that do."""
        if os.path.basename(folder) == "__pycache__":
            return self._visit_cache(folder)
        gone: list[str] = []
        whole = True
        entries = list(os.scandir(folder))
        caches = [entry for entry in entries if entry.name == "__pycache__"]
        for entry in [entry for entry in entries if entry.name != "__pycache__"] + caches:
            if entry.is_dir(follow_symlinks=False):
                parts = self._visit_folder(entry.path)
                if parts is None:
                    gone.append(entry.path)
                else:
                    gone += parts
                    whole = False
            elif entry.path not in self._wanted:
                whole = False
            elif self._goes(entry.path, entry.stat(follow_symlinks=False)):
                gone.append(entry.path)
            else:
                whole = False
        if not entries and not any(inside(folder, library) for library in self._libraries):
            whole = False  # nobody knows whose an empty folder is, outside of libraries
        return None if whole and folder not in self._standing else gone

    def _visit_cache(self, folder: str) -> list[str] | None:
        """Bytecode goes with its source, recorded or not; also what has no source any more."""
        above = os.path.dirname(folder)
        gone: list[str] = []
        whole = True
        for entry in os.scandir(folder):
            source = os.path.join(above, entry.name.partition(".")[0] + ".py")
            is_bytecode = entry.name.endswith(".pyc") and not entry.is_dir(follow_symlinks=False)
            is_wanted = entry.path in self._wanted or source in self._wanted
            if is_bytecode and (is_wanted or not os.path.lexists(source)):
                gone.append(entry.path)
            else:
                whole = False
        return None if whole else gone

    def _goes(self, path: str, facts: os.stat_result) -> bool:
        recorded = self._wanted.get(path)
        if recorded is None:
            return False
        reason = _why_not(path, recorded, facts)
        if reason is None:
            return True
        self._removal.left[path] = reason
        self._removal.changed.add(path)
        return False


def _why_not(path: str, recorded: _Recorded, facts: os.stat_result) -> str | None:
    """Tell why a recorded file may not be removed; None where it may."""
    hashed, size, settled, own = recorded
    if own:  # the metadata folder is the distribution's, whatever became of what is in it
        return None
    if not hashed:
        return None if path.endswith((".pyc", ".pyo")) else "no-hash"
    if stat.S_ISLNK(facts.st_mode):
        # The symlink is removed, never what it leads to; but only if that is what was recorded.
        try:
            facts = os.stat(path)
        except OSError:
            return None  # it leads nowhere
    elif facts.st_mtime_ns < settled and size == str(facts.st_size):
        return None
    if size and size != str(facts.st_size):
        return "changed"
    algorithm, _, value = hashed.partition("=")
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, algorithm).digest()
    except (OSError, ValueError):
        return "changed"
    return None if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == value.rstrip("=") else "changed"
