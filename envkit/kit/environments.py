"""Make environments for whatever names a Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from envkit.environment.environment import Environment

if TYPE_CHECKING:
    from envkit.kit.parts import Parts


def create(parts: Parts, path: str | os.PathLike[str], python: Any, options: dict[str, Any]) -> Environment:
    """Make an environment; see `envkit.Kit.create`."""
    from envkit.kit.env_builder import EnvBuilder

    # what `python -m venv` does where the class itself is more careful
    options = {"symlinks": os.name != "nt", "scm_ignore_files": ("git",), **options}
    return EnvBuilder(interpreter=python, parts=parts, **options).create(path)
