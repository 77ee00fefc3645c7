"""One gate that every effect passes, so that tests can fail, delay or kill at each in turn.

In normal use the gate is open and costs one attribute look-up. A test sets a guard, which sees the name of the effect
and its path before it happens, and may raise.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # this module is on every path, also on those that take a millisecond
    from collections.abc import Callable
    from typing import TypeAlias

    Guard: TypeAlias = Callable[[str, str], None]

_guard: Guard | None = None


def effect(name: str, path: str) -> None:
    """Announce an effect, for example ``effect("rename", "/env/lib/x")``. Whatever the guard raises comes through."""
    if _guard is not None:
        _guard(name, path)


def watched() -> bool:
    """Whether a guard is set; a loop over thousands of files looks once instead of announcing each."""
    return _guard is not None


class guarded:  # noqa: N801  it reads as a statement: `with guarded(guard):`
    """Let *guard* see each effect of this process inside the block; guards do not nest."""

    def __init__(self, guard: Guard) -> None:
        self._own = guard

    def __enter__(self) -> None:
        global _guard  # noqa: PLW0603  one per process is the point: an effect cannot slip past in another thread
        if _guard is not None:
            raise RuntimeError("a guard is already set")
        _guard = self._own

    def __exit__(self, *_: object) -> None:
        global _guard  # noqa: PLW0603
        _guard = None
