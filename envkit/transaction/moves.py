"""Make the moves of a journal, and take them back.

Taking back looks at inodes only, so it can be done from any state that a killed process left, and again after being
killed itself.
"""

from __future__ import annotations

import os

from envkit.errors import InstallError
from envkit.host import exchange, files
from envkit.transaction.journal import Journal, Move
from envkit.transaction.state import identify, inode

_SET_ASIDE = ".set-aside"


def spots(journal: Journal, move: Move) -> tuple[str, str, str]:
    """Give where a move's entry belongs, where it is staged, and where its predecessor is set aside."""
    place = journal.places[move.place]
    return f"{place.target}/{move.path}", f"{place.stage}/new/{move.path}", f"{place.stage}/old/{move.path}"


def perform(journal: Journal) -> None:
    """Make all moves, in order. Raises `OSError`; the caller then takes back what was made."""
    for move in journal.moves:
        target, staged, aside = spots(journal, move)
        if move.kind == "add":
            exchange.rename_new(staged, target)
        elif move.kind == "remove":
            files.make_dirs(os.path.dirname(aside))
            exchange.rename_new(target, aside)
        elif not exchange.exchange(staged, target):
            files.make_dirs(os.path.dirname(aside))
            exchange.rename_new(target, aside)
            exchange.rename_new(staged, target)


def take_back(journal: Journal) -> None:
    """Bring every entry back to where it was before the operation, the last move first."""
    for move in reversed(journal.moves):
        target, staged, aside = spots(journal, move)
        here = inode(target)
        if move.new is not None and here == move.new:
            if move.kind == "swap" and inode(staged) == move.old and exchange.exchange(staged, target):
                continue
            _clear_way(staged, move.new)
            exchange.rename_new(target, staged)
            here = None
        if move.old is not None and here is None:
            for candidate in (aside, staged, staged + _SET_ASIDE):
                if inode(candidate) == move.old:
                    exchange.rename_new(candidate, target)
                    break


def _clear_way(staged: str, new: int) -> None:
    """Let nothing stand where the new entry goes back to: without an exchange the old one may be there."""
    if inode(staged) not in (None, new):
        files.rename(staged, staged + _SET_ASIDE)


def check_inside(journal: Journal) -> None:
    """Refuse a journal whose entries lie outside their places through symlinks. Raises `InstallError`."""
    seen: set[str] = set()
    for move in journal.moves:
        for spot in spots(journal, move):
            folder = os.path.dirname(spot)
            if folder in seen:
                continue
            seen.add(folder)
            base = os.path.realpath(journal.places[move.place].target)
            real = os.path.realpath(folder)
            if real != base and not real.startswith(base.rstrip(os.sep) + os.sep):
                raise InstallError(f"the journal leads out of {base}", context={"path": folder})


def is_as_left(journal: Journal) -> bool:
    """Whether every entry is still where the finished operation put it, so that it can be taken back."""
    for move in journal.moves:
        target, staged, aside = spots(journal, move)
        here = identify(target)
        if here != (None if move.new is None else (move.new, move.stamp)):
            return False
        if move.old is not None and move.old not in (inode(aside), inode(staged)):
            return False
    return True
