"""Tuples with names that envkit's base makes, against those that `typing` makes of the same text."""

from __future__ import annotations

import inspect
import itertools
import pickle
import sys
import types
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit import namedtuple as ours

MODULES = itertools.count()


def made_by(source: types.ModuleType, text: str) -> Any:
    module = types.ModuleType(f"named_{next(MODULES)}")
    sys.modules[module.__name__] = module  # as an import does; pickle looks there
    exec(f"from __future__ import annotations\nfrom {source.__name__} import NamedTuple\n{text}", vars(module))
    return vars(module)["C"]


def both(text: str) -> list[Any]:
    return [made_by(source, text) for source in (typing, ours)]


@given(
    st.lists(st.sampled_from(["int", "str | None", "tuple[int, ...]"]), max_size=4),
    st.integers(0, 4),
    st.lists(st.integers(0, 3), max_size=5),
    st.dictionaries(st.sampled_from(["f0", "f1", "other"]), st.integers(0, 3)),
)
def test_generated_classes_are_alike(hints, required, args, named):
    fields = [f"    f{at}: {hint}{f' = {at}' * (at >= required)}" for at, hint in enumerate(hints)]
    body = "\n".join([*fields, "    def total(self): return len(self) + self.extra", "    extra = 3"])
    theirs, mine = both(f"class C(NamedTuple):\n    'What it is.'\n{body}")
    for name in ("__doc__", "__name__", "__qualname__", "__bases__", "_fields", "_field_defaults", "__match_args__"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert typing.get_type_hints(mine) == typing.get_type_hints(theirs)
    assert list(inspect.signature(mine).parameters) == list(inspect.signature(theirs).parameters)
    assert outcome(theirs, *args, **named) == outcome(mine, *args, **named)
    whole = mine(*range(len(hints)))
    assert (whole, repr(whole), whole.total()) == (tuple(range(len(hints))), repr(theirs(*whole)), len(hints) + 3)
    assert pickle.loads(pickle.dumps(whole)) == whole
    assert type(pickle.loads(pickle.dumps(whole))) is mine
    assert whole._replace() == whole and whole._asdict() == theirs(*whole)._asdict()
    assert not hasattr(whole, "__dict__")


def outcome(call, *args, **named):
    try:
        return repr(call(*args, **named))
    except TypeError as error:
        return str(error)


def test_methods_properties_and_class_methods_work():
    _, kind = both(
        "class C(NamedTuple):\n    a: int\n    b: int = 2\n"
        "    @classmethod\n    def of(cls, text): return cls(int(text))\n"
        "    @property\n    def both(self): return self.a + self.b\n    def __str__(self): return 'C!'"
    )
    assert (kind.of("1").both, str(kind(1)), repr(kind(1)), kind(1) == (1, 2)) == (3, "C!", "C(a=1, b=2)", True)
    with pytest.raises(AttributeError):
        kind(1).a = 3


def test_a_default_before_a_field_without_one_is_refused():
    for source in (typing, ours):
        with pytest.raises(TypeError):
            made_by(source, "class C(NamedTuple):\n    a: int = 1\n    b: int\n    c: int = 2\n    d: int")
