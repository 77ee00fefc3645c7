"""Get the wheels of a plan, checked, with their bytecode where it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import cast

from envkit.errors import InstallError, InvalidWheel
from envkit.installation.contents import Item
from envkit.installation.ports import InterpreterFacts, UnlookedSupply, WheelSupply
from envkit.model.distribution import LocalWheel
from envkit.model.identity import normalize
from envkit.model.plan import Addition, InstallPlan
from envkit.model.resolution import Pin


class PoolChanged(InstallError):
    """A file of the pool went away while it was being linked, or is not what was unpacked."""


def fetch(
    plan: InstallPlan,
    supply: WheelSupply | None,
    interpreter: InterpreterFacts,
    *,
    compiled: Collection[str],
    look: bool,
    check: Callable[[], object],
) -> list[Item]:
    """Give an item for each addition of *plan*, in its order. Raises what the supply raises; nothing is changed.

    *compiled* are the projects whose bytecode is wanted. Without *look* the files of unpacked wheels may be left to be
    looked at later.
    """
    additions: dict[str, Addition] = {addition.pin.name: addition for addition in (*plan.add, *plan.replace)}
    if not additions or supply is None:
        return []
    found: dict[str, Item] = {}
    pins = [addition.pin for addition in additions.values()]
    for pin, wheel, looked in _wheels(supply, pins, look=look or bool(compiled)):
        check()
        if normalize(wheel.name) != pin.name:
            raise InvalidWheel(f"{wheel.filename} is {wheel.name}, not {pin.name}", context={"wheel": wheel.filename})
        found[pin.name] = Item(pin=pin, wheel=wheel, requested=additions[pin.name].requested, looked=looked)
    missing = [name for name in additions if name not in found]
    if missing:
        raise InstallError(f"no wheel for {', '.join(missing)}", context={"names": tuple(missing)})
    if compiled:
        wanted = [item.wheel for name, item in found.items() if name in compiled]
        bytecode = supply.compiled(wanted, interpreter)
        for name, item in found.items():
            found[name] = Item(
                pin=item.pin, wheel=item.wheel, requested=item.requested, compiled=bytecode.get(item.wheel.sha256)
            )
    return [found[name] for name in additions]


def _wheels(supply: WheelSupply, pins: list[Pin], *, look: bool) -> Iterator[tuple[Pin, LocalWheel, bool]]:
    if not look and hasattr(supply, "unlooked"):
        yield from cast(UnlookedSupply, supply).unlooked(pins)
        return
    for pin, wheel in supply.wheels(pins):
        yield pin, wheel, True
