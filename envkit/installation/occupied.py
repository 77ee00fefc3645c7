"""Compare what will be there with what is: what may stay, what gives way, and what is refused before anything is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator

from envkit.errors import FileConflict
from envkit.installation.contents import Contents, library_of, same_content
from envkit.installation.layout import Layout, inside
from envkit.installation.owners import find_owners, source_of
from envkit.installation.protected import is_bookkeeping, is_protected
from envkit.installation.state import METADATA
from envkit.installation.walking import Removal
from envkit.model.distribution import InstalledDistribution

# What Python reads or runs at every start, directly in a library: nobody's RECORD need list it, and it is no mere file.
_STARTUP_SUFFIXES = (".pth", ".start")
_STARTUP_MODULES = frozenset({"sitecustomize", "usercustomize", "_virtualenv"})


def check_place(
    contents: Contents, layout: Layout, removal: Removal, others: Callable[[], Iterable[InstalledDistribution]]
) -> set[str]:
    """Compare what will be there with what is. Raises `FileConflict` for places that belong to something else.

    Files that are there already with the same content are skipped, whoever they belong to. Gives the files in the way
    that belong to nobody, which have to be set aside. *others* gives the distributions that stay; it is asked only where
    something is in the way.
    """
    return _Checker(contents, layout, removal, others).check()


class _Checker:
    def __init__(
        self,
        contents: Contents,
        layout: Layout,
        removal: Removal,
        others: Callable[[], Iterable[InstalledDistribution]],
    ) -> None:
        self._contents = contents
        self._layout = layout
        self._gone = frozenset(removal.units)
        self._changed = removal.changed
        self._others = others
        self._missing: set[str] = set()
        self._present: set[str] = set()
        # For each item: below what nothing is protected (only a folder that is its own library, a target, has anything of
        # ours in it), and where its ``.data`` folder is unpacked.
        libraries = [library_of(item, layout) for item in contents.items]
        self._free = [f"{library}/" if library != layout.root else "\0" for library in libraries]
        special = (layout.root, layout.schemes["scripts"], *map(os.path.dirname, (*layout.libraries, *layout.stdlib)))
        self._special = frozenset(special)  # where it depends on its name whether a file is protected
        self._data = [f"{item.wheel.root}/{item.wheel.data_dir}/" for item in contents.items]

    def check(self) -> set[str]:
        occupied: dict[str, int] = {}
        forged: list[tuple[str, int]] = []
        for folder, sources in self._contents.folders.items():
            present = self._look(folder, sources[0][0])
            for number, source, names in sources:
                if not folder.startswith(self._free[number]):
                    self._check_protected(folder, number, names)
                if source is not None and source.startswith(self._data[number]):
                    forged += self._find_forged(folder, number, names)
                for name in present.intersection(names) if present else ():
                    path = f"{folder}/{name}"
                    if path in self._gone or path in self._changed:
                        continue
                    if source is not None and same_content(f"{source}/{name}", path):
                        self._contents.skipped.setdefault(source, set()).add(name)
                        continue
                    occupied.setdefault(path, number)
        if occupied:
            self._check_strays(occupied)
        for path, number in forged:
            raise FileConflict(
                f"{self._name(number)} would bring metadata as data: {path}",
                hint="only the metadata folder of a wheel may say what is installed",
                context={"path": path, "distributions": (self._name(number),)},
            )
        return set(occupied)

    def _find_forged(self, folder: str, number: int, names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        """Give what a ``.data`` folder would put among the metadata of a library; the pool has looked at the rest."""
        for library in self._layout.libraries:
            inner = inside(folder, library)
            if inner is not None:
                for top in (inner.partition("/")[0],) if inner else names:
                    if top.lower().endswith(METADATA):
                        yield f"{library}/{top}", number

    def _check_strays(self, occupied: dict[str, int]) -> None:
        """Refuse all but plain files in the environment's own folders that surely belong to nobody."""
        owners = find_owners(occupied, self._others(), self._layout)
        for path, number in sorted(occupied.items()):
            name = self._name(number)
            owner = owners.names.get(path)
            if owner is not None:
                raise FileConflict(
                    f"{path}, which {name} brings, is there already and belongs to {owner}",
                    hint=f"remove {owner} first",
                    context={"path": path, "distributions": (name, owner)},
                )
            if not _may_give_way(path, self._layout):
                raise FileConflict(
                    f"{path}, which {name} brings, is there already and belongs to something else",
                    hint="remove what it belongs to first",
                    context={"path": path, "distributions": (name,)},
                )
            if owners.unknown:
                raise FileConflict(
                    f"{path}, which {name} brings, is there already and may belong to {' or '.join(owners.unknown)}",
                    hint="what has no readable record of its files has to be removed or installed again first",
                    context={"path": path, "distributions": (name, *owners.unknown)},
                )

    def _check_protected(self, folder: str, number: int, names: tuple[str, ...]) -> None:
        """Refuse files over the environment's own. Few folders can hold any, so most are passed over at once."""
        layout = self._layout
        library = library_of(self._contents.items[number], layout)
        if folder.startswith(f"{library}/"):
            if folder != layout.schemes["scripts"] and not is_bookkeeping(folder, layout):
                return
        elif folder == library != layout.root:
            return
        for name in names if folder in self._special else names[:1]:
            if is_protected(f"{folder}/{name}", self._layout):
                raise FileConflict(
                    f"{self._name(number)} would overwrite {folder}/{name}, which is the environment's own",
                    context={"path": f"{folder}/{name}", "distributions": (self._name(number),)},
                )

    def _look(self, folder: str, number: int) -> set[str] | None:
        """Give the names that are in a destination folder and stay; None where it is not there, or goes as a whole."""
        if folder.rpartition("/")[0] in self._missing:
            self._missing.add(folder)
            return None
        path = folder
        above: list[str] = []
        while path not in self._missing and path not in self._gone:
            above.append(path)
            parent = path.rpartition("/")[0]
            if path not in self._contents.children.get(parent, ()):
                break
            path = parent
        else:
            self._missing.update(above)
            return None
        above.reverse()
        for at, path in enumerate(above):
            if path in self._present:  # looked at for another folder
                continue
            try:
                kind = os.lstat(path).st_mode
            except (FileNotFoundError, NotADirectoryError):
                self._missing.update(above[at:])
                return None
            if stat.S_ISLNK(kind):
                raise self._blocked(path, number, "is a symlink, and is not written through")
            if not stat.S_ISDIR(kind):
                raise self._blocked(path, number, "is a file where a folder is needed")
            self._present.add(path)
        return set(os.listdir(folder))

    def _blocked(self, path: str, number: int, why: str) -> FileConflict:
        owner = find_owners([path], self._others(), self._layout).names.get(path)
        names = (self._name(number),) if owner is None else (self._name(number), owner)
        belongs = "" if owner is None else f"; it belongs to {owner}"
        return FileConflict(
            f"{path}, which {names[0]} needs, {why}{belongs}", context={"path": path, "distributions": names}
        )

    def _name(self, number: int) -> str:
        return self._contents.items[number].pin.name


def _may_give_way(path: str, layout: Layout) -> bool:
    """Whether what is at *path*, which no record lists, is a plain file in a place that is only for distributions."""
    if is_protected(path, layout) or not stat.S_ISREG(os.lstat(path).st_mode):
        return False
    for library in layout.libraries:
        inner = inside(source_of(path) or path, library)
        if inner:
            # A folder that is its own library (a target) may just as well hold the sources of a project.
            return library != layout.root and not _runs_at_startup(inner)
    if os.path.dirname(path) != layout.schemes["scripts"] or path.lower().endswith(".dll"):
        return False
    # Elsewhere commands lie beside those of the system or the user, which no RECORD tells of.
    return os.path.isfile(os.path.join(layout.root, "pyvenv.cfg"))


def _runs_at_startup(inner: str) -> bool:
    top, separator, _ = inner.partition("/")
    return top.partition(".")[0].lower() in _STARTUP_MODULES or (
        not separator and top.lower().endswith(_STARTUP_SUFFIXES)
    )
