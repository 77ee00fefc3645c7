"""Specifiers as masks, against packaging's own judgement of every version."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envkit.errors import RequirementError
from envkit.resolve.versions import ABSENT, VersionLine, is_exact, sort_key

RELEASES = st.sampled_from(("0", "0.1", "0.2", "1", "1.0", "1.0.0", "1.1", "1.10", "2", "2.0.1", "2024.1"))
PARTS = st.tuples(
    st.sampled_from(("", "", "1!")),
    RELEASES,
    st.sampled_from(("", "", "a1", "b2", "rc1")),
    st.sampled_from(("", "", ".post1", ".post2")),
    st.sampled_from(("", "", ".dev0", ".dev3")),
)
PUBLIC = PARTS.map("".join)
VERSIONS = st.builds(lambda public, local: public + local, PUBLIC, st.sampled_from(("", "", "+cpu", "+cu12.1")))
CLAUSES = st.one_of(
    st.builds("".join, st.tuples(st.sampled_from(("<", "<=", ">", ">=", "==", "!=", "~=")), PUBLIC)),
    st.builds("".join, st.tuples(st.sampled_from(("==", "!=", "===")), VERSIONS)),
    st.builds(lambda operator, release: f"{operator}{release}.*", st.sampled_from(("==", "!=")), RELEASES),
    st.builds(lambda operator, version: f"{operator}{version}.*", st.sampled_from(("==", "!=")), PUBLIC),
)


def line_of(texts):
    versions = sorted({Version(text) for text in texts}, key=lambda version: sort_key(str(version)))
    return VersionLine([str(version) for version in versions])


@settings(max_examples=600)
@given(texts=st.lists(VERSIONS, max_size=12), clauses=st.lists(CLAUSES, min_size=1, max_size=3))
@example(texts=["0.2a1", "0.1"], clauses=["<0.2"])
@example(texts=["1.0.post1.dev0", "1.0a1"], clauses=["<1.0.post1"])
@example(texts=["1.0a1.post1.dev0", "1.0a1.post1", "1.0a2"], clauses=[">1.0a1"])
def test_a_mask_is_what_packaging_says(texts, clauses):
    text = ",".join(clauses)
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier:
        return
    line = line_of(texts)
    expected = sum(2 << at for at, version in enumerate(line.texts) if specifier.contains(version, prereleases=True))
    assert line.mask(str(specifier)) == expected, (text, line.texts)


def test_a_local_version_stands_below_its_public_twin():
    assert list(line_of(["1.0", "1.0+cpu", "0.9", "1.1+x"]).texts) == ["0.9", "1.0+cpu", "1.0", "1.1+x"]


@pytest.mark.parametrize("text", ["~=1", ">=", "=>1", ">=1.*", "<a", "==1," * 3000])
def test_what_is_no_specifier_is_refused(text):
    with pytest.raises(RequirementError):
        line_of(["1"]).mask(text)


def test_no_mask_holds_the_absent_bit():
    assert not line_of(["1", "2"]).mask("!=1") & ABSENT


def test_positions_are_found_by_text():
    line = line_of(["1.0", "1.0+cpu", "2"])
    assert [line.index(text) for text in ("1.0", "1.0+cpu", "2", "3", "1.0+x")] == [1, 0, 2, None, None]


def test_exact_means_one_version():
    assert [is_exact(text) for text in ("==1", "===x", "==1.*", ">=1,<2", ">=1,==1.5")] == [
        True,
        True,
        False,
        False,
        True,
    ]
