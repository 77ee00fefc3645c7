"""Find what the removal of distributions takes away, and what of their files has to stay.

Only what is recorded goes, only inside the destinations, only if no other distribution records it too, and only while it
is as it was recorded. The environment is walked from its own folders downwards without following symlinks, so nothing is
reached through one; nothing is imported or run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from envkit.errors import InstallError
from envkit.installation.layout import Layout, inside
from envkit.installation.protected import is_protected, standing_folders
from envkit.installation.walking import Removal, Walker, Wanted
from envkit.installed import record
from envkit.model.distribution import InstalledDistribution

# An edit this shortly after the installation may carry the installation's own time stamp.
_SLACK_NS = 50_000_000


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
    wanted = Wanted()
    for distribution in gone:
        metadata = os.path.join(os.path.realpath(distribution.location), distribution.path.name)
        try:
            _add_recorded(wanted, distribution, layout, attested, removal)
        except InstallError as error:
            if not forget:
                raise _no_record(distribution, metadata) from error
            removal.forgotten.append(f"{distribution.name} {distribution.version}")
            removal.units.append(metadata)
            continue
        if distribution.kind == "dist-info":  # goes as a whole, whatever else was put into it
            removal.units.append(metadata)
    standing = standing_folders(layout)
    tops = [top for top in _tops(wanted, standing) if top not in removal.units]
    _spare_shared(wanted, tops, others, removal)
    walker = Walker(wanted, removal, standing, layout.libraries)
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


def _add_recorded(
    wanted: Wanted,
    distribution: InstalledDistribution,
    layout: Layout,
    attested: Mapping[str, tuple[int, int]],
    removal: Removal,
) -> None:
    """Add what a distribution records; what is among its metadata goes, whatever became of it. Raises `InstallError`."""
    if distribution.kind != "dist-info":
        from envkit.installation.legacy import legacy_files

        for path in legacy_files(distribution, layout, removal.rewritten):
            if not _stays(path, layout, removal):
                folder, name = os.path.split(path)
                wanted.folder(folder, 0)[name] = ""
        return
    location = os.path.realpath(distribution.location)
    info = os.path.join(location, distribution.path.name)
    lines = record.read_lines(info)
    facts = os.lstat(os.path.join(info, "RECORD"))
    settled = facts.st_mtime_ns - _SLACK_NS if attested.get(info) == (facts.st_mtime_ns, facts.st_size) else 0
    top, own, usual = f"{distribution.path.name}/", info + os.sep, os.sep == "/" and location in layout.libraries
    last: str | None = None
    rows: dict[str, str] = {}
    for line in lines:
        path = line.rsplit(",", 2)[0]
        if usual and path[0] not in "./" and "/." not in path and "//" not in path:  # `is_plain`, thousands of times
            inner, _, name = path.rpartition("/")
            if inner != last:
                last, rows = inner, wanted.folder(f"{location}/{inner}" if inner else location, settled)
            if not line.endswith(",,") or name not in rows:  # of two rows the one with a hash says more
                rows[name] = "" if path.startswith(top) else line
            continue
        other = absolute(path, location)
        if other is None:
            removal.left[path] = "outside"
        elif other.startswith(own) or not _stays(other, layout, removal):
            folder, name = os.path.split(other)
            found = wanted.folder(folder, settled)
            if not line.endswith(",,") or name not in found:
                found[name] = "" if other.startswith(own) else line


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


def _tops(wanted: Wanted, standing: frozenset[str]) -> list[str]:
    """Give the files and folders just below standing folders that the wanted files are in."""
    tops: set[str] = set()
    known: set[str] = set()  # folders whose tops are there already
    for folder, names in wanted.folders.items():
        if folder not in standing:
            top = folder
            while top not in known:
                known.add(top)
                above = os.path.dirname(top)
                if above in standing or above == os.path.dirname(above):
                    tops.add(top)
                    break
                top = above
            continue
        for name in names:
            path = os.path.join(folder, name)
            if path not in standing:  # which a row may name, too
                tops.add(path)
            if name.endswith(".py"):  # its bytecode, which may not be recorded
                tops.add(os.path.join(folder, "__pycache__"))
    return sorted(tops)


def _spare_shared(wanted: Wanted, tops: list[str], others: Iterable[InstalledDistribution], removal: Removal) -> None:
    """Take out what other distributions record too. Only rows that could name one of the tops are parsed."""
    names = {os.path.basename(top).encode() for top in tops}
    for other in others:
        if other.kind != "dist-info":
            continue
        location = os.path.realpath(other.location)
        path = os.path.join(location, other.path.name, "RECORD")
        try:
            with open(path, "rb", buffering=0, opener=record.opener) as file:
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
            if shared is None:
                continue
            folder, name = os.path.split(shared)
            if wanted.within(folder).pop(name, None) is not None:
                removal.left[shared] = "shared"
