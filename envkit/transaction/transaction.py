"""One operation on one environment, under its lock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from envkit.errors import InstallError
from envkit.host import exchange, files
from envkit.host.locks import Busy, FileLock
from envkit.namedtuple import NamedTuple
from envkit.transaction import recovery
from envkit.transaction.journal import Journal, Kind, Move, Place, place_at
from envkit.transaction.moves import check_inside, is_as_left, new_folders, perform, take_back
from envkit.transaction.state import ELSEWHERE, JOURNAL, LAST, LOCK, NOTE, PREFIX, identify, inode, new_id, state_dir

DEFAULT_TIMEOUT = 60.0


class Transaction:
    """Stage with `stage`, say what moves with `move`, then `commit`; leaving the block otherwise changes nothing.

    Entering takes the lock (waiting at most *timeout* seconds, else `EnvironmentBusy`) and recovers what an earlier
    operation left. *purpose* is shown to whoever has to wait.
    """

    def __init__(
        self,
        root: str,
        *,
        purpose: str,
        timeout: float = DEFAULT_TIMEOUT,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._root = root
        self._purpose = purpose
        self._timeout = timeout
        self._pause = pause
        self.id = new_id()
        self._places: list[Place] = []
        self._moves: list[Move] = []
        self._lock: FileLock | None = None
        self.committed = False
        self._keep = False
        self.recovered: recovery.Outcome | None = None

    def __enter__(self) -> Self:
        state = state_dir(self._root)
        files.make_dir(state)
        try:
            self._lock = FileLock(os.path.join(state, LOCK)).acquire(
                timeout=self._timeout, purpose=self._purpose, pause=self._pause
            )
        except Busy as error:
            raise recovery.busy(self._root, error) from error
        try:
            self.recovered = recovery.recover_locked(self._root)
            self.place(self._root)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._lock is not None
        try:
            if not self.committed and not self._keep:
                # Trouble while clearing away must not hide what went wrong; the next operation clears the rest.
                with suppress(OSError):
                    recovery.remove_operation(os.path.join(state_dir(self._root), PREFIX + self.id))
        finally:
            self._lock.release()

    @property
    def lock_descriptor(self) -> int:
        """The descriptor of the lock: whoever has it, too, keeps others out until it ends."""
        assert self._lock is not None
        return self._lock.fileno()

    def place(self, target: str) -> int:
        """Give the number of the place *target*, an absolute folder in which entries may then move."""
        for number, place in enumerate(self._places):
            if place.target == target:
                return number
        place = place_at(self.id, target, first=not self._places)
        if self._places:
            others = [each.target for each in self._places[1:]]
            text = "\0".join([*others, target])
            files.publish_bytes(os.path.join(self._places[0].stage, ELSEWHERE), os.fsencode(text))
        self._places.append(place)
        files.make_dir(place.stage, exist_ok=False)
        files.make_dir(f"{place.stage}/new")
        files.make_dir(f"{place.stage}/old")
        return len(self._places) - 1

    def stage(self, place: int = 0) -> str:
        """Give the folder in which the new entries of a place are made."""
        return f"{self._places[place].stage}/new"

    def target(self, place: int = 0) -> str:
        """Give the folder that a place is."""
        return self._places[place].target

    def move(self, kind: Kind, path: str, *, place: int = 0) -> None:
        """Plan one move of the entry at *path*, relative to the place, with forward slashes."""
        new = identify(f"{self._places[place].stage}/new/{path}") if kind != "remove" else None
        old = inode(f"{self._places[place].target}/{path}") if kind != "add" else None
        if (kind != "remove" and new is None) or (kind != "add" and old is None):
            raise InstallError("an entry disappeared while it was being moved", context={"path": path})
        number, stamp = new or (None, None)
        self._moves.append(Move(kind, place, path, number, old, stamp))

    def note(self, content: bytes) -> None:
        """Keep some bytes with a committed operation, for whoever wants to undo it."""
        with suppress(OSError):
            files.write_bytes(os.path.join(self._places[0].stage, NOTE), content)

    def commit(self, *, durable: bool = False, at_once: bool = False) -> None:
        """Write the intent, make the moves, declare them done. On any trouble everything is as it was before.

        *durable* first waits until what was staged is on the disk, and at last until the moves are; *at_once* as for
        `perform`. Raises `OSError` as the system gives it.
        """
        if not self._moves:
            return
        stages = tuple(inode(place.stage) for place in self._places)
        journal = Journal(self.id, self._purpose, tuple(self._places), stages, tuple(self._moves))
        check_inside(journal)
        state = state_dir(self._root)
        path = os.path.join(state, JOURNAL)
        if durable:
            for place in self._places:
                exchange.sync_file_system(place.stage)
        files.publish_bytes(path, journal.to_bytes(), sync=True)
        try:
            # The journal's own rename is not synced: file systems log names in order, so it is never lost before a move.
            perform(journal, at_once=at_once)
            files.replace(path, os.path.join(state, LAST))
        except BaseException:
            self._take_back(journal, path)
            raise
        self.committed = True
        if durable:
            with suppress(OSError):  # done it is, even where nobody can promise that it will last
                exchange.sync_file_system(state)
        # From here on it is done; what cannot be cleared away now, the next operation clears.
        with suppress(OSError):
            recovery.remove_litter(self._root)

    def _take_back(self, journal: Journal, path: str) -> None:
        if not os.path.lexists(path):  # interrupted after the rename that commits
            self.committed = True
            return
        try:
            take_back(journal)
            recovery.put_away(self._root)
        except OSError:
            # The journal stays, and whoever comes next takes the rest back; its stage must stay with it.
            self._keep = True


class Finished(NamedTuple):
    """An operation that is done: the *note* kept with it, its new *folders* as `new_folders` gives them, when it moved.

    *since* is in ns, as an mtime: what the operation brought was written before.
    """

    note: bytes | None
    folders: tuple[tuple[str, str | None], ...]
    since: int


def undo(
    root: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    pause: Callable[[float], object] = time.sleep,
    check: Callable[[Finished], object] | None = None,
) -> str:
    """Bring the environment back to before its last finished operation; give that operation's purpose.

    *check* is asked, under the lock, and may raise. Raises `InstallError` when there is no such operation, or when
    something else has changed the environment since.
    """
    state = state_dir(root)
    last = os.path.join(state, LAST)
    try:
        if not os.path.lexists(last):
            raise InstallError(f"there is no operation to undo in {root}", context={"root": root})
        with FileLock(os.path.join(state, LOCK)).acquire(timeout=timeout, purpose="undo", pause=pause):
            recovery.recover_locked(root)
            if not os.path.lexists(last):
                raise InstallError(f"there is no operation to undo in {root}", context={"root": root})
            journal = Journal.read(last, root)
            check_inside(journal)
            if not is_as_left(journal):
                raise InstallError(
                    f"{root} was changed by something else since the last operation", context={"root": root}
                )
            if check is not None:
                check(Finished(_read_note(journal), new_folders(journal), os.lstat(last).st_mtime_ns))
            # An operation that is not declared done is one to be taken back: recovery does the rest, killed or not.
            files.rename(last, os.path.join(state, JOURNAL))
            recovery.recover_locked(root)
            return journal.purpose
    except Busy as error:
        raise recovery.busy(root, error) from error
    except OSError as error:
        raise InstallError(f"the last operation in {root} cannot be undone: {error}", context={"root": root}) from error


def _read_note(journal: Journal) -> bytes | None:
    try:
        with open(os.path.join(journal.places[0].stage, NOTE), "rb") as file:
            return file.read()
    except OSError:
        return None
