"""Why a project is in a resolution."""

from __future__ import annotations

from packaging.version import Version

from envkit.dataclass import dataclass
from envkit.model.pin import Request
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Value):
    """Why a project is in a resolution, at this version: as data, and with ``str()`` as a few lines of text.

    *path* leads from a root to the project, by names; *unknown_extras* were asked for, and the version does not have them.
    """

    name: str
    version: Version
    requested_by: tuple[Request, ...]
    path: tuple[str, ...] = ()
    latest: Version | None = None
    held_by: tuple[Request, ...] = ()
    unknown_extras: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.name} {self.version}"]
        lines += [f"  {request.by or 'you'} asked for {request.requirement}" for request in self.requested_by]
        if len(self.path) > 1:
            lines.append(f"  needed through {' -> '.join(self.path)}")
        if self.latest is not None:
            if self.held_by:
                held = " and ".join(f"{one.by or 'you'} ({one.requirement})" for one in self.held_by)
                lines.append(f"  {self.latest} is newer, but is not allowed by {held}")
            else:
                lines.append(f"  {self.latest} is newer, but does not fit the rest or was not preferred")
        lines += [f"  {self.version} has no extra {extra}, which was asked for" for extra in self.unknown_extras]
        return "\n".join(lines)
