"""Plain Requires-Python is read and judged as `packaging` does it, or left to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envkit.index.filenames import clean_requires_python
from envkit.model.plain_python import read_python
from envkit.resolve.judging import accepts_python

NUMBERS = st.lists(st.integers(0, 12).map(str) | st.sampled_from(["0", "03", ""]), min_size=1, max_size=4).map(".".join)
ENDS = st.sampled_from(["", "", "", ".*", "rc1", ".dev0", "*", "+local", " .*", ".*.*"])
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~=", "===", "=", "=>", "<>", ""])
SPACES = st.sampled_from(["", "", " ", "\t"])
CLAUSES = st.builds("{}{}{}{}{}{}".format, SPACES, OPERATORS, SPACES, NUMBERS, ENDS, SPACES) | SPACES
TEXTS = st.lists(CLAUSES, max_size=4).map(",".join) | st.text(alphabet="3.<>=!~*, 0", max_size=14)
PYTHONS = st.sampled_from(["3.11.7", "3.9", "3", "3.9.0", "2.7.18", "3.0.0", "10.1", "3.14.0rc1", "4.0.0.0.1"])


def cleaned_by_packaging(text: str) -> str | None:
    for attempt in (text, re.sub(r"(>=|<=|>|<)(\s*[0-9]+(?:\.[0-9]+)*)\.\*", r"\1\2", text)):
        try:
            SpecifierSet(attempt)
        except InvalidSpecifier:
            continue
        return attempt
    return None


def accepted_by_packaging(text: str, python: str) -> bool:
    try:
        return SpecifierSet(re.sub(r"(>=|<=|<|>|~=)(\s*[0-9.]+?)\.\*", r"\1\2", text)).contains(
            python, prereleases=True
        )
    except InvalidSpecifier:
        return True


@settings(max_examples=800, deadline=None)
@given(TEXTS, PYTHONS)
@example(">=3.6.*,!=3.7.*", "3.7.1")
@example("~=3.6.0", "3.6")
@example("==3.11.0.*", "3.11")
def test_what_is_read_means_what_packaging_makes_of_it(text: str, python: str) -> None:
    assert clean_requires_python(text) == cleaned_by_packaging(text)
    assert accepts_python(text, python) is accepted_by_packaging(text, python)


@pytest.mark.parametrize(
    "text", [">=3.8", ">=3.8,<4", ">= 3.8 , < 4.0", "~=3.9", "!=3.0.*, !=3.1.*, >=2.7", ">=3.6.*", "==3.11.7", ">=3.8,"]
)
def test_the_usual_shapes_need_no_parser(text: str) -> None:
    assert read_python(text) is not None


@pytest.mark.parametrize("text", ["~=3", "~=3.6.*", ">=3.14rc1", "3.8", "===3.8", ">=3.8 <4", "any", ">=3" + " " * 200])
def test_everything_else_is_left_to_packaging(text: str) -> None:
    assert read_python(text) is None
