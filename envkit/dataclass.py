"""``@dataclass`` as the standard library has it, without what that costs a process which is about to end.

Loading `dataclasses` loads `inspect`, `ast` and `dis`, and it compiles five methods of each class from text: a sixth of a
fresh process that resolves. Here ``__init__`` is compiled when it is first looked for, the other methods are closures, and
`dataclasses` is loaded when somebody asks it for something. In all else a class is as that module would have made it:
`dataclasses.fields`, `replace` and `asdict`, `inspect.signature`, ``match``, `copy` and `pickle` know it. The tests compare.

Of `dataclass` there are *frozen*, *slots* and *kw_only*, of `field` all but *hash*; ``InitVar`` and ``KW_ONLY`` are missing,
and a class that `dataclasses` made cannot be a base. What it refuses, like a list for a default, is not looked for here,
but by the tests, which have it make each class of envkit anew.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from types import MemberDescriptorType

TYPE_CHECKING = False
if TYPE_CHECKING:  # loading `typing` takes longer than making the classes that a resolution needs
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

__all__ = ["dataclass", "field", "replace"]

_MISSING: Any = object()


class _Field:
    """What is said of one field; *kw_only* None means as the class says."""

    __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "metadata", "repr")

    def __init__(
        self,
        *,
        default: Any = _MISSING,
        default_factory: Any = _MISSING,
        init: bool = True,
        repr: bool = True,  # noqa: A002  as `dataclasses.field` has it
        compare: bool = True,
        metadata: Mapping[Any, Any] | None = None,
        kw_only: bool | None = None,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.metadata = metadata
        self.kw_only = kw_only


class _Later:
    """An attribute of a class that is made when it is first looked for, and then takes its own place.

    Threads that look at the same time may make one each, which are alike.
    """

    __slots__ = ("_make", "_name", "_owner")

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        made = self._make(self._owner)
        if hasattr(made, "__qualname__"):
            made.__qualname__ = f"{self._owner.__qualname__}.{self._name}"
        setattr(self._owner, self._name, made)
        return made.__get__(instance, owner) if hasattr(made, "__get__") else made


def _decorator(cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, kw_only: bool = False) -> Any:
    def made(cls: type) -> type:
        return _made(cls, frozen=frozen, slots=slots, kw_only=kw_only)

    return made if cls is None else made(cls)


def _made(cls: type, *, frozen: bool, slots: bool, kw_only: bool) -> type:
    """Make *cls* anew with what its fields ask for, as slots cannot be added to a class that is there."""
    names = dict(cls.__dict__)
    fields: dict[str, _Field] = {}
    for base in cls.__mro__[-1:0:-1]:
        fields.update(base.__dict__.get("__envkit_fields__", ()))
    for name, hint in cls.__annotations__.items():
        if str(hint).removeprefix("typing.").startswith("ClassVar"):
            continue
        given = getattr(cls, name, _MISSING)
        if isinstance(given, MemberDescriptorType):
            given = _MISSING  # that of a base
        field = fields[name] = given if isinstance(given, _Field) else _Field(default=given)
        if field.kw_only is None:
            field.kw_only = kw_only
        if isinstance(given, _Field):
            names.pop(name, None)
            if field.default is not _MISSING:
                names[name] = field.default
    names.pop("__dict__", None)
    names.pop("__weakref__", None)
    if slots:
        inherited = {slot for base in cls.__mro__[1:-1] for slot in _slots_of(base)}
        names["__slots__"] = tuple([name for name in fields if name not in inherited])
        for name in fields:
            names.pop(name, None)
    _add_methods(names, fields, frozen=frozen, slots=slots)
    shape = {"frozen": frozen, "slots": slots, "kw_only": kw_only}
    names["__dataclass_fields__"] = _Later(lambda cls: _standard(cls, fields, shape).__dataclass_fields__)
    names["__dataclass_params__"] = _Later(lambda cls: _standard(cls, fields, shape).__dataclass_params__)
    names["__envkit_fields__"] = fields
    names["__qualname__"] = cls.__qualname__
    return type(cls)(cls.__name__, cls.__bases__, names)


def _slots_of(base: type) -> Iterable[str]:
    slots: str | Iterable[str] = base.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def _add_methods(names: dict[str, Any], fields: Mapping[str, _Field], *, frozen: bool, slots: bool) -> None:
    """Add to the *names* of a class what it does not define itself."""
    equal, hashed = _comparison([name for name, field in fields.items() if field.compare])
    if "__hash__" not in names or (names["__hash__"] is None and "__eq__" in names):
        names["__hash__"] = hashed if frozen else None
    names.setdefault("__eq__", equal)
    names.setdefault("__repr__", _Later(lambda _: _text([name for name, field in fields.items() if field.repr])))
    names.setdefault("__init__", _Later(lambda cls: _init(cls, fields, frozen=frozen, slots=slots)))
    names.setdefault("__match_args__", tuple([name for name, f in fields.items() if f.init and not f.kw_only]))
    names.setdefault("__replace__", _replace)
    if names.get("__doc__") is None:
        names["__doc__"] = _Later(_call)
    if frozen:
        names["__setattr__"] = _Later(lambda cls: _refusal(cls, fields, "__setattr__", "assign to"))
        names["__delattr__"] = _Later(lambda cls: _refusal(cls, fields, "__delattr__", "delete"))
        if slots:
            names.setdefault("__getstate__", _getstate)
            names.setdefault("__setstate__", _setstate)


def _init(cls: type, fields: Mapping[str, _Field], *, frozen: bool, slots: bool) -> Any:
    """Compile ``__init__``; what it refers to by a name of its own goes in through a function around it."""
    inside: dict[str, Any] = {"_put": object.__setattr__, "_factory": _FACTORY}
    me = "self" if "self" not in fields else "_self"
    anywhere, by_name, lines = [me], ["*"], list[str]()
    for name, field in fields.items():
        parameter = value = name
        if field.default_factory is not _MISSING:
            inside[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_factory"
            value = f"_make_{name}() if {name} is _factory else {name}" if field.init else f"_make_{name}()"
        elif field.default is not _MISSING:
            inside[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
            value = name if field.init else f"_default_{name}"
        if field.init:
            (by_name if field.kw_only else anywhere).append(parameter)
        elif value == name or (value.startswith("_default") and not slots):
            continue  # nobody gives it a value, or its class has it
        lines.append(f"_put({me}, {name!r}, {value})" if frozen else f"{me}.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append(f"{me}.__post_init__()")
    parameters = ", ".join(anywhere + (by_name if len(by_name) > 1 else []))
    body = "\n  ".join(lines or ["pass"])
    scope: dict[str, Any] = {}
    text = f"def make({', '.join(inside)}):\n def __init__({parameters}):\n  {body}\n return __init__"
    exec(text, vars(sys.modules[cls.__module__]), scope)  # noqa: S102  of names of fields alone, which are identifiers
    made = scope["make"](**inside)
    hints = _hints(cls)
    made.__annotations__ = {**{name: hints[name] for name, field in fields.items() if field.init}, "return": None}
    return made


class _Factory:
    """What a signature shows for a default that is made for each instance."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _hints(cls: type) -> dict[str, Any]:
    """Give the annotations of the fields of *cls*, those of its bases included."""
    hints: dict[str, Any] = {}
    for base in cls.__mro__[-1::-1]:
        if "__envkit_fields__" in base.__dict__:
            hints.update(base.__annotations__)
    return hints


def _comparison(names: list[str]) -> tuple[Any, Any]:
    """Give ``__eq__`` and ``__hash__`` of a class whose fields *names* are compared."""
    # Of fewer than two names `attrgetter` makes no tuple.
    read: Callable[[Any], Any] = (
        attrgetter(*names) if len(names) > 1 else lambda value: tuple([getattr(value, name) for name in names])
    )

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return bool(read(self) == read(other)) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(read(self))

    return __eq__, __hash__


def _text(names: list[str]) -> Any:
    from reprlib import recursive_repr

    @recursive_repr("...")
    def __repr__(self: object) -> str:  # noqa: N807
        return f"{self.__class__.__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

    return __repr__


def _refusal(cls: type[Any], fields: Mapping[str, _Field], method: str, done: str) -> Any:
    """Give the *method* that does not let anything be *done* to a frozen instance."""

    def refuse(self: object, name: str, *value: Any) -> None:
        if type(self) is cls or name in fields:
            from dataclasses import FrozenInstanceError

            raise FrozenInstanceError(f"cannot {done} field {name!r}")
        getattr(super(cls, self), method)(name, *value)  # pyright: ignore[reportUnknownArgumentType]

    return refuse


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__envkit_fields__]


def _setstate(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__envkit_fields__, state, strict=False):
        object.__setattr__(self, name, value)


def _replace(self: Any, /, **changes: Any) -> Any:
    """Give the same with other values for some fields."""
    for name, field in self.__envkit_fields__.items():
        if field.init:
            changes.setdefault(name, getattr(self, name))
        elif name in changes:
            raise TypeError(f"field {name} is declared with init=False, it cannot be specified with replace()")
    return self.__class__(**changes)


def _call(cls: type) -> str:
    """Give how an instance is made, for a class that says nothing of itself."""
    from inspect import signature

    return f"{cls.__name__}{signature(cls)}".replace(" -> None", "")


def _standard(cls: type, fields: Mapping[str, _Field], shape: dict[str, bool]) -> Any:
    """Have `dataclasses` make a class of the same fields, for what it knows of one."""
    import dataclasses

    hints = _hints(cls)
    names: dict[str, Any] = {"__module__": cls.__module__, "__annotations__": {name: hints[name] for name in fields}}
    for name, field in fields.items():
        said = {key: getattr(field, key) for key in _Field.__slots__ if getattr(field, key) is not _MISSING}
        names[name] = dataclasses.field(**said)
    return dataclasses.dataclass(**shape)(type(cls.__name__, (), names))


def _replaced(value: Any, /, **changes: Any) -> Any:
    return value.__replace__(**changes)


if TYPE_CHECKING:  # to a type checker these are the standard library's
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _decorator, _Field, _replaced
