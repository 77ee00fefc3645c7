"""The plain form of values: what `Value.to_dict` gives and `Value.from_dict` reads, field by field.

Apart from `Value`, as few operations write or read one.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.version import Version


def encode_fields(value: Any) -> dict[str, Any]:
    """Give the fields of a dataclass as JSON-ready data, but for transient ones."""
    return {
        field.name: _encode(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if not field.metadata.get("transient")
    }


def _encode(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if dataclasses.is_dataclass(value):
        return encode_fields(value)
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in as_mapping(value, "").items()}
    items: Any = value
    if isinstance(value, (frozenset, set)):
        return sorted(_encode(item) for item in items)
    if isinstance(value, Sequence):
        return [_encode(item) for item in items]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def decode_fields(kind: Any, data: Any, where: str) -> Any:
    """Make a dataclass of *kind* from *data*; errors name the place after *where*. Raises `ValueError`."""
    data = as_mapping(data, where)
    hints = _hints(kind)
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in data:
            arguments[field.name] = _decode(hints[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: {field.name} is missing")
    return kind(**arguments)


def as_mapping(data: Any, where: str) -> Mapping[Any, Any]:
    """Give *data* if it is a mapping. Raises `ValueError`."""
    mapping: Mapping[Any, Any] = data
    if isinstance(data, Mapping):
        return mapping
    raise ValueError(f"{where}: expected a mapping, got {type(data).__name__}")


def _as_list(data: Any, where: str) -> list[Any]:
    items: list[Any] | tuple[Any, ...] = data
    if isinstance(data, (list, tuple)):
        return list(items)
    raise ValueError(f"{where}: expected a list, got {type(data).__name__}")


def _decode(kind: Any, data: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(arguments, data, where)
    if origin is typing.Literal:
        if data in arguments:
            return data
        raise ValueError(f"{where}: {data!r} is none of {arguments}")
    if origin in (tuple, Sequence) or kind is tuple:
        data = _as_list(data, where)
        if origin is Sequence or (len(arguments) == 2 and arguments[1] is Ellipsis):
            return tuple(_decode(arguments[0], item, f"{where}[{at}]") for at, item in enumerate(data))
        if len(arguments) != len(data):
            raise ValueError(f"{where}: expected {len(arguments)} items, got {len(data)}")
        return tuple(
            _decode(part, item, f"{where}[{at}]") for at, (part, item) in enumerate(zip(arguments, data, strict=True))
        )
    if origin in (frozenset, set):
        data = _as_list(data, where)
        return frozenset(_decode(arguments[0], item, f"{where}[{at}]") for at, item in enumerate(data))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        pairs = as_mapping(data, where).items()
        return {
            _decode(arguments[0], key, where): _decode(arguments[1], item, f"{where}[{key!r}]") for key, item in pairs
        }
    return _decode_scalar(kind, data, where)


def _decode_union(kinds: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in kinds:
        return None
    problem = f"{where}: {type(data).__name__} does not fit"
    for kind in kinds:
        if kind is not type(None):
            try:
                return _decode(kind, data, where)
            except ValueError as error:
                problem = str(error)
    raise ValueError(problem)


def _decode_scalar(kind: Any, data: Any, where: str) -> Any:
    if kind is Any:
        return data
    if dataclasses.is_dataclass(kind):
        return decode_fields(kind, data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind in (str, int, float, bool):
        if isinstance(data, kind) and not (kind is int and isinstance(data, bool)):
            return data
        raise ValueError(f"{where}: expected {kind.__name__}, got {type(data).__name__}")
    if kind is datetime and isinstance(data, str):
        return datetime.fromisoformat(data)
    if kind in (Version, Path) and isinstance(data, str):
        return kind(data)  # InvalidVersion is a ValueError
    if getattr(kind, "__supertype__", None) is str and isinstance(data, str):
        return data
    raise ValueError(f"{where}: cannot read {type(data).__name__} as {kind}")
