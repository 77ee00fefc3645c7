"""One gate that every effect passes, so that tests can fail, delay or kill at each in turn.

In normal use the gate is open and costs one attribute look-up. A test sets a guard, which sees the name of the effect
and its path before it happens, and may raise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
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


@contextmanager
def guarded(guard: Guard) -> Generator[None]:
    """Let *guard* see each effect of this process inside the block; guards do not nest."""
    global _guard  # noqa: PLW0603  one per process is the point: an effect cannot slip past in another thread
    if _guard is not None:
        raise RuntimeError("a guard is already set")
    _guard = guard
    try:
        yield
    finally:
        _guard = None
