"""The values of envkit, and samples of what the decorator makes, to whoever asks the standard library about them."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import os
import pkgutil
import pydoc
import subprocess
import sys
import threading
import typing
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import pytest

import envkit
from envkit import dataclass as ours


@ours.dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample."""

    name: str
    parts: tuple[int, ...] = ()
    notes: dict[str, str] = ours.field(default_factory=dict, compare=False, repr=False)
    kinds: ClassVar[int] = 3


T = TypeVar("T")


@ours.dataclass(frozen=True, slots=True)
class Box(Generic[T]):
    content: T


def test_a_standard_dataclass_can_be_an_heir():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Heir(Sample):
        more: int = 1

    made = Heir(name="n", more=2)
    assert [field.name for field in dataclasses.fields(Heir)] == ["name", "parts", "notes", "more"]
    assert (made.name, made.more, made == Heir(name="n", more=2), made == Heir(name="n")) == ("n", 2, True, False)
    with pytest.raises(TypeError, match="cannot inherit non-frozen dataclass from a frozen one"):
        dataclasses.dataclass(type("Loose", (Sample,), {}))


def test_generic_and_abstract_classes_stay_so():
    assert Box[int](3) == Box(3)
    assert Box.__parameters__ == (T,)
    assert typing.get_type_hints(Box) == {"content": T}

    @ours.dataclass(frozen=True, slots=True)
    class Tree(ABC):
        root: str

        @abstractmethod
        def read(self) -> str: ...

    @ours.dataclass(frozen=True, slots=True)
    class Folder(Tree):
        def read(self) -> str:
            return self.root

    assert Folder("x").read() == "x"
    with pytest.raises(TypeError, match="abstract"):
        Tree("x")


def test_without_slots_attributes_can_be_cached():
    @ours.dataclass(frozen=True)
    class Cached:
        size: int

        @cached_property
        def double(self) -> int:
            return self.size * 2

    made = Cached(3)
    assert (made.double, made.double, vars(made)) == (6, 6, {"size": 3, "double": 6})


def test_help_shows_how_one_is_made():
    text = " ".join(pydoc.plain(pydoc.render_doc(Sample)).replace("|", "").split())
    assert "class Sample(builtins.object)" in text
    assert "*, name: 'str', parts: 'tuple[int, ...]' = (), notes: 'dict[str, str]' = <factory>" in text
    assert typing.get_type_hints(Sample.__init__)["parts"] == tuple[int, ...]


def test_values_are_copied_with_changes():
    one = Sample(name="n", notes={"a": "b"})
    assert one.__replace__(name="m") == Sample(name="m")
    assert ours.replace(one, parts=(1,)).notes is one.notes
    if sys.version_info >= (3, 13):
        assert copy.replace(one, name="m") == Sample(name="m")
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        ours.replace(one, other=1)


def test_threads_may_make_the_first_instance_at_once():
    for _ in range(30):
        made = []

        @ours.dataclass(frozen=True, slots=True)
        class First:
            a: int
            b: list[str] = ours.field(default_factory=list)

        start = threading.Barrier(4)

        def make(start=start, kind=First, made=made):
            start.wait(30)
            it = kind(1)
            made.append((it, hash(Sample(name="n")), repr(it), len(dataclasses.fields(kind))))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [(it, len(text) > 0, count) for it, _, text, count in made] == [(First(1), True, 2)] * 4


def value_classes():
    """Each class of envkit that the decorator made."""
    for module in pkgutil.walk_packages(envkit.__path__, "envkit."):
        if ".scripts." not in module.name:
            importlib.import_module(module.name)
    found = {}
    for name in sorted(sys.modules):
        if name.split(".")[0] == "envkit":
            for kind in vars(sys.modules[name]).values():
                if isinstance(kind, type) and kind.__module__ == name and "__envkit_fields__" in vars(kind):
                    found[f"{name}.{kind.__qualname__}"] = kind
    return found


def test_every_value_of_envkit_is_what_the_standard_decorator_would_have_made():
    kinds = value_classes()
    assert len(kinds) > 100
    for name, kind in kinds.items():
        fields = [(field.name, field.type, copied(field)) for field in dataclasses.fields(kind)]
        twin = dataclasses.make_dataclass(kind.__name__, fields, frozen=kind.__dataclass_params__.frozen)
        assert str(inspect.signature(kind)) == str(inspect.signature(twin)), name
        assert kind.__match_args__ == twin.__match_args__, name
        assert (kind.__hash__ is None) == (twin.__hash__ is None), name
        assert "__slots__" not in vars(kind) or not {"__dict__", "__weakref__"} & set(dir(kind)), name


def copied(field: dataclasses.Field[Any]) -> Any:
    said = {
        key: getattr(field, key)
        for key in ("default", "default_factory", "init", "repr", "compare", "kw_only", "metadata")
    }
    return dataclasses.field(**{key: value for key, value in said.items() if value is not dataclasses.MISSING})


def test_making_and_comparing_values_loads_no_slow_module():
    code = (
        "import sys; from envkit.dataclass import dataclass, field, replace\n"
        "@dataclass(frozen=True, slots=True)\nclass C:\n    a: int\n    b: list = field(default_factory=list)\n"
        "x = C(1); y = replace(x, a=2); assert x != y and repr(x) == 'C(a=1, b=[])' and hash(replace(x, b=()))\n"
        "import pickle; assert pickle.loads(pickle.dumps(x)) == x\n"
        "print({'dataclasses', 'inspect', 'typing'} & set(sys.modules))"
    )
    here = {"PYTHONPATH": os.path.dirname(envkit.__path__[0])}
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code], capture_output=True, text=True, env=here, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
