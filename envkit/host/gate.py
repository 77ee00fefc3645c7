"""Guard the gate that every effect passes, so that tests can fail, delay or kill at each in turn.

A guard sees the name of the effect and its path before it happens, and may raise.
"""

from __future__ import annotations

from envkit import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envkit.host import Guard


class guarded:  # noqa: N801  it reads as a statement: `with guarded(guard):`
    """Let *guard* see each effect of this process inside the block; guards do not nest."""

    def __init__(self, guard: Guard) -> None:
        self._own = guard

    def __enter__(self) -> None:
        if host.guard is not None:  # one per process is the point: an effect cannot slip past in another thread
            raise RuntimeError("a guard is already set")
        host.guard = self._own

    def __exit__(self, *_: object) -> None:
        host.guard = None
