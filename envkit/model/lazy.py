"""A property that is worked out when first read, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801  used as a decorator, as `property` is
    """Like `functools.cached_property`, whose one lock for all instances (before Python 3.12) would make threads wait for
    each other, and a child that was forked meanwhile wait for ever. Several threads may work the value out; one is kept.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> lazy[T] | T:
        """Give the value, which from then on is found in the instance itself."""
        if instance is None:
            return self
        found: T = instance.__dict__.setdefault(self._name, self._make(instance))
        return found
