"""Memory that does not grow with the life of a process."""

from __future__ import annotations

from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Recent(dict[_K, _V]):
    """A dictionary in which the oldest entry gives way once there are *most*; filled by ``memo[key] = value`` alone.

    As safe in threads as a dictionary is.
    """

    __slots__ = ("most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: _K, value: _V) -> None:
        if len(self) >= self.most and key not in self:
            try:
                del self[next(iter(self))]
            except (KeyError, StopIteration, RuntimeError):  # another thread is changing it; the next entry makes room
                pass
        super().__setitem__(key, value)
