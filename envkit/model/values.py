"""Turn frozen values into plain data and back.

`Value` gives any frozen dataclass ``to_dict()`` and ``from_dict()``. The plain form holds only what JSON can hold; the
outermost mapping carries ``schema``, which rises when a form changes incompatibly. Reading checks shapes and raises
`ValueError` naming the place; callers map that to the error of their layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

_compared: dict[type, Callable[[Any], Any]] = {}


class ByFields:
    """Equality, hash and text of a dataclass by its fields, as `dataclasses` makes them with ``eq`` and ``repr``.

    For the few classes that every resolution needs: a fresh process would spend a quarter of the time of a small warm
    resolution on making these three methods for each of them.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        read = _compared.get(self.__class__) or _reader(self.__class__)
        return bool(read(self) == read(other))

    def __hash__(self) -> int:
        return hash((_compared.get(self.__class__) or _reader(self.__class__))(self))

    def __repr__(self) -> str:
        from dataclasses import fields

        texts = [f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr]  # type: ignore[arg-type]
        return f"{self.__class__.__qualname__}({', '.join(texts)})"


def _reader(kind: type) -> Callable[[Any], Any]:
    """Give what reads the fields of a *kind* that take part in comparisons."""
    from dataclasses import fields
    from operator import attrgetter

    read = _compared[kind] = attrgetter(*[field.name for field in fields(kind) if field.compare])
    return read


class Value:
    """The base of frozen dataclasses that can be written and read as plain data."""

    __slots__ = ()
    schema: ClassVar[int] = 1

    def to_dict(self) -> dict[str, Any]:
        """Give the value as JSON-ready data, with ``schema`` inside."""
        from envkit.model.forms import encode_fields

        return {"schema": self.schema, **encode_fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave. Raises `ValueError` naming the place where it does not fit."""
        from envkit.model.forms import as_mapping, decode_fields

        data = as_mapping(data, cls.__name__)
        if data.get("schema") != cls.schema:
            raise ValueError(f"{cls.__name__}: schema {data.get('schema')!r} is not {cls.schema}")
        value: Self = decode_fields(cls, data, cls.__name__)
        return value
