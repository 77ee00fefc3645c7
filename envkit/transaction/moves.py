"""Make the moves of a journal, and take them back.

Taking back looks at inodes only, so it can be done from any state that a killed process left, and again after being
killed itself.
"""

from __future__ import annotations

import errno
import os
import stat

from envkit.errors import InstallError
from envkit.host import exchange, files
from envkit.transaction.journal import Journal, Move
from envkit.transaction.state import identify, inode, is_real_dir

_SET_ASIDE = ".set-aside"


def spots(journal: Journal, move: Move) -> tuple[str, str, str]:
    """Give where a move's entry belongs, where it is staged, and where its predecessor is set aside."""
    place = journal.places[move.place]
    return f"{place.target}/{move.path}", f"{place.stage}/new/{move.path}", f"{place.stage}/old/{move.path}"


def perform(journal: Journal, *, at_once: bool = False) -> None:
    """Make all moves, in order. Raises `OSError`; the caller then takes back what was made.

    With *at_once* what is exchanged is so in one step, or there is an error.
    """
    for move in journal.moves:
        target, staged, aside = spots(journal, move)
        if move.kind == "add":
            exchange.rename_new(staged, target)
        elif move.kind == "remove":
            files.make_dirs(os.path.dirname(aside))
            _carry(target, aside)
        elif not exchange.exchange(staged, target):
            if at_once:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), target)
            files.make_dirs(os.path.dirname(aside))
            _carry(target, aside)
            exchange.rename_new(staged, target)


def _carry(source: str, target: str) -> None:
    """Rename; of a folder that the file system does not rename, as one in a lower layer of an overlay, what is in it.

    Who is killed meanwhile leaves two folders that together hold everything, and goes on from there.
    """
    try:
        exchange.rename_new(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EEXIST) or not is_real_dir(source):
            raise
        mode = stat.S_IMODE(os.lstat(source).st_mode)
        files.make_dir(target, mode)
        for name in sorted(os.listdir(source)):
            _carry(f"{source}/{name}", f"{target}/{name}")
        if stat.S_IMODE(os.lstat(target).st_mode) != mode:  # the umask has a say in what is made
            files.change_mode(target, mode)
        files.remove_dir(source)


def take_back(journal: Journal) -> None:
    """Bring every entry back to where it was before the operation, the last move first."""
    for move in reversed(journal.moves):
        target, staged, aside = spots(journal, move)
        here = inode(target)
        if move.new is not None and here == move.new:
            if move.kind == "swap" and inode(staged) == move.old and exchange.exchange(staged, target):
                continue
            _clear_way(staged, move.new)
            _carry(target, staged)
            here = None
        kept = _find_old(move, staged, aside)
        # A folder that was carried is another one than before; where that was cut off, the rest is still in its place.
        if kept is not None and (here is None or (inode(kept) != move.old and is_real_dir(target))):
            _carry(kept, target)


def _find_old(move: Move, staged: str, aside: str) -> str | None:
    """Give where the old entry of a move is kept, None where it is still, or again, in its place.

    Nothing but the old and the new entry is ever there. An overlay may give the old one another inode when it is moved.
    """
    if move.old is not None:
        for candidate in (aside, staged, staged + _SET_ASIDE):
            if inode(candidate) not in (None, move.new):
                return candidate
    return None


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


def check_own(journal: Journal) -> None:
    """Refuse a journal that was copied with its environment: nothing tells what moved. Raises `InstallError`."""
    if journal.stages != tuple(inode(place.stage) for place in journal.places):
        raise InstallError(
            f"{journal.places[0].target} is a copy of an environment in which an operation was going on",
            hint="make it anew, or open the original and then copy it again",
            context={"path": journal.places[0].target},
        )


def is_as_left(journal: Journal) -> bool:
    """Whether every entry is still where the finished operation put it, so that it can be taken back."""
    for move in journal.moves:
        target, staged, aside = spots(journal, move)
        here = identify(target)
        if here != (None if move.new is None else (move.new, move.stamp)):
            return False
        if move.old is not None and _find_old(move, staged, aside) is None:
            return False
    return True


def new_folders(journal: Journal) -> tuple[tuple[str, str | None], ...]:
    """Give each folder that a finished operation brought, and where its predecessor is kept."""
    found: list[tuple[str, str | None]] = []
    for move in journal.moves:
        target, staged, aside = spots(journal, move)
        if move.new is not None and is_real_dir(target):
            found.append((target, _find_old(move, staged, aside)))
    return tuple(found)
