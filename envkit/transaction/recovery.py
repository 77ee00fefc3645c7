"""Bring an environment back to where it was before a killed operation, and clear away what nobody needs."""

from __future__ import annotations

import os
import time
from typing import Literal

from envkit.errors import EnvironmentBusy, InstallError
from envkit.host import files
from envkit.transaction.state import ELSEWHERE, JOURNAL, LAST, LOCK, PREFIX, STATE_DIR, UNDONE, is_real_dir

Outcome = Literal["rolled-back", "cleaned"]
_PAUSE = 0.005
_LAST_BREATH = 5.0  # seconds for what helped a killed process to notice that


class _MovesEnded(Exception):
    """Nothing is left to be waited for."""


def recover(root: str | os.PathLike[str], *, timeout: float = 30.0) -> Outcome | None:
    """Recover the environment at *root* if an operation was killed in it; cheap (one listing) if not.

    Waits at most *timeout* seconds for an operation that is moving entries right now. Raises `EnvironmentBusy` when that
    takes longer, `InstallError` when the environment cannot be brought back (no permission, damaged journal).
    """
    root = os.fspath(root)
    state = os.path.join(root, STATE_DIR)
    try:
        names = os.listdir(state)
    except OSError:
        return None
    moving = JOURNAL in names
    if not moving and sum(name.startswith(PREFIX) for name in names) <= (LAST in names):
        return None
    from envkit.host.locks import Busy, FileLock, is_orphaned

    path = os.path.join(state, LOCK)

    def pause(seconds: float) -> None:
        # Whoever moves entries keeps the lock for longer, and others may take it next: nobody has to wait for all that.
        if not (os.path.lexists(os.path.join(state, JOURNAL)) if moving else is_orphaned(path)):
            raise _MovesEnded
        time.sleep(min(seconds, _PAUSE))

    if not moving:
        timeout = min(timeout, _LAST_BREATH) if is_orphaned(path) else 0.0
    try:
        with FileLock(path).acquire(timeout=timeout, purpose="recovery", pause=pause):
            return recover_locked(root)
    except _MovesEnded:
        return None
    except Busy as error:
        if not moving:  # somebody is staging
            return None
        raise busy(root, error) from error
    except OSError as error:
        if not moving:  # litter in an environment that we may not change harms nobody
            return None
        raise InstallError(
            f"a killed operation in {root} cannot be taken back: {error}", context={"root": root}
        ) from error


def busy(root: str, error: OSError) -> EnvironmentBusy:
    """Give the error for a lock that is held, with what is known of the holder."""
    holder: dict[str, object] = getattr(error, "holder", {})
    who = f"process {holder['pid']} ({holder.get('purpose', '')})" if "pid" in holder else "another process"
    return EnvironmentBusy(
        f"{root} is being changed by {who}",
        hint="wait for it, or give a longer timeout",
        context={"root": root, **{f"holder_{key}": value for key, value in holder.items()}},
    )


def recover_locked(root: str) -> Outcome | None:
    """Recover while holding the lock: take back an unfinished operation, remove what is left of older ones."""
    state = os.path.join(root, STATE_DIR)
    if not is_real_dir(state):
        raise InstallError(f"{state} is not a folder", context={"root": root})
    outcome: Outcome | None = None
    if os.path.lexists(os.path.join(state, JOURNAL)):
        take_back_locked(root)
        outcome = "rolled-back"
    if remove_litter(root):
        outcome = outcome or "cleaned"
    return outcome


def take_back_locked(root: str) -> None:
    """Undo the operation whose journal is there, then put the journal away."""
    from envkit.transaction.journal import Journal
    from envkit.transaction.moves import check_inside, check_own, take_back

    path = os.path.join(root, STATE_DIR, JOURNAL)
    journal = Journal.read(path, root)
    check_inside(journal)
    check_own(journal)
    take_back(journal)
    put_away(root)


def put_away(root: str) -> None:
    """Declare that the operation whose journal is there was taken back."""
    state = os.path.join(root, STATE_DIR)
    files.replace(os.path.join(state, JOURNAL), os.path.join(state, UNDONE))


def remove_litter(root: str) -> bool:
    """Remove the folders of operations that are neither going on nor the last one; whether there were any."""
    state = os.path.join(root, STATE_DIR)
    names = os.listdir(state)
    kept = ""
    if LAST in names:
        from envkit.transaction.journal import Journal

        try:
            kept = PREFIX + Journal.read(os.path.join(state, LAST), root).id
        except InstallError:  # only undo needs it
            files.unlink(os.path.join(state, LAST))
    found = False
    for name in names:
        if (name.startswith(PREFIX) and name != kept) or name.endswith(".tmp"):
            found = True
            remove_operation(os.path.join(state, name))
    return found


def remove_operation(folder: str) -> None:
    """Remove what one operation staged and set aside, also on other file systems."""
    if not is_real_dir(folder):
        files.unlink(folder, missing_ok=True)
        return
    number = os.path.basename(folder)[len(PREFIX) :]
    try:
        with open(os.path.join(folder, ELSEWHERE), "rb") as file:
            others = os.fsdecode(file.read()).split("\0")
    except OSError:
        others = []
    for other in others:
        # The name is made here, not read: a forged list can only name stages of this very operation.
        stage = os.path.join(other, f"{STATE_DIR}-{number}")
        if other and number.isalnum() and is_real_dir(stage):
            files.remove_tree(stage)
    files.remove_tree(folder)
