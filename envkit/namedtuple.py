"""``class Point(NamedTuple)`` as `typing` has it, but for one thing: annotations that are text stay text.

`typing` compiles each of them when the class is made, for nobody: who asks `typing.get_type_hints` gets types here too. That
compiling took a twentieth of a fresh process that resolves.
"""

from __future__ import annotations

import collections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NamedTuple"]

_make: Any = collections.namedtuple  # noqa: PYI024  this is what `typing` makes one of


class _Maker(type):
    """Makes a tuple with names of each class that has `NamedTuple` for its base."""

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, names)
        hints: dict[str, Any] = names.pop("__annotations__", {})
        optional = [field in names for field in hints]
        if optional != sorted(optional):
            raise TypeError(f"{name}: a field without a default follows one that has one")
        defaults = [names.pop(field) for field in hints if field in names]
        made = _make(name, hints, defaults=defaults, module=names.pop("__module__"))
        made.__annotations__ = made.__new__.__annotations__ = hints
        made.__orig_bases__ = bases
        for attribute, thing in names.items():
            setattr(made, attribute, thing)
        return made


class _NamedTuple(metaclass=_Maker):
    """The base to name; what is made has `tuple` for its only one."""


if TYPE_CHECKING:  # to a type checker this is the standard library's
    from typing import NamedTuple
else:
    NamedTuple = _NamedTuple
