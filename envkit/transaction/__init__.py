"""Changes of an environment that are fully there or not at all, whatever happens in between.

New files are staged on the same file system, the intent is written and synced, entries are moved in by rename with the
old ones set aside, and one last rename declares the whole done. Whoever comes next finds the journal of a killed
operation and takes its renames back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envkit.transaction.reading import read_unmixed as read_unmixed
    from envkit.transaction.recovery import recover as recover
    from envkit.transaction.state import STATE_DIR as STATE_DIR

__all__ = ["STATE_DIR", "read_unmixed", "recover"]


def __getattr__(name: str) -> Any:
    if name == "STATE_DIR":
        from envkit.transaction.state import STATE_DIR

        return STATE_DIR
    if name == "read_unmixed":
        from envkit.transaction.reading import read_unmixed

        return read_unmixed
    if name == "recover":
        from envkit.transaction.recovery import recover

        return recover
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
