"""Who asks for exactly which candidate: what makes a yanked version or a direct reference count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from envkit.resolve.versions import is_exact

if TYPE_CHECKING:
    from envkit.resolve.dependencies import Dependency
    from envkit.resolve.inputs import Inputs
    from envkit.resolve.node import Node
    from envkit.resolve.ports import DirectRequest


class Wishes:
    """Exact pins and direct references by project, as far as they were met. They only ever grow, so that searches end."""

    def __init__(self, inputs: Inputs) -> None:
        self._editables = inputs.editables
        self._exact: dict[str, set[str]] = {}
        self._direct: dict[str, list[DirectRequest]] = {}
        self._banned: dict[str, set[int]] = {}
        rows = (*inputs.roots, *inputs.constraints, *(row for rows in inputs.overrides.values() for row in rows))
        if any(row.url is not None for row in rows):
            from envkit.resolve.places import by_knowledge

            # Not in the order of the input: of places that will do the last is wanted most.
            rows = tuple(sorted(rows, key=lambda row: by_knowledge(row.url or "")))
        for row in rows:
            self.note(row)

    def note(self, row: Dependency) -> bool:
        """Make the conditional candidates that *row* asks for count; true where that is new."""
        if row.url is not None:
            from envkit.resolve.ports import DirectRequest

            request = DirectRequest(url=row.url, name=row.name, editable=row.url in self._editables)
            known = self._direct.setdefault(row.name, [])
            if request not in known:
                known.append(request)
                return True
        elif "==" in row.specifier and is_exact(row.specifier):
            exact = self._exact.setdefault(row.name, set())
            if row.specifier not in exact:
                exact.add(row.specifier)
                return True
        return False

    def direct(self, name: str) -> list[DirectRequest]:
        """Give the direct references to a project."""
        return self._direct.get(name, [])

    def exact(self, name: str) -> Iterable[str]:
        """Give the specifiers that pin a project exactly."""
        return self._exact.get(name, ())

    def ban(self, node: Node, bit: int) -> None:
        """Never again let the candidate at *bit* count: whoever asked for it is not in the solution."""
        self._banned.setdefault(node.name, set()).add(bit)

    def banned(self, name: str) -> int:
        """Give the mask of the candidates of a project that were banned."""
        return sum(1 << bit for bit in self._banned.get(name, ()))


def matters(node: Node, row: Dependency) -> bool:
    """Whether a new wish changes what counts of a project that was met before it."""
    if row.url is not None:
        return True
    assert node.releases is not None
    return bool(node.releases.line.mask(row.specifier) & node.releases.yanked & ~node.eligible)
