"""Turn frozen values into plain data and back.

`Value` gives any frozen dataclass ``to_dict()`` and ``from_dict()``. The plain form holds only what JSON can hold; the
outermost mapping carries ``schema``, which rises when a form changes incompatibly. Reading checks shapes and raises
`ValueError` naming the place; callers map that to the error of their layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self


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
