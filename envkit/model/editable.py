"""Projects that are installed so that their sources stay in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Editable:
    """A local project or a VCS URL to be installed so that its sources stay in use (PEP 660).

    With *name* it has to be that project; where *marker* does not hold, nothing is asked for.
    """

    target: str | Path
    name: str | None = None
    marker: str | None = None
