"""All files that an installation brings, where they go, and whether its wheels agree about that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeAlias

from envkit.dataclass import dataclass, field
from envkit.errors import FileConflict
from envkit.installation.layout import Layout
from envkit.model.distribution import CompiledWheel, Group, LocalWheel
from envkit.model.resolution import Pin

# One folder's worth of files to place: (number of the item, folder they come from, their names); no folder means that
# they are generated.
Source: TypeAlias = tuple[int, str | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One wheel to install, with the pin that it is for; *looked* says that its files are as they were unpacked."""

    pin: Pin
    wheel: LocalWheel
    requested: bool
    compiled: CompiledWheel | None = None
    looked: bool = True


@dataclass(slots=True)
class Contents:
    """What will be there: for each destination folder (absolute, real) the sources of its files.

    *children* are the folders directly inside each folder; *skipped* are files that are there already with the same
    content, or that two wheels share, and are placed once. *scripts* are the sources that are copied, never linked.
    """

    items: Sequence[Item]
    folders: dict[str, list[Source]] = field(default_factory=dict[str, list[Source]])
    children: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    skipped: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    scripts: set[str] = field(default_factory=set[str])

    def names(self, source: Source) -> Sequence[str]:
        """Give the names of a source that are really placed."""
        skipped = self.skipped.get(source[1]) if source[1] is not None else None
        return [name for name in source[2] if name not in skipped] if skipped else source[2]


def library_of(item: Item, layout: Layout) -> str:
    """Give the folder that a wheel's own files and its metadata go to."""
    return layout.schemes["purelib" if item.wheel.root_is_purelib else "platlib"]


def destination(item: Item, group: Group, layout: Layout) -> str:
    """Give the folder that a group of files goes to."""
    scheme, folder = group[0], group[1]
    if scheme == "lib":
        base = library_of(item, layout)
    elif scheme == "headers":
        base = os.path.join(layout.schemes["headers"], item.wheel.name)
    elif scheme == "data":
        return layout.data_folder(folder)
    else:
        base = layout.schemes[scheme]
    return f"{base}/{folder}" if folder else base


def generated_names(item: Item) -> tuple[str, ...]:
    """Give the names of what is written into the metadata folder."""
    names = ["INSTALLER", "RECORD", "envkit.json"]
    if item.requested:
        names.append("REQUESTED")
    if item.wheel.origin is not None:
        names.append("direct_url.json")
    return tuple(names)


def collect(items: Sequence[Item], layout: Layout) -> Contents:
    """Lay out all files of *items*. Raises `FileConflict` where two of them disagree about a place."""
    contents = Contents(items)
    standing = frozenset((layout.root, *layout.schemes.values()))
    _join(contents, layout)
    for number, item in enumerate(items):
        root = os.fspath(item.wheel.root)
        for group in item.wheel.groups:
            source = f"{root}/{group[2]}" if group[2] else root
            if group[0] == "scripts":
                contents.scripts.add(source)
            _add(contents, destination(item, group, layout), (number, source, group[3]), standing)
        if item.compiled is not None:
            compiled = os.fspath(item.compiled.root)
            for group in item.compiled.groups:
                _add(contents, destination(item, group, layout), (number, f"{compiled}/{group[2]}", group[3]), standing)
        info = f"{library_of(item, layout)}/{item.wheel.dist_info}"
        _add(contents, info, (number, None, generated_names(item)), standing)
        if item.wheel.scripts:
            names = tuple(_script_name(row[0]) for row in item.wheel.scripts)
            _add(contents, layout.schemes["scripts"], (number, None, names), standing)
    for folder, sources in contents.folders.items():
        if len(sources) > 1:
            _settle(contents, folder, sources)
        for child in contents.children.get(folder, ()):
            name = child[len(folder) + 1 :]
            for number, _, names in sources:
                if name in names:
                    raise _conflict(contents, child, number, None)
    return contents


def _join(contents: Contents, layout: Layout) -> None:
    """Let the destinations be reached from the places that they are in."""
    for path in layout.schemes.values():
        base = layout.locate(path)[0]
        while path != base:
            above: str = os.path.dirname(path)
            contents.children.setdefault(above, set()).add(path)
            path = above


def _script_name(name: str) -> str:
    return name if os.name != "nt" else f"{name}.exe"


def _add(contents: Contents, folder: str, source: Source, standing: frozenset[str]) -> None:
    sources = contents.folders.get(folder)
    if sources is not None:
        sources.append(source)
        return
    contents.folders[folder] = [source]
    while folder not in standing:
        above = folder.rpartition("/")[0]
        known = above in contents.children
        contents.children.setdefault(above, set()).add(folder)
        if known or above == folder:
            break
        folder = above


def _settle(contents: Contents, folder: str, sources: list[Source]) -> None:
    """Find files that several sources bring to one folder: the same content is placed once, other content refused."""
    seen: dict[str, Source] = {}
    for source in sources:
        for name in source[2]:
            first = seen.setdefault(name, source)
            if first is not source:
                _compare(contents, folder, name, first, source)


def _compare(contents: Contents, folder: str, name: str, first: Source, second: Source) -> None:
    if first[0] == second[0] and first[1] is None and second[1] is not None:
        first, second = second, first
    if first[0] == second[0] and first[1] is not None and second[1] is None:
        # A wheel may bring a script and declare an entry point of the same name; the generated one counts, as in pip.
        contents.skipped.setdefault(f"{first[1]}", set()).add(name)
        return
    if (
        first[1] is None
        or second[1] is None
        or first[1] == second[1]
        or not same_content(f"{first[1]}/{name}", f"{second[1]}/{name}")
    ):
        raise _conflict(contents, f"{folder}/{name}", first[0], second[0])
    contents.skipped.setdefault(second[1], set()).add(name)


def same_content(one: str, two: str) -> bool:
    """Whether two regular files have the same bytes."""
    import stat

    try:
        facts = [os.lstat(path) for path in (one, two)]
        if not all(stat.S_ISREG(each.st_mode) for each in facts) or facts[0].st_size != facts[1].st_size:
            return False
        with open(one, "rb") as left, open(two, "rb") as right:
            while chunk := left.read(1 << 20):
                if chunk != right.read(len(chunk)):
                    return False
    except OSError:
        return False
    return True


def _conflict(contents: Contents, path: str, one: int, two: int | None) -> FileConflict:
    owners = [contents.items[number].pin.name for number in (one, two) if number is not None]
    return FileConflict(
        f"{path} would belong to {' and '.join(owners)}" + (" and to a folder" if two is None else ""),
        hint="the distributions cannot be installed together",
        context={"path": path, "distributions": tuple(owners)},
    )
