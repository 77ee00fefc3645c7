"""The shortest way: one function call for one thing, on PyPI and the user's cache folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from envkit.environment.environment import Environment
    from envkit.kit.kit import Kit
    from envkit.kit.wanted import Wish
    from envkit.model.plan import InstallReport


def install(env: Environment, requirements: Iterable[Wish] | Wish, **options: Any) -> InstallReport:
    """Resolve and install from PyPI; see `Kit.install`."""
    with _kit() as kit:
        return kit.install(env, requirements, **options)


def freeze(env: Environment, **options: Any) -> tuple[str, ...]:
    """Give what is installed as requirement lines; see `Kit.freeze`."""
    return _kit().freeze(env, **options)


def _kit() -> Kit:
    from envkit.kit.kit import Kit

    return Kit()
