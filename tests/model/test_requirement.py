from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from envkit.errors import RequirementError
from envkit.model.identity import normalize, parse_specifier, parse_version
from envkit.model.policy import ResolutionPolicy
from envkit.model.requirement import parse_marker, parse_requirement

HOSTILE = {
    "nested": "a; " + "(" * 50_000 + "os_name == 'x'" + ")" * 50_000,
    "ors": "a; " + " or ".join(["os_name == 'x'"] * 20_000),
    "tabs": "a; " + "\tor\t".join(["os_name == 'x'"] * 3_000),
    "no spaces": "a; " + "or".join(["'x'=='x'"] * 6_000),
    "quotes": "a; " + "(" * 100 + "os_name == ')))))'" + ")" * 100,
    "clauses": "a" + ",".join([">1"] * 20_000),
    "extras": "a[" + ",".join(["x"] * 40_000) + "]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_requirements_are_refused_at_once(name):
    start = time.thread_time()  # of the processor, as the machine may be busy
    with pytest.raises(RequirementError) as caught:
        parse_requirement(HOSTILE[name])
    assert time.thread_time() - start < 5
    assert len(str(caught.value)) < 2_000


def test_hostile_markers_and_specifiers_are_refused():
    with pytest.raises(RequirementError):
        parse_marker("(" * 50_000)
    with pytest.raises(RequirementError):
        parse_marker(" and ".join(["os_name == 'x'"] * 50_000))
    with pytest.raises(RequirementError):
        parse_specifier(",".join([">1"] * 50_000))
    with pytest.raises(RequirementError):
        parse_version("1." * 10_000 + "1")


def test_an_error_is_also_a_value_error_and_hides_passwords():
    with pytest.raises(ValueError, match="invalid requirement") as caught:
        parse_requirement("a @ https://user:hunter2@index.example/a.whl ; nonsense")
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_gives_a_requirement_or_our_error(text):
    for read in (parse_requirement, parse_marker, parse_specifier, parse_version):
        try:
            read(text)
        except RequirementError:
            pass


def test_names_are_normalized():
    assert normalize("Foo.Bar__baz") == "foo-bar-baz"


@given(st.text(max_size=40) | st.text(alphabet="aZ9-_.", max_size=12))
def test_names_are_normalized_as_packaging_does(name):
    assert normalize(name) == canonicalize_name(name)


def test_the_policy_checks_itself():
    assert ResolutionPolicy(only_binary=":all:").only_binary == (":all:",)
    with pytest.raises(RequirementError):
        ResolutionPolicy(no_binary="numpy")
    with pytest.raises(RequirementError):
        ResolutionPolicy(deadline=0)


@pytest.mark.parametrize("text", ["./a-1.0-py3-none-any.whl", "/tmp/a", "..", r"C:\a", "../a ; os_name == 'nt'", "~/a"])
def test_a_path_is_told_how_to_be_given(text):
    with pytest.raises(RequirementError) as caught:
        parse_requirement(text)
    assert "pathlib.Path" in (caught.value.hint or "")


def test_what_is_no_path_is_not_taken_for_one():
    with pytest.raises(RequirementError) as caught:
        parse_requirement("a=1")
    assert "path" not in caught.value.hint
