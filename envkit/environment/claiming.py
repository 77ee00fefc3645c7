"""Being alone with a folder while an environment is made in it, and telling what others made or left there."""

from __future__ import annotations

import os

from envkit.environment.folders import is_folder, make_fresh
from envkit.environment.rules import CLAIM
from envkit.host import files
from envkit.host.claims import claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envkit.environment.rules import Rules
    from envkit.host.claims import Claim

_TIMEOUT = 60.0  # seconds to wait for another, who needs milliseconds, or a minute where pip comes from an index


def claim_folder(path: str, *, clear: bool, force: bool) -> Claim | None:
    """Claim a folder, made where it is missing; None where it cannot be one, which the first hook will tell."""
    fresh = make_fresh(path)
    if not fresh:
        if not is_folder(path):
            return None
        if clear:
            check_clearable(path, force=force)
    found = claim(f"{path}{os.sep}{CLAIM}", timeout=_TIMEOUT)
    if found is None:
        raise problem(path, "being-made", f"{path} is being made by another process", hint="wait for it, and try again")
    found.fresh = fresh
    return found


def give_up(path: str, held: Claim) -> None:
    """Leave a failed creation as one that was cut off, or nothing where nothing had been made."""
    names = os.listdir(path) if os.path.isdir(path) else []
    if held.unfinished and names != [CLAIM]:
        held.drop()
        return
    held.fulfil()
    if held.fresh and names == [CLAIM]:
        files.remove_dir(path)


def is_made(path: str, rules: Rules) -> bool:
    """Tell whether there is an environment already. Raises `VenvError` where it is for another Python.

    To make both in one folder would give neither.
    """
    if not os.path.lexists(f"{path}{os.sep}pyvenv.cfg"):
        return False
    from envkit.interpreter.pyvenv import read_config

    config = read_config(path) or {}
    made = (config.get("version") or config.get("version_info") or "").split(".")[:2]
    ours = [str(number) for number in rules.version[:2]]
    if len(made) == 2 and made != ours:
        raise problem(
            path,
            "other-interpreter",
            f"{path} is an environment for Python {'.'.join(made)} already, not for {'.'.join(ours)}",
            hint="clear it, or choose another folder",
        )
    return True


def check_clearable(path: str, *, force: bool) -> None:
    """Raise `VenvError` for a folder that has something in it and is not an environment."""
    if force or any(os.path.lexists(os.path.join(path, name)) for name in ("pyvenv.cfg", CLAIM)):
        return
    if os.listdir(path):
        raise problem(
            path,
            "not-an-environment",
            f"{path} is not empty, and not an environment: it is not cleared",
            hint="choose another folder, or say force=True to lose what is in it",
        )


def problem(path: str, name: str, message: str, hint: str) -> Exception:
    """Give the error for a folder."""
    from envkit.errors import VenvError

    return VenvError(message, hint=hint, context={"path": path, "problem": name})
