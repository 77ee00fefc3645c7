"""The only effects on the machine, all behind one gate.

Each write, rename, removal and process is announced to `effect` before it happens. In normal use the gate is open and costs
one look; `envkit.host.gate` sets a guard, with which tests fail, delay or kill at each effect in turn.
"""

# This module is on every path, also on those that take a millisecond, so it has nothing that must be loaded or made.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Guard: TypeAlias = Callable[[str, str], None]

guard: "Guard | None" = None


def effect(name: str, path: str) -> None:
    """Announce an effect, for example ``effect("rename", "/env/lib/x")``. Whatever the guard raises comes through."""
    if guard is not None:
        guard(name, path)


def watched() -> bool:
    """Whether a guard is set; a loop over thousands of files looks once instead of announcing each."""
    return guard is not None
