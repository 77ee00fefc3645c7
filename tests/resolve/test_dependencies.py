"""Dependencies of extras, read the short way, are what the markers of `packaging` say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit.errors import RequirementError
from envkit.model.candidate import CoreMetadata
from envkit.resolve.dependencies import evaluate

from .graphs import TARGET

EXTRAS = ("x", "y", "Big_Extra", "big-extra")
CONDITIONS = st.sampled_from(
    [
        "python_version >= '3.8'", 'python_version < "3.8"', "sys_platform == 'win32'", 'sys_platform == "linux"',
        "platform_machine != 'x86_64'", "python_full_version != '3.11.4'", "extra == 'y'", "os_name == 'posix'",
        "python_version in '3.11'", "'linux' == sys_platform", "implementation_name == 'cpython' or os_name == 'nt'",
        "python_version ~= '3.8'", "python_version",
    ]
)  # fmt: skip
WHATS = st.sampled_from(
    ["a", "A_b >=1,<2", "a[s, T]~=1.0", "a (>=1)", "a==1.*", "a @ https://files.example/a.whl", "a===1", ""]
)
MARKERS = st.builds(
    lambda condition, joint, extra, quote, parenthesis: (
        (f"({condition}){joint}" if parenthesis else f"{condition}{joint}") + f"extra == {quote}{extra}{quote}"
    ),
    CONDITIONS,
    st.sampled_from([" and ", " or ", "  and  ", "and", ") and ("]),
    st.sampled_from(EXTRAS),
    st.sampled_from("'\""),
    st.booleans(),
)
TEXTS = st.builds(
    lambda what, gap, marker: f"{what}{gap}{marker}",
    WHATS,
    st.sampled_from([";", " ; ", "; ", " "]),
    MARKERS | CONDITIONS | st.sampled_from([f"extra == '{extra}'" for extra in EXTRAS]) | st.just("extra != 'x'"),
)


def told_by_packaging(text: str) -> tuple[bool, set[str]]:
    marker = Requirement(text).marker
    if marker is None or marker.evaluate({**TARGET.markers, "extra": ""}):
        return True, set()
    return False, {canonicalize_name(one) for one in EXTRAS if marker.evaluate({**TARGET.markers, "extra": one})}


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_extras_are_what_packaging_makes_of_them(text: str) -> None:
    metadata = CoreMetadata(name="demo", version="1", requires_dist=(text,))
    try:
        requirement = Requirement(text)
    except ValueError:
        with pytest.raises(RequirementError):
            evaluate(metadata, TARGET.markers)
        return
    found = evaluate(metadata, TARGET.markers)
    always, extras = told_by_packaging(text)
    assert (bool(found.base), {name for name, rows in found.extras.items() if rows}) == (always, extras)
    for row in (*found.base, *(row for rows in found.extras.values() for row in rows)):
        assert row.name == canonicalize_name(requirement.name)
        assert row.extras == tuple(sorted(canonicalize_name(extra) for extra in requirement.extras))
        assert (row.specifier, row.url) == (str(requirement.specifier), requirement.url)


def test_extras_of_the_usual_shape_need_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envkit.resolve.dependencies.parse_requirement", None)
    texts = (
        "a>=1; extra == 'x'",
        'b ; (python_version >= "3.8") and extra == "x"',
        'c; os_name == "nt" and extra=="x"',
    )
    found = evaluate(CoreMetadata(name="demo", version="1", requires_dist=texts), TARGET.markers)
    assert [row.text for row in found.extras["x"]] == ["a>=1", "b"]


def test_an_extra_may_be_looked_for_in_a_text() -> None:
    texts = (
        "a; 'x' in extra",
        "b; extra in 'y'",
        "c; 'x' not in extra and extra != ''",
        "d; extra not in 'x y'",
        "e; 'X' in extra",
    )
    extras = {
        extra: {
            text[0]
            for text in texts
            if (marker := Requirement(text).marker) is not None
            and marker.evaluate({**TARGET.markers, "extra": extra})
            and not marker.evaluate({**TARGET.markers, "extra": ""})
        }
        for extra in ("x", "y", "xx")
    }
    assert extras == {"x": {"a", "e"}, "y": {"c"}, "xx": {"a", "d", "e"}}
    found = evaluate(
        CoreMetadata(name="demo", version="1", requires_dist=texts, provides_extra=(*extras,)), TARGET.markers
    )
    assert {extra: {row.name for row in rows} for extra, rows in found.extras.items()} == extras
    assert [row.name for row in found.base] == ["b"]  # the empty text is in every text
