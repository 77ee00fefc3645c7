"""Make what is new beside the environment, ready to be moved in."""

from __future__ import annotations

import base64
import csv
import errno
import functools
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from envkit.host import files
from envkit.host.helping import Job, do_all
from envkit.host.link_worker import FileChanged, compare
from envkit.host.links import Linker, place, unlink_rows
from envkit.host.looking import is_intact
from envkit.installation import scripts
from envkit.installation.contents import Contents, Item, library_of
from envkit.installation.layout import Layout, inside

if TYPE_CHECKING:
    from envkit.host.link_worker import Facts, Row
    from envkit.host.sharing import Job as Links
    from envkit.host.sharing import LinkHelper

_INSTALLER = b"envkit\n"
_WORTH_HELP = 500  # files; a thread has to be started
_ROWS, _FILES = 32, 128  # folders and files that make one job


class Staging:
    """Places the files of *contents* below the stages of the transaction.

    *stage* gives, for an absolute destination folder, where it is staged. ``records`` maps each metadata folder
    (absolute) to mtime (ns) and size of the RECORD that was written for it.
    """

    def __init__(self, contents: Contents, layout: Layout, linker: Linker, stage: Callable[[str], str]) -> None:
        self._contents = contents
        self._layout = layout
        self._linker = linker
        self._stage = stage
        self._made: set[str] = set()
        self._staged: dict[str, str] = {}
        self._python = layout.python
        self._rewritten: dict[tuple[int, str], tuple[str, int]] = {}
        self.records: dict[str, tuple[int, int]] = {}

    def place_files(self, check: Callable[[], object], helper: LinkHelper | None = None) -> None:
        """Make the folders, link what is installed as it is, copy or rewrite scripts, and write what is generated.

        *check* may raise to stop. Raises `FileChanged` for what is not what was unpacked. A *helper* shares the links.
        """
        contents = self._contents
        jobs: list[Job] = []
        rows: dict[tuple[str, str], list[Row]] = {}
        links = 0
        facts = self._facts(shared=helper is not None)
        for folder in sorted(contents.folders):
            for source in contents.folders[folder]:
                number, origin, _ = source
                names = contents.names(source)
                if origin is None or not names:
                    continue
                compared = facts.get(origin)
                if compared is not None and (names is not source[2] or origin in contents.scripts):
                    compare(None, f"{origin}/", source[2], compared)
                    compared = None
                if origin in contents.scripts:
                    jobs += self._place_scripts(number, origin, self.folder(folder), names)
                    continue
                links += len(names)
                (first, inner), (second, outer) = self._split_source(number, origin), self._split_target(folder)
                rows.setdefault((first, second), []).append((inner, outer, names, compared))
        parts = self._make_folders(rows)
        if helper is not None:
            self._share(parts, helper, check, jobs)
            return
        jobs += [functools.partial(self._linker.link_folders, *part) for part in parts]
        do_all(jobs, check, helper=links >= _WORTH_HELP)
        self._write_generated(check)

    def _facts(self, *, shared: bool) -> dict[str, Facts]:
        """Give, by the folders they come from, what files must be that nobody has looked at; all are, unless *shared*."""
        facts: dict[str, Facts] = {}
        for item in self._contents.items:
            if item.looked:
                continue
            wheel, root = item.wheel, os.fspath(item.wheel.root)
            if not shared and not is_intact(root, wheel.groups, wheel.modes):
                raise FileChanged(errno.ESTALE, "the wheel has changed", root)
            if shared:
                for (_, _, folder, _, sizes, mtimes), modes in zip(wheel.groups, wheel.modes, strict=True):
                    facts[f"{root}/{folder}" if folder else root] = (sizes, mtimes, modes)
        return facts

    def _share(
        self, parts: Iterable[Links], helper: LinkHelper, check: Callable[[], object], jobs: Iterable[Job]
    ) -> None:
        for part in parts:
            helper.offer(part)
        link = self._linker.link_folders
        for source, target, rows in helper.share(link, check, (*jobs, lambda: self._write_generated(check))):
            unlink_rows(target, rows)
            link(source, target, rows)

    def _make_folders(self, rows: Mapping[tuple[str, str], list[Row]]) -> Iterator[Links]:
        """Give the links into some folders at a time, once these are made."""
        made: dict[str, set[str]] = {}
        for (first, second), some in rows.items():
            if second not in made:
                self._make(second)
                made[second] = set()
            for part in _parts(some):
                files.make_below(second, [row[1] for row in part if row[1]], made[second])
                self._made.update(f"{second}/{row[1]}" for row in part)
                yield first, second, part

    def _split_source(self, number: int, origin: str) -> tuple[str, str]:
        """Give the unpacked wheel that a folder is in, and the place in it."""
        item = self._contents.items[number]
        for each in (item.wheel, item.compiled):
            root = os.fspath(each.root) if each is not None else origin
            inner = inside(origin, root)
            if inner is not None:
                return root, inner
        return origin, ""

    def _split_target(self, folder: str) -> tuple[str, str]:
        """Give where a destination is staged, and the place of a folder in it."""
        library = self._layout.schemes["purelib"]
        inner = inside(folder, library)
        return (self._stage(library), inner) if inner else (self._stage(folder), "")

    def folder(self, path: str) -> str:
        """Make the staged form of an absolute destination folder, and give it."""
        staged = self._staged.get(path)
        if staged is None:
            staged = self._staged[path] = self._stage(path)
            self._make(staged)
        return staged

    def _make(self, staged: str) -> None:
        if staged not in self._made:
            self._made.add(staged)
            above = os.path.dirname(staged)
            if above not in self._made and not os.path.isdir(above):
                self._make(above)
            files.make_dir(staged)

    def _place_scripts(self, number: int, origin: str, target: str, names: Sequence[str]) -> Iterator[Job]:
        """Write the scripts that name their interpreter; give a job for each other one: some have many megabytes."""
        rewritten = frozenset(self._contents.items[number].wheel.rewritten)
        for name in names:
            if name not in rewritten:
                yield functools.partial(place, f"{origin}/{name}", f"{target}/{name}", "copy")
                continue
            with open(f"{origin}/{name}", "rb") as file:
                content = scripts.rewrite(file.read(), self._python)
            self._rewritten[number, name] = (_hash(content), len(content))
            files.write_bytes(f"{target}/{name}", content, 0o777, exclusive=True)

    def _write_generated(self, check: Callable[[], object]) -> None:
        """Write commands, RECORD and the other files that tell about this installation."""
        for number, item in enumerate(self._contents.items):
            check()
            self._write_item(number, item)

    def _write_item(self, number: int, item: Item) -> None:
        library = library_of(item, self._layout)
        rows: list[tuple[str, str, int]] = []
        if item.wheel.scripts:
            target = self.folder(self._layout.schemes["scripts"])
            for row in item.wheel.scripts:
                name, content = scripts.generate(row, self._python)
                files.write_bytes(f"{target}/{name}", content, 0o777, exclusive=True)
                path = f"{self._layout.schemes['scripts']}/{name}"
                rows.append((_recorded(path, library), _hash(content), len(content)))
        info = self.folder(f"{library}/{item.wheel.dist_info}")
        for name, content in _own_files(item):
            files.write_bytes(f"{info}/{name}", content, exclusive=True)
            rows.append((f"{item.wheel.dist_info}/{name}", _hash(content), len(content)))
        record = self._record(number, item, library, rows)
        files.write_bytes(f"{info}/RECORD", record, exclusive=True)
        facts = os.lstat(f"{info}/RECORD")
        self.records[f"{library}/{item.wheel.dist_info}"] = (facts.st_mtime_ns, facts.st_size)

    def _record(self, number: int, item: Item, library: str, rows: list[tuple[str, str, int]]) -> bytes:
        wheel = item.wheel
        generated = {name for name, *_ in wheel.scripts}
        for scheme, path, hashed, size in wheel.data_rows:
            if scheme == "scripts":
                if path in generated:
                    continue
                hashed, size = self._rewritten.get((number, path), (hashed, size))
            base = self._layout.schemes[scheme]
            if scheme == "headers":
                base = os.path.join(base, wheel.name)
            if scheme == "data":
                inner, _, name = path.rpartition("/")
                base, path = self._layout.data_folder(inner), name
            rows.append((_recorded(f"{base}/{path}", library), hashed, size))
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(rows)
        parts = [wheel.lib_rows, text.getvalue().encode()]
        if item.compiled is not None:
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            for scheme, folder, _, names, _, _ in item.compiled.groups:
                base = "" if scheme == "lib" else _recorded(self._layout.schemes[scheme], library) + "/"
                prefix = f"{base}{folder}/" if folder else base
                writer.writerows((f"{prefix}{name}", "", "") for name in names)
            parts.append(text.getvalue().encode())
        parts.append(f"{wheel.dist_info}/RECORD,,\n".encode())
        return b"".join(parts)


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    """Divide rows into parts of about the same work."""
    part: list[Row] = []
    count = 0
    for row in rows:
        part.append(row)
        count += len(row[2])
        if len(part) == _ROWS or count >= _FILES:
            yield part
            part, count = [], 0
    if part:
        yield part


def _own_files(item: Item) -> list[tuple[str, bytes]]:
    """Give the name and content of the files that tell where a distribution came from, and why it is here."""
    wheel = item.wheel
    facts = {
        "schema": 1,
        "extras": list(item.pin.extras),
        "index": wheel.index,
        "url": wheel.url,
        "filename": wheel.filename,
        "hashes": {"sha256": wheel.sha256},
    }
    found = [("INSTALLER", _INSTALLER), ("envkit.json", json.dumps(facts).encode())]
    if item.requested:
        found.append(("REQUESTED", b""))
    if wheel.origin is not None:
        found.append(("direct_url.json", json.dumps(wheel.origin.to_direct_url()).encode()))
    return found


def _hash(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _recorded(path: str, library: str) -> str:
    """Give a path as RECORD has it: relative to the folder of the metadata folder, with forward slashes."""
    if path.startswith(f"{library}/"):
        return path[len(library) + 1 :]
    folder, name = os.path.split(path)
    return f"{_relative(folder, library)}/{name}"


@functools.lru_cache(maxsize=1024)
def _relative(folder: str, library: str) -> str:
    try:
        return os.path.relpath(folder, library).replace(os.sep, "/")
    except ValueError:  # another drive
        return folder.replace(os.sep, "/")
