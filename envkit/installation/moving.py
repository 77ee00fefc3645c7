"""Which entries move where, so that as few renames as possible turn the old state into the new one."""

from __future__ import annotations

import os

from envkit.errors import StalePlan
from envkit.installation.contents import Contents
from envkit.installation.layout import Layout, inside
from envkit.installation.walking import Removal
from envkit.transaction.journal import Kind
from envkit.transaction.transaction import Transaction


def plan_moves(
    contents: Contents, layout: Layout, removal: Removal, transaction: Transaction, whole: tuple[str, ...] = ()
) -> None:
    """Give *transaction* its moves: a new folder comes in as a whole, one that is shared is entered.

    The folders *whole* are staged with all that stays in them, and change places with what is there.
    """
    mover = _Mover(contents, layout, set(removal.units) | removal.changed, transaction)
    for path in whole:
        mover.move("swap", path)
        mover.swapped.add(path)
    for base in dict.fromkeys((layout.root, *(layout.locate(path)[0] for path in layout.schemes.values()))):
        mover.enter(base)
    for path in removal.units:
        if path not in mover.swapped and not any(inside(path, folder) for folder in whole):
            mover.move("remove", path)


class _Mover:
    def __init__(self, contents: Contents, layout: Layout, gone: set[str], transaction: Transaction) -> None:
        self._contents = contents
        self._layout = layout
        self._gone = gone
        self._transaction = transaction
        self._has_files: dict[str, bool] = {}
        self.swapped: set[str] = set()

    def enter(self, folder: str) -> None:
        """Move what belongs into a folder that stays."""
        for source in self._contents.folders.get(folder, ()):
            for name in self._contents.names(source):
                self._file(f"{folder}/{name}")
        for child in sorted(self._contents.children.get(folder, ())):
            if child in self.swapped or not self._brings_files(child):
                continue
            if child in self._gone:
                self._swap(child)
            elif os.path.lexists(child):
                self.enter(child)
            else:
                self.move("add", child)

    def _file(self, path: str) -> None:
        if path in self._gone:
            self._swap(path)
        elif os.path.lexists(path):
            raise StalePlan(f"{path} appeared while the installation was prepared", context={"path": path})
        else:
            self.move("add", path)

    def _swap(self, path: str) -> None:
        self.swapped.add(path)
        self.move("swap", path)

    def move(self, kind: Kind, path: str) -> None:
        """Plan one move of an absolute path."""
        base, inner = self._layout.locate(path)
        self._transaction.move(kind, inner, place=self._transaction.place(base))

    def _brings_files(self, folder: str) -> bool:
        """Whether any file is placed in or below a folder: what is shared already may leave nothing to move."""
        known = self._has_files.get(folder)
        if known is None:
            known = any(self._contents.names(source) for source in self._contents.folders.get(folder, ())) or any(
                self._brings_files(child) for child in self._contents.children.get(folder, ())
            )
            self._has_files[folder] = known
        return known
