"""Read an environment as it is between two operations, without a lock.

An operation has its journal in place from before its first rename until after its last one. Then the journal becomes
``last``, or ``undone`` where everything was taken back. So whoever sees no journal, and the same two files before reading
and after, has read while nothing moved.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from envkit.errors import EnvironmentBusy
from envkit.transaction.recovery import recover
from envkit.transaction.state import JOURNAL, LAST, UNDONE, identify, state_dir

T = TypeVar("T")


def read_unmixed(root: str | os.PathLike[str], read: Callable[[], T], *, timeout: float = 30.0) -> T:
    """Recover the environment at *root*, then give what *read* gives while no operation moved entries.

    *read* is called again where one did. Raises what it and `recover` raise, and `EnvironmentBusy` where there was no such
    moment within *timeout* seconds.
    """
    state = state_dir(os.fspath(root))
    until = time.monotonic() + timeout
    while True:
        recover(root, timeout=timeout)
        before = _ends(state)
        try:
            found = read()
        except FileNotFoundError:
            if _is_quiet(state, before):
                raise
        else:
            if _is_quiet(state, before):
                return found
        if time.monotonic() > until:
            raise EnvironmentBusy(f"{root} was changed all the time", context={"root": os.fspath(root)})


def _is_quiet(state: str, before: object) -> bool:
    # In this order: a journal that ends in between has changed one of the two.
    return not os.path.lexists(f"{state}/{JOURNAL}") and _ends(state) == before


def _ends(state: str) -> tuple[object, object]:
    return identify(f"{state}/{LAST}"), identify(f"{state}/{UNDONE}")
