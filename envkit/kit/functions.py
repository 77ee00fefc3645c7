"""The shortest way: one function call for one thing, on PyPI and the user's cache folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from envkit.kit.kit import Kit

if TYPE_CHECKING:
    from envkit.environment.environment import Environment
    from envkit.kit.wanted import Wish
    from envkit.model.plan import InstallReport


def create(path: str | os.PathLike[str], python: str | os.PathLike[str] | None = None, **options: Any) -> Environment:
    """Make an environment; see `Kit.create`."""
    return Kit().create(path, python, **options)


def install(env: Environment, requirements: Iterable[Wish] | Wish, **options: Any) -> InstallReport:
    """Resolve and install from PyPI; see `Kit.install`."""
    with Kit() as kit:
        return kit.install(env, requirements, **options)


def freeze(env: Environment, **options: Any) -> tuple[str, ...]:
    """Give what is installed as requirement lines; see `Kit.freeze`."""
    return Kit().freeze(env, **options)
