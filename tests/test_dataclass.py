"""Classes that envkit's decorator makes, against those that `dataclasses` makes of the same text."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
import pickle
import re
import sys
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit import dataclass as ours

MODULES = itertools.count()
FLAGS = [{"frozen": frozen, "slots": slots} for frozen in (True, False) for slots in (True, False)]


def made_by(source: types.ModuleType, text: str, name: str = "C") -> Any:
    """Run a module's *text* with the decorator of *source*; give what it then calls *name*."""
    module = types.ModuleType(f"made_{next(MODULES)}")
    sys.modules[module.__name__] = module  # as an import does; pickle looks there
    header = f"from __future__ import annotations\nfrom {source.__name__} import dataclass, field, replace\n"
    exec(header + "from typing import ClassVar\n" + text, vars(module))
    return getattr(module, name)


def both(text: str, name: str = "C") -> list[Any]:
    return [made_by(source, text, name) for source in (dataclasses, ours)]


def outcome(call, *arguments, **named):
    """What a call comes to, in words that do not name the module."""
    try:
        result = call(*arguments, **named)
    except Exception as error:  # noqa: BLE001  both are compared by what they raise
        return type(error).__name__, re.sub(r"made_\d+", "", str(error))
    return "gave", result if isinstance(result, (bool, int, str, tuple, list, dict, type(None))) else repr(result)


def shape_of(kind):
    """What `dataclasses` and `inspect` say of a class."""
    fields = [
        (f.name, f.type, f.init, f.repr, f.compare, f.kw_only, dict(f.metadata), repr(f.default), f.hash)
        for f in dataclasses.fields(kind)
    ]
    return {
        "fields": [tuple("<>" if "MISSING" in str(part) else part for part in field) for field in fields],
        "params": repr(kind.__dataclass_params__),
        "match": kind.__match_args__,
        "slots": kind.__dict__.get("__slots__"),
        "signature": str(inspect.signature(kind)),
        "parameters": [(p.name, p.kind, p.annotation) for p in inspect.signature(kind).parameters.values()],
        "hash": kind.__hash__ is None,
        "doc": kind.__doc__,
        "state": [name in kind.__dict__ for name in ("__getstate__", "__setstate__", "__setattr__", "__delattr__")],
        "init": (
            kind.__init__.__qualname__,
            kind.__init__.__module__ == kind.__module__,
            kind.__init__.__annotations__,
        ),
        "name": (kind.__name__, kind.__qualname__),
    }


NAMES = ("alpha", "beta", "gamma", "self", "name", "cls")
DEFAULTS = ("", " = 3", " = 'x'", " = field(default=4{})", " = field(default_factory=list{})", " = field({})")


@st.composite
def bodies(draw, *, base: bool = False):
    """The fields of a class, as text; those of a base have names that its heir may use again."""
    lines = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4)):
        flags = draw(st.fixed_dictionaries({}, optional={
            "repr": st.booleans(), "compare": st.booleans(), "kw_only": st.booleans(), "init": st.booleans(),
            "metadata": st.just({"note": 1}),
        }))  # fmt: skip
        said = "".join(f", {key}={value}" for key, value in flags.items())
        default = draw(st.sampled_from(DEFAULTS))
        default = default.format(said if "=" in default[3:] else said[2:])
        lines.append(f"    {name}: {draw(st.sampled_from(('int', 'str | None', 'list[int]')))}{default}")
    if not base and draw(st.booleans()):
        lines.append("    count: ClassVar[int] = 7")
    return "\n".join(lines or ["    pass"])


@st.composite
def modules(draw):
    flags = draw(st.sampled_from(FLAGS))
    kw_only = draw(st.booleans())
    decorator = f"@dataclass({', '.join(f'{key}={value}' for key, value in {**flags, 'kw_only': kw_only}.items())})"
    text = f"{decorator}\nclass B:\n    'A base.'\n{draw(bodies(base=True))}\n"
    if not draw(st.booleans()):
        return text + "C = B\n"
    other = f"@dataclass(frozen={flags['frozen']}, slots={draw(st.booleans())}, kw_only={draw(st.booleans())})"
    return text + f"{other}\nclass C(B):\n    'An heir.'\n{draw(bodies())}\n"


def sane(text: str) -> bool:
    """Whether `dataclasses` takes the text at all; what it refuses is no class of ours."""
    try:
        made_by(dataclasses, text)
    except (TypeError, SyntaxError):
        return False
    return True


VALUES = st.one_of(st.integers(0, 2), st.just("text"), st.just(None), st.just([]))


@settings(max_examples=80)
@given(text=modules().filter(sane), data=st.data())
def test_generated_classes_are_alike(text, data):
    theirs, mine = both(text)
    assert shape_of(mine) == shape_of(theirs)
    args = tuple(data.draw(st.lists(VALUES, max_size=3)))
    named = data.draw(st.dictionaries(st.sampled_from((*NAMES[:3], "unknown")), VALUES, max_size=4))
    assert outcome(lambda: repr(theirs(*args, **named))) == outcome(lambda: repr(mine(*args, **named)))
    whole = {f.name: data.draw(VALUES) for f in dataclasses.fields(theirs) if f.init}
    if "self" in whole or any(not hasattr(theirs, f.name) and not f.init for f in dataclasses.fields(theirs)):
        return  # `self` cannot be given by name to a lambda's call; a field that nobody sets has no value
    one, other = theirs(**whole), mine(**whole)
    second = {**whole, **{name: data.draw(VALUES) for name in whole}}
    looks = [
        lambda it, kind: repr(it),
        lambda it, kind: hash(it),
        lambda it, kind: it == kind(**whole),
        lambda it, kind: it == kind(**second),
        lambda it, kind: it != kind(**second),
        lambda it, kind: it == 3,
        lambda it, kind: dataclasses.asdict(it),
        lambda it, kind: dataclasses.astuple(it),
        lambda it, kind: repr(dataclasses.replace(it, **second)),
        lambda it, kind: repr(copy.copy(it)),
        lambda it, kind: repr(copy.deepcopy(it)),
        lambda it, kind: repr(pickle.loads(pickle.dumps(it))),
        lambda it, kind: repr(pickle.loads(pickle.dumps(it, 1))),
        lambda it, kind: it.__reduce_ex__(2)[2],
        lambda it, kind: getattr(it, "__dict__", None),
        lambda it, kind: dataclasses.is_dataclass(it) and dataclasses.is_dataclass(kind),
        lambda it, kind: [setattr(it, name, 3) for name in whole],
        lambda it, kind: [delattr(it, name) for name in whole],
        lambda it, kind: repr(it),
    ]
    for look in looks:
        assert outcome(look, one, theirs) == outcome(look, other, mine), text
    if dataclasses.fields(mine) and "init=False" not in text:
        assert ours.replace(mine(**whole)) == mine(**whole)


CASES = """
missing and too many
@dataclass(frozen=True, slots=True)
class C:
    a: int
    b: int = 1
> C()
> C(1, 2, 3)

unknown
@dataclass(kw_only=True)
class C:
    a: int = 1
> C(b=3)
> C(1)
> C(a=2).a

twice
@dataclass
class C:
    a: int
> C(1, a=2)
> C(a=1)

after
@dataclass(frozen=True, slots=True)
class C:
    a: int
    def __post_init__(self): object.__setattr__(self, 'a', self.a + 1)
> C(1)
> C(1) == C(1)
> replace(C(1), a=5)

methods by hand
@dataclass(frozen=True)
class C:
    a: int
    def __eq__(self, other): return True
    def __repr__(self): return 'mine'
    def __hash__(self): return 5
> C(1) == 3
> C(1)
> hash(C(1))

equality by hand
@dataclass(frozen=True)
class C:
    a: int
    def __eq__(self, other): return True
> hash(C(1)) == hash(C(1))
> C(1) == 2

equality by hand of what can change
@dataclass
class C:
    a: int
    def __eq__(self, other): return True
> hash(C(1))
> C.__hash__

no hash
@dataclass(frozen=True)
class C:
    a: int
    __hash__ = None
> hash(C(1))
> C(1) == C(1)

making by hand
@dataclass
class C:
    a: int
    def __init__(self): self.a = 9
> C()
> C(1)

match
@dataclass(frozen=True)
class C:
    a: int
    b: int = 2
def see(it):
    match it:
        case C(a, b): return a, b
> see(C(1))
> C.__match_args__

no fields
@dataclass(frozen=True, slots=True)
class C:
    pass
> C() == C()
> hash(C())
> C()
> C(1)

one field
@dataclass(frozen=True, slots=True)
class C:
    a: object
> C(float('nan')) == C(float('nan'))
> hash(C('a')) == hash(('a',))
> C([]) == C([])

inside another
class A:
    @dataclass
    class B:
        a: int
C = A.B
> C(1)
> C()
> C.__qualname__

holds itself
@dataclass
class C:
    a: object
it = C(1)
it.a = [it]
> it

says nothing of itself
@dataclass
class C:
    a: int = 3
    b: list = field(default_factory=list)
> C.__doc__
> C(1).__doc__

heir without decorator
@dataclass(frozen=True)
class C:
    a: int
    b: int = 2
class D(C):
    def __init__(self, x):
        super().__init__(x)
        self.more = 1
def put(it, name):
    setattr(it, name, 3)
    return it
def drop(it, name):
    delattr(it, name)
    return vars(it)
> D(1)
> D(1) == D(1)
> D(1) == C(1)
> put(D(1), 'other').other
> put(D(1), 'a')
> D(1).more
> drop(D(1), 'more')
> drop(D(1), 'a')
> D(1, 2)
> list(D(5).__dataclass_fields__)
> __import__('inspect').signature(D)

heir with another default, not annotated
@dataclass(frozen=True, slots=True)
class B:
    a: int = 1
@dataclass(frozen=True, slots=True)
class C(B):
    a = 5
    b: int = 3
> C()
> C(2).a
> C(a=4) == C(4)

heir that calls its base
@dataclass
class B:
    a: int
@dataclass
class C(B):
    b: int = 3
    def __init__(self, a):
        B.__init__(self, a)
        self.b = 1
    def __repr__(self): return 'C of ' + B.__repr__(self)
> C(2)
> C(2) == C(2)
> B(1)
"""


@pytest.mark.parametrize("case", CASES.strip().split("\n\n"), ids=lambda case: case.partition("\n")[0])
def test_what_is_written_by_hand_is_respected(case):
    lines = case.splitlines()[1:]
    looks = [line[2:] for line in lines if line.startswith("> ")]
    text = "\n".join(line for line in lines if not line.startswith("> "))
    theirs, mine = both(text + "\nscope = globals()", "scope")
    for look in looks:
        assert outcome(eval, look, mine) == outcome(eval, look, theirs), look


def test_frozen_is_the_standard_error():
    _, mine = both("@dataclass(frozen=True, slots=True)\nclass C:\n    a: int")
    for act in (lambda: setattr(mine(1), "a", 2), lambda: setattr(mine(1), "z", 2), lambda: delattr(mine(1), "a")):
        with pytest.raises(dataclasses.FrozenInstanceError, match=r"^cannot (assign to|delete) field '[az]'$"):
            act()
