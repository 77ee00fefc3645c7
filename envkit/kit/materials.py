"""Bills of materials of whatever a kit makes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from envkit.environment.environment import Environment
from envkit.errors import RequirementError
from envkit.formats.lock_content import LockContent
from envkit.inspection.sbom import (
    Material,
    materials_of_graph,
    materials_of_lock,
    materials_of_resolution,
    write_sbom,
)
from envkit.model.resolution import Resolution

if TYPE_CHECKING:
    from envkit.kit.parts import Parts


def write_bill(parts: Parts, what: Any, *, subject: str | None, timestamp: datetime | None) -> str:
    """See `Kit.sbom`."""
    kind, materials = _materials(parts, what)
    return write_sbom(materials, subject=subject or kind, timestamp=timestamp)


def _materials(parts: Parts, what: Any) -> tuple[str, tuple[Material, ...]]:
    if isinstance(what, Environment):
        return "environment", materials_of_graph(parts.freezer(what).graph())
    if isinstance(what, LockContent):
        return "lock", materials_of_lock(what)
    if isinstance(what, Resolution):
        return "resolution", materials_of_resolution(what)
    raise RequirementError(f"{type(what).__name__} is neither an environment, a lock nor a resolution")
