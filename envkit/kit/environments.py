"""Make environments for whatever names a Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from envkit.kit import env_builder

if TYPE_CHECKING:
    from envkit.environment.environment import Environment
    from envkit.kit.parts import Parts


def create(parts: Parts | None, path: str | os.PathLike[str], python: Any, options: dict[str, Any]) -> Environment:
    """Make an environment; see `envkit.Kit.create`."""
    return env_builder.create(path, python, parts=parts, **options)
