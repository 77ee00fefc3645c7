"""What the installer needs from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from envkit.model.distribution import LocalWheel
from envkit.model.resolution import Pin


class WheelSupply(Protocol):
    """Gives verified wheels for pins."""

    def wheels(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel]]:
        """Yield each pin with its wheel, in any order, as they become ready.

        Called once for each plan that is applied, before anything is written. Raises errors of envkit's tree; when it
        raises, nothing has been changed.
        """
        ...
