"""Plain requirements are read as `packaging` reads them, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit.model.plain import holds, read_plain

NAMES = st.text(alphabet="aZ9._-", min_size=1, max_size=5) | st.sampled_from(["requests", "Foo_Bar", "é"])
NUMBERS = st.lists(st.integers(0, 30).map(str), min_size=1, max_size=4).map(".".join)
ENDS = st.sampled_from(
    ["", "", "", ".*", "a1", "b", "rc2", ".post1", "-1", ".dev0", "+local", ".dev", "c3", "alpha1", "a1.*", "!1"]
)
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~=", "===", "=", "=>", "in", ""])
SPACES = st.sampled_from(["", "", " ", "  ", "\t", "\n"])
CLAUSES = st.builds("{}{}{}{}{}{}".format, SPACES, OPERATORS, SPACES, NUMBERS, ENDS, SPACES)
EXTRAS = st.lists(st.builds("{}{}{}".format, SPACES, NAMES, SPACES), max_size=3).map(",".join)
VARIABLES = st.sampled_from(
    (
        "python_version",
        "python_full_version",
        "os_name",
        "sys_platform",
        "implementation_name",
        "platform_release",
        "implementation_version",
        "platform_machine",
        "extra",
        "nonsense",
        "os.name",
        "platform_python_implementation",
    )
)
VALUES = NUMBERS | st.sampled_from(
    ["linux", "cpython", "CPython", "posix", "3.*", "3.11rc1", "", "x86_64", "3.11", "3"]
)
MARKERS = st.builds(
    "{}{}{}{}{}{q}{}{q}{}".format,
    SPACES,
    VARIABLES,
    SPACES,
    OPERATORS,
    SPACES,
    VALUES,
    SPACES,
    q=st.sampled_from("'\""),
)


@st.composite
def requirements(draw: st.DrawFn) -> str:
    text = draw(SPACES) + draw(NAMES) + draw(SPACES)
    if draw(st.booleans()):
        text += f"[{draw(EXTRAS)}]" + draw(SPACES)
    text += ",".join(draw(st.lists(CLAUSES, max_size=3)))
    if draw(st.booleans()):
        text += ";" + draw(MARKERS)
    return text


ENVIRONMENTS = st.fixed_dictionaries(
    {},
    optional={
        "python_version": NUMBERS | st.just("3.11"),
        "python_full_version": NUMBERS | st.sampled_from(["3.11.0", "3.13.0rc1", "3.13.0+"]),
        "sys_platform": st.sampled_from(["linux", "win32"]),
    },
)


def _agrees(text: str, changes: dict[str, str]) -> bool:
    plain = read_plain(text)
    if plain is None:
        return False
    theirs = Requirement(text)  # what is read here is never invalid
    assert theirs.url is None
    assert plain.name == canonicalize_name(theirs.name)
    assert plain.extras == tuple(sorted({canonicalize_name(extra) for extra in theirs.extras}))
    assert plain.specifier == str(theirs.specifier)
    assert (plain.marker is None) == (theirs.marker is None)
    markers = {**dict(default_environment()), **changes}
    told = holds(plain, markers)
    if told is not None and theirs.marker is not None:
        assert told is theirs.marker.evaluate({**markers, "extra": ""})
    return True


@settings(max_examples=600, deadline=None)
@given(requirements(), ENVIRONMENTS)
@example("a<1,<1.0", {})
@example("a!=1.dev0,==1", {})
@example("a; python_version > '3.10'", {"python_version": "3.10.0"})
@example("a; python_full_version == '3.13'", {"python_full_version": "3.13.0"})
def test_what_is_read_is_what_packaging_reads(text, changes):
    _agrees(text, changes)


@given(st.text(max_size=30) | st.text(alphabet="a1 [],;<>=!~.'\"@()*", max_size=20))
def test_any_text_is_read_as_packaging_reads_it_or_not_at_all(text):
    try:
        _agrees(text, {})
    except InvalidRequirement:
        pytest.fail(f"{text!r} is no requirement, and was taken for one")


@pytest.mark.parametrize(
    "text",
    [
        "flask",
        "flask>=3",
        "requests[socks]",
        "Django [ argon2 , bcrypt ] >=4.2, <6 ",
        "numpy==1.26.*",
        "torch!=2.0.0,>=1.13,<3",
        "trio~=0.22.1",
        "black; implementation_name == 'cpython'",
        'tomli>=1.1.0; python_version < "3.11"',
        'colorama ; sys_platform == "win32"',
        "apache-airflow[celery,amazon]>=2.11,<3.2",
        "pre==1.0rc1",
    ],
)
def test_the_usual_shapes_are_read(text):
    assert _agrees(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "a @ https://index.example/a.whl",
        "a (>=1)",
        "a===1",
        "a>=1,>=1.0",
        "a; python_version in '3.8 3.9'",
        "a; os_name == 'nt' and python_version < '3'",
        "a; '3.8' < python_version",
        "a==1+local",
        "a>=1!2",
        "a; platform_release >= '5'",
        "a" * 201,
    ],
)
def test_everything_else_is_left_to_packaging(text):
    assert read_plain(text) is None
