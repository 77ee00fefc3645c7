"""A moment until which a call and all that it runs may last: set around the call, minded by what waits for programs.

It goes with the flow of control, as everything between a resolution and a build hook would otherwise have to hand it on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_moment: ContextVar[float] = ContextVar("envkit-until", default=math.inf)


@contextmanager
def until(moment: float) -> Generator[None]:
    """Let what is called here last until *moment* (`time.monotonic`), or until an earlier moment that holds already."""
    token = _moment.set(min(moment, _moment.get()))
    try:
        yield
    finally:
        _moment.reset(token)


def left() -> float:
    """Give the seconds that are left, which may be negative; infinity where nothing was said."""
    return _moment.get() - time.monotonic()
