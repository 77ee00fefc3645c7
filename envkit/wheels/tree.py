"""Write the members of an archive as a folder, so that none lands outside and none is written through a link.

Links are made last, after every file is in place: no member can be written through one. Where each would lead is
followed by our own rules, on the names inside the archive, so that neither the running interpreter's extraction filter
(PEP 706, CVE-2025-4517) nor the file system's idea of ``..`` is relied upon.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

from envkit.errors import InvalidSource
from envkit.host import files
from envkit.wheels.bounds import ArchiveBounds

_MAX_HOPS = 40
_MAX_MTIME = 1 << 33
_ZIP_EPOCH = 315_619_200.0  # 1980-01-02, UTC: a day later, so that it holds in every time zone
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))]
)


class TreeWriter:
    """Collects the members of one archive into *root*, a new folder that nobody else writes to."""

    def __init__(self, root: str, bounds: ArchiveBounds, *, where: str) -> None:
        self.root = os.path.realpath(root)
        self._bounds = bounds
        self._where = where
        self._dirs: set[tuple[str, ...]] = {()}
        self._files: set[tuple[str, ...]] = set()
        self._symlinks: dict[tuple[str, ...], str] = {}
        self._entries = 0
        self._copied = 0

    def refuse(self, reason: str, member: str | None = None) -> InvalidSource:
        """Give the error for a member that is refused."""
        shown = "" if member is None else f"member {member[:200]!r} "
        return InvalidSource(
            f"{self._where}: {shown}{reason}", context={"archive": self._where, "member": member, "reason": reason}
        )

    def add_dir(self, name: str) -> None:
        """Take a folder."""
        parts = self._parts(name)
        self._make_dirs(parts, name)

    def add_file(self, name: str, chunks: Iterable[bytes], *, executable: bool, mtime: float | None) -> None:
        """Take a regular file. *chunks* is read to its end, whatever happens to it."""
        parts = self._parts(name)
        if not parts:
            raise self.refuse("is a file without a name", name)
        self._make_dirs(parts[:-1], name)
        if parts in self._dirs or parts in self._symlinks:
            raise self.refuse("is there twice, as different things", name)
        path = self._path(parts)
        if parts in self._files:
            self._compare(path, chunks, name)
            return
        try:
            files.write_chunks(path, chunks, 0o755 if executable else 0o644)
        except FileExistsError as error:
            raise self.refuse("is there twice for a file system that does not tell the names apart", name) from error
        self._files.add(parts)
        if mtime is not None and 0 <= mtime < _MAX_MTIME:
            # make(1) compares them, so builds rely on their order; wheels are zip files, which begin in 1980.
            os.utime(path, (max(mtime, _ZIP_EPOCH), max(mtime, _ZIP_EPOCH)))

    def add_symlink(self, name: str, target: str) -> None:
        """Take a symlink; it is made by `finish`."""
        parts = self._parts(name)
        self._make_dirs(parts[:-1], name)
        if parts in self._dirs or parts in self._files or self._symlinks.get(parts, target) != target:
            raise self.refuse("is there twice, as different things", name)
        if not target or "\0" in target or "\\" in target or len(os.fsencode(target)) > self._bounds.path:
            raise self.refuse("is a link to an impossible name", name)
        if target.startswith("/") or ":" in target.split("/", 1)[0]:
            raise self.refuse("is a link to an absolute path", name)
        self._symlinks[parts] = target

    def add_hardlink(self, name: str, target: str) -> None:
        """Take a hard link to an earlier file of the archive; it becomes a copy, whose size counts."""
        source = self._parts(target)
        if source not in self._files:
            raise self.refuse(f"is a link to {target[:200]!r}, which is no earlier file of the archive", name)
        path = self._path(source)
        info = os.stat(path)
        self._copied += info.st_size
        if self._copied > self._bounds.total:
            raise self.refuse(f"makes the unpacked archive larger than {self._bounds.total} bytes", name)
        with open(path, "rb") as stream:
            chunks = iter(lambda: stream.read(1 << 20), b"")
            self.add_file(name, chunks, executable=bool(info.st_mode & 0o100), mtime=info.st_mtime)

    def finish(self) -> None:
        """Make the links, each of which must lead to a place inside."""
        for parts in self._symlinks:
            self._follow(parts)
        for parts, target in self._symlinks.items():
            try:
                files.symlink(target, self._path(parts))
            except FileExistsError as error:
                raise self.refuse("is there twice", "/".join(parts)) from error

    def top(self) -> str:
        """Give the one folder at the top that holds everything else, or the root without such a one."""
        tops = {parts[0] for parts in (*self._dirs, *self._files, *self._symlinks) if parts}
        if len(tops) == 1 and (only := (*tops,)) in self._dirs:
            return self._path(only)
        return self.root

    def _parts(self, name: str) -> tuple[str, ...]:
        self._entries += 1
        if self._entries > self._bounds.entries:
            raise self.refuse(f"has more than {self._bounds.entries} members")
        return check_member_name(name, self._bounds, lambda reason: self.refuse(reason, name))

    def _path(self, parts: tuple[str, ...]) -> str:
        return os.path.join(self.root, *parts)

    def _make_dirs(self, parts: tuple[str, ...], member: str) -> None:
        if parts in self._dirs:
            return
        self._make_dirs(parts[:-1], member)
        if parts in self._files or parts in self._symlinks:
            raise self.refuse("lies below a file or a link", member)
        path = self._path(parts)
        with suppress(FileExistsError):  # only a twin for the file system; the next line tells
            files.make_dir(path, 0o755, exist_ok=False)
        if not stat.S_ISDIR(os.lstat(path).st_mode):  # the parent is known to be a real folder inside
            raise self.refuse("would land outside of the folder", member)
        self._dirs.add(parts)

    def _compare(self, path: str, chunks: Iterable[bytes], name: str) -> None:
        with open(path, "rb") as stream:
            same = all(stream.read(len(chunk)) == chunk for chunk in chunks) and not stream.read(1)
        if not same:
            raise self.refuse("is there twice with different content", name)

    def _follow(self, start: tuple[str, ...]) -> None:
        """Resolve a link as a kernel would, on the archive's own names, and refuse one that leads outside."""
        name = "/".join(start)
        place: list[str] = []
        todo: list[str] = list(reversed(start))
        hops = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not place:
                    raise self.refuse("is a link that leads outside", name)
                place.pop()
                continue
            place.append(part)
            target = self._symlinks.get(tuple(place))
            if target is not None:
                hops += 1
                if hops > _MAX_HOPS:
                    raise self.refuse("is a link that leads nowhere", name)
                place.pop()
                todo.extend(reversed(target.split("/")))
        if not place:
            raise self.refuse("is a link to the whole archive", name)


def check_member_name(name: str, bounds: ArchiveBounds, refuse: Callable[[str], InvalidSource]) -> tuple[str, ...]:
    """Give the parts of a member's name; what *refuse* gives is raised for one that cannot be a place inside."""
    if "\0" in name or any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise refuse("has control characters in its name")
    if "\\" in name:
        raise refuse("has a backslash in its name")
    if name.startswith("/") or name[1:2] == ":":
        raise refuse("has an absolute name")
    if len(os.fsencode(name)) > bounds.path:
        raise refuse(f"has a name longer than {bounds.path} bytes")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if len(parts) > bounds.depth:
        raise refuse(f"lies deeper than {bounds.depth} folders")
    for part in parts:
        if part == "..":
            raise refuse("climbs out of its folder")
        if len(os.fsencode(part)) > bounds.component:
            raise refuse(f"has a part longer than {bounds.component} bytes")
        if sys.platform == "win32" and _is_odd_on_windows(part):
            raise refuse("has a name that means something else on Windows")
    return parts


def _is_odd_on_windows(part: str) -> bool:
    return part[-1] in ". " or ":" in part or part.partition(".")[0].strip().lower() in _WINDOWS_DEVICES
