"""Projects that are installed so that their sources stay in use."""

from __future__ import annotations

from pathlib import Path

from envkit.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Editable:
    """A local project or a VCS URL to be installed so that its sources stay in use (PEP 660).

    With *name* it has to be that project; where *marker* does not hold, nothing is asked for.
    """

    target: str | Path
    name: str | None = None
    marker: str | None = None
