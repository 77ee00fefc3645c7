"""`datetime` and `timedelta`, loaded when one is asked for: few resolutions have a time, and loading them takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = ["datetime", "timedelta"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import datetime as dt

    return getattr(dt, name)
