"""Sets of environments: packaging says what a marker means, over a grid of environments and by generated markers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker

from envkit.errors import EnvkitError, LockError
from envkit.model.marker_sets import ALL, EMPTY, MarkerSets
from envkit.model.marker_text import holds_in, marker_of, set_of, set_of_python

_PLATFORMS = [("linux", "posix", "Linux"), ("darwin", "posix", "Darwin"), ("win32", "nt", "Windows")]
GRID = [
    {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": platform[0],
        "os_name": platform[1],
        "platform_system": platform[2],
        "platform_machine": machine,
        "implementation_name": implementation,
        "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}[implementation],
        "platform_release": "6.1",
        "platform_version": "#1",
        "implementation_version": python,
    }
    for python, platform, machine, implementation in itertools.product(
        ["3.8.0", "3.9.0", "3.9.7", "3.10.1", "3.11.0", "3.12.4", "3.13.0"],
        _PLATFORMS,
        ["x86_64", "arm64"],
        ["cpython", "pypy"],
    )
]

_ATOMS = st.sampled_from(
    [
        "python_version < '3.9'", "python_version >= '3.10'", "python_version == '3.11'", "python_version != '3.9'",
        "python_version in '3.8 3.9'", "python_version not in '3.10, 3.11'", "'3.9' <= python_version",
        "python_version > '3.9.5'", "python_version ~= '3.9'", "python_version == '3.*'",
        "python_full_version < '3.9.7'", "python_full_version >= '3.10.1'", "python_full_version == '3.11.*'",
        "python_full_version != '3.9.7'", "python_full_version <= '3.9'", "python_full_version > '3.9.0'",
        "sys_platform == 'win32'", "sys_platform != 'linux'", "os_name == 'nt'", "os_name != 'posix'",
        "platform_system == 'Windows'", "platform_machine in 'x86_64 amd64'", "'arm' in platform_machine",
        "platform_machine == 'arm64'", "platform_python_implementation == 'PyPy'", "implementation_name != 'pypy'",
        "platform_release >= '5'", "'linux' in sys_platform",
    ]
)  # fmt: skip
MARKERS = st.recursive(
    _ATOMS,
    lambda inner: st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=8,
)


@given(MARKERS)
@settings(max_examples=60)
def test_a_marker_written_again_means_the_same(text):
    sets = MarkerSets()
    node = set_of(sets, text)
    expected = [Marker(text).evaluate(environment) for environment in GRID]
    assert [holds_in(sets, node, environment) for environment in GRID] == expected
    if sets.is_empty(node):
        assert not any(expected)
        return
    again = marker_of(sets, node)
    assert again is not None or all(expected)
    if again is not None:
        assert [Marker(again).evaluate(environment) for environment in GRID] == expected


def test_one_variable_has_one_value():
    """What would be exponential if the values of a variable were questions of their own is not."""
    sets = MarkerSets()
    pairs = [f"(platform_machine == 'm{n}' and platform_release == 'r{n}')" for n in range(40)]
    node = set_of(sets, " or ".join(pairs))
    assert marker_of(sets, node) == " or ".join(sorted(pairs)).replace("'", '"')
    assert set_of(sets, "platform_machine == 'a' and platform_machine == 'b'") == EMPTY
    assert set_of(sets, "platform_machine != 'a' or platform_machine != 'b'") == ALL
    assert set_of(sets, "python_version < '3.9' and python_version >= '3.10'") == EMPTY
    assert set_of(sets, "python_version >= '3.9' or python_version < '3.10'") == ALL


@given(MARKERS, MARKERS)
def test_algebra(one, other):
    sets = MarkerSets()
    left, right = set_of(sets, one), set_of(sets, other)
    assert sets.both(left, right) == set_of(sets, f"({one}) and ({other})")
    assert sets.either(left, right) == set_of(sets, f"({one}) or ({other})")
    assert sets.outside(sets.outside(left)) == left
    assert sets.both(left, sets.outside(left)) == EMPTY
    assert sets.is_within(sets.both(left, right), left)


@given(MARKERS, st.sampled_from([">=3.9", ">=3.10,<3.13", "==3.11.*", ">=3.8,!=3.9.*"]))
def test_context_only_frees(text, python):
    sets = MarkerSets()
    within = set_of_python(sets, python)
    node = set_of(sets, text)
    if sets.is_empty(sets.both(node, within)):
        return
    short = marker_of(sets, node, within)
    from packaging.specifiers import SpecifierSet

    for environment in GRID:
        if SpecifierSet(python).contains(environment["python_full_version"]):
            expected = Marker(text).evaluate(environment)
            assert (short is None or Marker(short).evaluate(environment)) == expected


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("python_version < '3.9' or python_version >= '3.9'", None),
        ("python_version < '3.9' and python_version < '3.11'", 'python_version < "3.9"'),
        ("python_version >= '3.9' and python_version < '3.10'", 'python_version == "3.9"'),
        ("sys_platform == 'win32' and sys_platform != 'linux'", 'sys_platform == "win32"'),
        ("sys_platform != 'win32' or python_version >= '3.9'", 'python_version >= "3.9" or sys_platform != "win32"'),
        ("python_full_version < '3.9.1'", 'python_full_version < "3.9.1"'),
        ("os_name == 'nt' and sys_platform == 'win32'", 'sys_platform == "win32"'),
        ("'dev' in dependency_groups or 'x' in extras", '"dev" in dependency_groups or "x" in extras'),
    ],
)
def test_short(text, short):
    sets = MarkerSets()
    assert marker_of(sets, set_of(sets, text)) == short


@pytest.mark.parametrize(
    "text",
    [
        "sys_platform == 'win32' and sys_platform == 'linux'",
        "python_version < '3.9' and python_version >= '3.10'",
        "sys_platform == 'win32' and os_name == 'posix'",
        "platform_system == 'Linux' and sys_platform == 'darwin'",
    ],
)
def test_impossible(text):
    sets = MarkerSets()
    assert sets.is_empty(set_of(sets, text))
    with pytest.raises(LockError):
        marker_of(sets, set_of(sets, text))


def test_none_is_everything():
    sets = MarkerSets()
    assert set_of(sets, None) == ALL
    assert marker_of(sets, ALL) is None


def test_hostile_markers_end():
    sets = MarkerSets()
    many = " or ".join(f"(platform_machine == 'm{n}' and platform_release == 'r{n}')" for n in range(500))
    with pytest.raises(EnvkitError):
        marker_of(sets, set_of(sets, many))
    mixed = " and ".join(f"('m{n}' not in platform_machine or 'r{n}' in platform_release)" for n in range(60))
    with pytest.raises(EnvkitError, match="too complex"):
        set_of(MarkerSets(), mixed)
