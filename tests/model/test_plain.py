"""Plain requirements are read as `packaging` reads them, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit.model.plain import holds, read_plain
from envkit.model.plain_markers import marker_holds, split_extra

NAMES = st.text(alphabet="aZ9._-", min_size=1, max_size=5) | st.sampled_from(["requests", "Foo_Bar", "é"])
NUMBERS = st.lists(st.integers(0, 30).map(str) | st.sampled_from(["0", "01"]), min_size=1, max_size=4).map(".".join)
ENDS = st.sampled_from(
    [
        "",
        "",
        "",
        ".*",
        "a1",
        "b",
        "rc2",
        "rc02",
        ".post1",
        "-1",
        ".dev0",
        "dev",
        "+local",
        ".dev",
        "c3",
        "alpha1",
        "a1.*",
        "!1",
    ]
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
COMPARISONS = st.builds(
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
USUAL = st.sampled_from(
    (
        "sys_platform == 'linux'",
        'os_name!="nt"',
        "python_version < '3.9'",
        "implementation_name=='pypy'",
        "extra == 'x'",
    )
)
MARKERS = st.recursive(
    COMPARISONS | USUAL,
    lambda inner: (
        st.builds("{}{}{}{}{}".format, inner, SPACES, st.sampled_from(["and", "or", "and ", " or "]), SPACES, inner)
        | st.builds("{}({}){}".format, SPACES, inner, SPACES)
    ),
    max_leaves=6,
)


@st.composite
def requirements(draw: st.DrawFn) -> str:
    text = draw(SPACES) + draw(NAMES) + draw(SPACES)
    if draw(st.booleans()):
        text += f"[{draw(EXTRAS)}]" + draw(SPACES)
    clauses = ",".join(draw(st.lists(CLAUSES, max_size=3)))
    text += draw(st.sampled_from(["{}", "{}", "({})", "( {} ) ", "({}"])).format(clauses)
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
    split = split_extra(plain.marker) if plain.marker is not None else None
    if split is not None and theirs.marker is not None:
        extra, rest = split
        besides = True if rest is None else marker_holds(rest, markers)
        assert not theirs.marker.evaluate({**markers, "extra": ""}) or besides is None
        if besides is not None:
            assert besides is theirs.marker.evaluate({**markers, "extra": extra})
    return True


@settings(max_examples=600, deadline=None)
@given(requirements(), ENVIRONMENTS)
@example("a<1,<1.0", {})
@example("a!=1.dev0,==1", {})
@example("a!=1.0rc1,!=1.0rc01", {})
@example("a; (python_version<'3')and(os_name=='nt')", {})
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
        "arrow (>=0.15.0)",
        "PySocks (!=1.5.7,<2.0,>=1.5.6) ; extra == 'socks'",
        "google-auth<3.0.0dev,>=1.25.0",
        "sphinx!=5.2.0,!=5.2.0.post0,!=7.2.5; extra == 'docs'",
        "pexpect>4.6; sys_platform != 'win32' and sys_platform != 'emscripten'",
        "pywin32 ; (os_name == 'nt' and implementation_name != 'pypy') and extra == 'dev'",
        "uvloop; (sys_platform != 'win32' and (os_name == 'nt' or platform_system != 'Linux')) and extra == 'x'",
    ],
)
def test_the_usual_shapes_are_read(text):
    assert _agrees(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "a @ https://index.example/a.whl",
        "a ()",
        "a (>=1",
        "a===1",
        "a>=1,>=1.0",
        "a; python_version in '3.8 3.9'",
        "a; os_name == 'nt' and",
        "a; (os_name == 'nt'",
        "a; os_name == 'nt' python_version < '3'",
        "a; " + "(" * 17 + "os_name == 'nt'" + ")" * 17,
        "a>=1.0,>=1",
        "a; '3.8' < python_version",
        "a==1+local",
        "a>=1!2",
        "a; platform_release >= '5'",
        "a" * 301,
    ],
)
def test_everything_else_is_left_to_packaging(text):
    assert read_plain(text) is None
