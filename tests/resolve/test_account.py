"""What is said of an impossibility is its true cause, and what is advised was tried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.errors import NoCandidate, ResolutionImpossible
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET
from .test_semantics import URL, candidate

OLD, NEW = "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"
YANKED = Release(yanked="it deletes files")


def fails(index, roots, policy=None, direct=None, **options):
    with pytest.raises((NoCandidate, ResolutionImpossible)) as caught:
        Resolver(TARGET, MemorySource(index, direct=direct), policy).resolve(roots, **options)
    return caught.value


def advice(error):
    return [one["change"] for one in error.context["suggestions"]]


def test_a_yanked_version_is_the_reason_that_is_told():
    error = fails({"a": {"1": YANKED}}, ["a"])
    told = "a 1 does not count: yanked (it deletes files), and nothing asks for exactly it"
    assert error.message == f"no version of a will do: you ask for a; {told}"
    assert [(one.subject, one.reason, one.detail) for one in error.rejections] == [
        ("a 1", "yanked", "it deletes files")
    ]
    assert "==" in error.hint
    error = fails({"a": {"1": [], "2": Release(yanked="")}}, ["a>=2"])
    assert error.message.endswith(
        "no version fits (there is 1); a 2 does not count: yanked, and nothing asks for exactly it"
    )
    assert [one.reason for one in error.rejections] == ["yanked"]


def test_a_yanked_version_below_is_told_and_is_data():
    error = fails({"a": {"1": YANKED}, "b": {"1": ["a"]}}, ["b"])
    told = "a 1 does not count: yanked (it deletes files), and nothing asks for exactly it"
    assert error.context["account"] == ("you ask for b", "b 1 needs a, and no version can be used", told)
    assert [(one["subject"], one["reason"]) for one in error.context["rejections"]["a"]] == [("a 1", "yanked")]
    assert told in [step.conclusion for step in error.derivation.facts]


@pytest.mark.parametrize(
    ("policy", "change"),
    [
        (ResolutionPolicy(prereleases="disallow"), "allow pre-releases"),
        (ResolutionPolicy(prereleases_by_project={"A": "disallow"}), "allow pre-releases of a"),
    ],
)
def test_a_prerelease_that_the_policy_forbids_is_the_reason_that_is_told(policy, change):
    index = {"a": {"1": [], "2a1": []}, "b": {"1": ["a>1"]}}
    told = "a 2a1 does not count: a pre-release, which the policy does not allow"
    error = fails(index, ["a>1"], policy)
    assert error.message.endswith(f"no version fits (there is 1); {told}")
    assert [one.reason for one in error.rejections] == ["pre-release"]
    assert change in advice(error)
    error = fails(index, ["b"], policy)
    assert error.context["account"][-1] == told
    assert [one["reason"] for one in error.context["rejections"]["a"]] == ["pre-release"]
    assert advice(error) == [change]


def test_a_cut_off_of_one_project_is_advised_against():
    index = {"a": {"1": Release(upload_time=NEW)}, "b": {"1": Release(requires=["a"], upload_time=NEW)}}
    error = fails(index, ["b"], ResolutionPolicy(exclude_newer_by_project={"A": "2025-01-01", "c": "2025-01-01"}))
    assert advice(error) == ["drop exclude_newer of a"]
    both = ResolutionPolicy(exclude_newer="2025-01-01", exclude_newer_by_project={"b": None})
    assert advice(fails(index, ["b"], both)) == ["drop exclude_newer"]


def test_what_an_override_asks_for_is_said_to_come_from_it():
    error = fails({"a": {"1": ["b"]}, "b": {"1": []}}, ["a"], overrides=["b==9"])
    assert error.context["account"] == (
        "you ask for a",
        "a 1 needs b==9 (your override), and no version fits (there is 1)",
    )
    assert "a 1 needs b==9 (your override)" in [step.conclusion for step in error.derivation.facts]
    assert advice(error) == ["drop the override b==9"]
    error = fails({"a": {"1": []}}, ["a"], overrides=["a>3,<9", "a!=5"])
    assert "you ask for a!=5 (your override)" in error.message or "you ask for a<9,>3 (your override)" in error.message
    assert advice(error)[-1] == "drop the override a<9,>3, a!=5"


def test_an_extra_that_asks_is_named():
    index = {
        "a": {"1": Release(requires=["a[x]; extra == 'all'", "c<2; extra == 'x'"], extras=["x", "all"])},
        "b": {"1": ["c>=2"]},
        "c": {"1": [], "2": []},
    }
    error = fails(index, ["a[all]", "b"])
    assert error.context["account"] == (
        "you ask for a[all]",
        "you ask for b",
        "a[all] 1 needs a[x]",
        "a[x] 1 needs c<2",
        "b 1 needs c>=2",
    )
    facts = [step.conclusion for step in error.derivation.facts]
    assert {"a[all] 1 needs a[x]", "a[x] 1 needs c<2"} <= {*facts}


def test_what_a_place_holds_is_told_where_it_does_not_fit():
    index = {"a": {"9": []}, "b": {"1": ["a>6"]}, "c": {"1": ["a"]}}
    direct = {URL: candidate(URL)}
    error = fails(index, [f"a @ {URL}", "b"], direct=direct)
    assert error.context["account"] == ("you ask for b", f"b 1 needs a>6, and no version fits (there is 5 from {URL})")
    error = fails(index, ["c", "a<6"], constraints=[f"a @ {URL}", "a<5"], direct=direct)
    assert "which no index knows" not in error.message


def test_a_place_that_cannot_be_used_is_not_called_unknown():
    made = candidate(URL)
    direct = {URL: replace(made, metadata=replace(made.metadata, requires_python="<3"))}
    error = fails({}, [f"a @ {URL}"], direct=direct)
    assert error.context["account"] == (f"you ask for a @ {URL}", "a 5 cannot be used: needs Python <3")


def test_a_rule_that_cannot_be_tried_is_a_hint():
    index = {"a": {"1": Release(files=["a-1.tar.gz"])}, "b": {"1": ["a"]}}
    assert fails(index, ["b"], ResolutionPolicy(builds="never")).hint == "allow building this project (builds)"
    hint = fails(index, ["b"], ResolutionPolicy(only_binary=":all:")).hint
    assert hint == "allow sdists of this project (only_binary)"
