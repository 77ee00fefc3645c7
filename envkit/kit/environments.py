"""Make environments for whatever names a Python."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # as in `envkit.kit.functions`
    from typing import Any

    from envkit.environment.environment import Environment
    from envkit.kit.parts import Parts


def create(parts: Parts | None, path: str | os.PathLike[str], python: Any, options: dict[str, Any]) -> Environment:
    """Make an environment; see `envkit.Kit.create`. Without *parts* those of a kit without arguments serve."""
    from envkit.kit.env_builder import EnvBuilder

    # what `python -m venv` does where the class itself is more careful
    options = {"symlinks": os.name != "nt", "scm_ignore_files": ("git",), **options}
    try:
        return EnvBuilder(interpreter=python, parts=parts, **options).create(path)
    except (OSError, ValueError) as error:  # what `venv` raises, and subclasses of the builder rely on
        from envkit.errors import EnvkitError, VenvError

        if isinstance(error, EnvkitError):
            raise
        told = getattr(error, "strerror", None) or error
        raise VenvError(
            f"{os.fspath(path)}: {told}", context={"path": os.fspath(path), "problem": "refused"}
        ) from error
