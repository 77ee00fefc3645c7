"""What is said of an impossibility is its true cause, and what is advised was tried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.errors import EnvkitError, NoCandidate, ResolutionImpossible
from envkit.model.policy import ResolutionPolicy
from envkit.resolve import suggest
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET
from .test_brute_force import larger
from .test_semantics import URL, candidate

OLD, NEW = "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"
YANKED = Release(yanked="it deletes files")


@pytest.fixture(autouse=True)
def _no_haste(monkeypatch):
    """Give advice all the time that a busy machine needs."""
    monkeypatch.setattr(suggest, "BUDGET", 600.0)
    monkeypatch.setattr(suggest, "LEAST", 600.0)


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


def test_two_changes_are_advised_where_none_is_enough():
    index = {"a": {"1": ["c<2"]}, "b": {"1": ["c>=2"]}, "d": {"1": ["f<2"]}, "e": {"1": ["f>=2"]}}
    index |= {"c": {"1": [], "2": []}, "f": {"1": [], "2": []}}
    error = fails(index, ["a", "b", "d", "e"])
    assert advice(error) == [
        "drop a and drop d", "drop a and drop e", "drop b and drop d", "drop b and drop e",
    ]  # fmt: skip
    assert error.suggestions[0].kind == "both"
    assert error.suggestions[0].versions == (("b", "1"), ("e", "1"))
    assert error.hint.startswith("it works if you drop a and drop d, or drop a and drop e, or")
    index |= {"g": {"1": ["i<2"]}, "h": {"1": ["i>=2"]}, "i": {"1": [], "2": []}}
    assert advice(fails(index, ["a", "b", "d", "e", "g", "h"])) == []  # three would be needed


def test_a_pair_is_told_once():
    index = {name: {"1": [f"z=={at}"]} for at, name in enumerate("abc")} | {"z": {str(at): [] for at in range(3)}}
    error = fails(index, ["a", "b", "c"])
    assert sorted(map(sorted, (change.split(" and ") for change in advice(error)))) == [
        ["drop a", "drop b"], ["drop a", "drop c"], ["drop b", "drop c"],
    ]  # fmt: skip


def test_requirements_and_constraints_of_every_kind_can_be_advised_about():
    direct = {URL: candidate(URL)}
    roots = [f"a @ {URL}", "a", "a[x]", "a<9"]
    error = fails({}, roots, direct=direct, constraints=["a<5", "a", f"a @ {URL}", "a[x]"])
    assert advice(error) == ["drop the constraint a<5"]


def applied(change, roots, constraints):
    """Give roots and constraints after the changes that an advice names."""
    for one in change.split(" and "):
        verb, _, what = one.partition(" ")
        if one.startswith("drop the constraint "):
            constraints = [text for text in constraints if text != one.removeprefix("drop the constraint ")]
        elif verb == "drop":
            roots = [text for text in roots if text != what]
        else:
            assert verb == "relax"
            roots = [text.partition("=")[0].rstrip("<>") if text == what else text for text in roots]
    return roots, constraints


def test_every_advice_resolves_as_it_says_and_none_does_more_than_it_must():
    advised = 0
    for seed in range(60):
        index, names = larger(seed)
        roots = [name if at % 2 else f"{name}>={seed % 3 + 1}" for at, name in enumerate(sorted(names))]
        constraints = [f"{name}<{seed % 4 + 3}" for name in sorted(index)[:3]]
        try:
            Resolver(TARGET, MemorySource(index)).resolve(roots, constraints=constraints)
        except EnvkitError as error:
            for one in error.context.get("suggestions", ()):
                wanted, limits = applied(one["change"], roots, constraints)
                assert (wanted, limits) != (roots, constraints)
                assert Resolver(TARGET, MemorySource(index)).resolve(wanted, constraints=limits)
                pins = [f"{name}=={version}" for name, version in one["versions"]]
                resolution = Resolver(TARGET, MemorySource(index)).resolve(wanted, constraints=[*limits, *pins])
                kept = {text.partition(">")[0] for text in roots} & {*resolution.pins}
                assert dict(one["versions"]) == {name: str(resolution.pins[name].version) for name in kept}
                advised += 1
                for half in one["change"].split(" and ") if " and " in one["change"] else ():
                    wanted, limits = applied(half, roots, constraints)
                    with pytest.raises(EnvkitError):
                        Resolver(TARGET, MemorySource(index)).resolve(wanted, constraints=limits)
    assert advised > 15


def test_of_what_has_no_usable_file_only_what_would_fit_everybody_is_told():
    old = Release(requires_python="<3")
    index = {"a": {"1": ["c>=2"]}, "c": {"1": [], "1.5": old, "2.5": old, "3.5": old}}
    error = fails(index, ["a", "c<3"])
    assert error.context["account"][-1].startswith("c 2.5 cannot be used: c-2.5-py3-none-any.whl: needs Python <3")
    assert [one["subject"] for one in error.context["rejections"]["c"]] == ["c-2.5-py3-none-any.whl"]


def test_another_release_of_the_same_python_is_no_other_python():
    error = fails({"a": {"1": [], "2": Release(requires_python="<3.11.2")}}, ["a>=2"])
    assert advice(error) == ["relax a>=2", "take Python 3.10", "take Python 3.9"][:2]


def test_versions_are_told_in_ranges_and_many_ranges_by_their_ends():
    def subject(wrong):
        index = {"a": {str(at): ["b>1"] if at in wrong else ["c"] for at in range(1, 12)}, "b": {"1": []}}
        lines = fails(index, ["a"]).context["account"]
        return next(line for line in lines if "needs b" in line).partition(" needs ")[0]

    assert subject({*range(1, 12)}) == "a (all versions)"
    assert subject({1}) == "a 1"
    assert subject({1, 2, 3, 5}) == "a 1 to 3, 5"
    assert subject({1, 3, 5, 7}) == "a 1, 3, 5, 7"
    assert subject({1, 3, 5, 6, 8, 10, 11}) == "a 1, 3, ..., 8, 10 to 11"


def test_a_long_account_ends_where_nobody_reads_on():
    index = {f"p{at}": {"1": [f"p{at + 1}"]} for at in range(30)} | {"p30": {"1": ["x<2"]}, "x": {"1": [], "2": []}}
    error = fails(index, ["p0", "x>=2"])
    lines = error.context["account"]
    assert (len(lines), lines[:2], lines[-1]) == (
        13, ("you ask for p0", "you ask for x>=2"), "and 21 more facts (see the derivation)",
    )  # fmt: skip
    assert len(error.derivation.facts) == 33


def test_a_yanked_prerelease_is_called_what_keeps_it_out():
    index = {"a": {"1": [], "2a1": YANKED}}
    error = fails(index, ["a>1"])
    assert [one.reason for one in error.rejections] == ["yanked"]
    assert "pre-release" not in error.message and "it deletes files" in error.message
    error = fails(index, ["a>1"], ResolutionPolicy(prereleases="disallow"))
    assert [one.reason for one in error.rejections] == ["pre-release"]
    assert "a pre-release, which the policy does not allow" in error.message
