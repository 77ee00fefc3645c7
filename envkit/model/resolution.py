"""The outcome of resolving: a pin for each project, and who asked for what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from envkit.dataclass import dataclass
from envkit.model.identity import normalize
from envkit.model.pin import Edge, Pin, Request
from envkit.model.target import Target
from envkit.model.values import Value

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.model.explanation import Explanation
    from envkit.model.lock import LockChange

__all__ = ["Edge", "Pin", "Request", "Resolution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution(Value):
    """A choice of versions that satisfies every requirement on *target*.

    *roots* are the requirements as given, *pins* map normalized names to pins in name order.
    """

    target: Target
    roots: tuple[str, ...]
    pins: Mapping[str, Pin]
    edges: tuple[Edge, ...]

    def explain(self, name: str) -> Explanation:
        """Say who asked for a project with what, and what kept it from being newer. Raises `KeyError` for an unknown one."""
        from envkit.model.explanation import Explanation
        from envkit.model.resolution_views import path_to

        pin = self.pins[normalize(name)]
        return Explanation(
            name=pin.name,
            version=pin.version,
            requested_by=pin.requested_by,
            path=path_to(pin.name, self.edges),
            latest=pin.latest,
            held_by=pin.held_by,
            unknown_extras=self.unknown_extras.get(pin.name, ()),
        )

    @property
    def unknown_extras(self) -> Mapping[str, tuple[str, ...]]:
        """Extras that were asked for and that the pinned versions do not have, by project; empty if all is well."""
        from envkit.model.resolution_views import unknown_extras

        return unknown_extras(self.pins)

    def tree(self) -> str:
        """Give the dependency tree as indented lines."""
        from envkit.model.resolution_views import tree_text

        return tree_text(self.pins, self.edges)

    def to_dot(self) -> str:
        """Give the graph in the DOT language."""
        from envkit.model.resolution_views import dot_text

        return dot_text(self.pins, self.edges)

    def to_mermaid(self) -> str:
        """Give the graph as a Mermaid flowchart."""
        from envkit.model.resolution_views import mermaid_text

        return mermaid_text(self.pins, self.edges)

    def __str__(self) -> str:
        """Give a line for each pin, as `to_requirements` does."""
        return self.to_requirements().rstrip("\n")

    def _repr_html_(self) -> str:
        from envkit.model.resolution_views import html_table

        return html_table(self.pins, self.target.python)

    def diff(self, other: Resolution) -> tuple[LockChange, ...]:
        """Give the projects whose versions differ in *other*, which is what comes after, by name."""
        from envkit.model.lock import LockChange

        changes: list[LockChange] = []
        for name in sorted({*self.pins, *other.pins}):
            before, after = self._versions(name), other._versions(name)
            if before != after:
                changes.append(LockChange(name=name, before=before, after=after))
        return tuple(changes)

    def _versions(self, name: str) -> tuple[str, ...]:
        pin = self.pins.get(name)
        return (str(pin.version),) if pin is not None else ()

    def to_requirements(self, *, hashes: bool = False) -> str:
        """Give a requirements file with exact versions, and with *hashes* those of every usable file.

        Raises `LockError` where hashes are wanted and an index gave none.
        """
        from envkit.model.resolution_views import requirement_lines

        return "".join(line + "\n" for line in requirement_lines(self.pins.values(), hashes=hashes))

    def to_pylock(self, *, base: str | Path | None = None) -> str:
        """Give the text of a ``pylock.toml`` (PEP 751) for machines like the target; with *base*, local files are relative.

        Raises `LockError` for files without a hash or a place, which the format cannot hold.
        """
        from envkit.model.lock import LockedPackage
        from envkit.model.pylock import write_pylock

        packages = [
            LockedPackage(
                name=pin.name,
                version=pin.version,
                requires_python=pin.requires_python,
                artifacts=pin.artifacts,
                dependencies=pin.dependencies,
                origin=pin.origin,
                index=pin.index,
            )
            for pin in self.pins.values()
        ]
        python = ".".join(self.target.python.split(".")[:2])
        return write_pylock(
            packages,
            requires_python=f"=={python}.*",
            settings={"roots": self.roots},
            base=os.path.abspath(base) if base is not None else None,
        )
