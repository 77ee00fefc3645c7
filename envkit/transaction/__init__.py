"""Changes of an environment that are fully there or not at all, whatever happens in between.

New files are staged on the same file system, the intent is written and synced, entries are moved in by rename with the
old ones set aside, and one last rename declares the whole done. Whoever comes next finds the journal of a killed
operation and takes its renames back.
"""

from __future__ import annotations

from envkit.transaction.reading import read_unmixed
from envkit.transaction.recovery import recover
from envkit.transaction.state import STATE_DIR

__all__ = ["STATE_DIR", "read_unmixed", "recover"]
