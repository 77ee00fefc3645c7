"""Which files count, which is preferred, and what is said of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from envkit.model.candidate import Artifact, ProjectPage
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.judging import accepts_python
from envkit.resolve.rules import Rules
from envkit.resolve.selection import rejected, select

from .graphs import TARGET

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LINUX = "a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
PURE = "a-1.0-py3-none-any.whl"
SDIST = "a-1.0.tar.gz"


def chosen(*files, policy=None, hashes=None):
    page = ProjectPage(
        name="a", identity="i", artifacts=tuple(one if isinstance(one, Artifact) else file(one) for one in files)
    )
    rules = Rules(target=TARGET, policy=policy or ResolutionPolicy(), now=NOW.timestamp(), hashes=hashes or {})
    names = {str(release.version): [one.filename for one in release.artifacts] for release in select(page, rules)}
    return names, {rejection.subject: rejection.reason for rejection in rejected(page, rules)}


def file(filename, **facts):
    return Artifact(filename=filename, url=f"https://files.example/{filename}", **facts)


def test_the_preferred_file_comes_first():
    build = "a-1.0-2-py3-none-any.whl"
    assert chosen(SDIST, PURE, build, LINUX)[0] == {"1.0": [LINUX, build, PURE, SDIST]}


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("a-1.0-cp39-cp39-win_amd64.whl", "wrong-tag"),
        ("a-1.0-py3-none.whl", "invalid-name"),
        ("b-1.0-py3-none-any.whl", "invalid-name"),
        ("a-1.0-x-py3-none-any.whl", "invalid-name"),
        ("a-one-py3-none-any.whl", "invalid-version"),
        ("a-1.0.egg", "unsupported-format"),
        ("a-1.0.win32.exe", "unsupported-format"),
        ("b-1.0.tar.gz", "invalid-name"),
        ("a-x.tar.gz", "invalid-version"),
        ("a-1.0-" + "py3." * 200 + "py3-none-any.whl", "wrong-tag"),
    ],
)
def test_files_that_do_not_count_by_their_name(filename, reason):
    assert chosen(filename) == ({}, {filename: reason})


NAMES = st.builds(
    "{}-{}{}".format,
    st.sampled_from(["a", "A", "b", ""]),
    st.sampled_from(["1.0", "2.0", "x", "1.0-1", "cp39-cp39-win_amd64"]),
    st.sampled_from(
        ["-py3-none-any.whl", "-cp39-cp39-win_amd64.whl", "-cp311-cp311-manylinux_2_17_x86_64.whl", "-py3-none.whl", ".whl",
         ".tar.gz", "-py3.tar.gz", ".zip", ".egg", ""]
    ),
)  # fmt: skip


@given(st.lists(NAMES, unique=True), st.sampled_from([None, ":all:"]), st.sampled_from(["never", "allow"]))
def test_each_file_counts_or_there_is_a_reason(names, binary, builds):
    policy = ResolutionPolicy(only_binary=binary or (), builds=builds)
    found, reasons = chosen(*names, policy=policy)
    assert sorted([*(one for many in found.values() for one in many), *reasons]) == sorted(names)


@pytest.mark.parametrize(
    ("policy", "filename", "reason"),
    [
        (ResolutionPolicy(only_binary=":all:"), SDIST, "only-binary"),
        (ResolutionPolicy(only_binary=("A",)), SDIST, "only-binary"),
        (ResolutionPolicy(no_binary=("a",)), PURE, "no-binary"),
        (ResolutionPolicy(builds="never"), SDIST, "builds-forbidden"),
        (ResolutionPolicy(builds=("b",)), SDIST, "builds-forbidden"),
        (ResolutionPolicy(require_hashes=True), PURE, "no-allowed-hash"),
        (ResolutionPolicy(exclude_newer="2024-01-01"), PURE, "no-upload-time"),
    ],
)
def test_files_that_do_not_count_by_policy(policy, filename, reason):
    assert chosen(filename, policy=policy) == ({}, {filename: reason})
    assert chosen(filename)[0] == {"1.0": [filename]}


@pytest.mark.parametrize(
    "cutoff", ["2024-05-01", "2024-05-01T00:00:00Z", datetime(2024, 5, 1, tzinfo=UTC), timedelta(days=31)]
)
def test_the_cut_off_is_a_time_or_an_age(cutoff):
    old = file("a-1-py3-none-any.whl", upload_time="2024-04-30T23:59:59.5Z")
    new = file("a-2-py3-none-any.whl", upload_time="2024-05-01T00:00:01Z")
    names, reasons = chosen(old, new, policy=ResolutionPolicy(exclude_newer=cutoff))
    assert (list(names), list(reasons.values())) == (["1"], ["too-new"])
    free = ResolutionPolicy(exclude_newer=cutoff, exclude_newer_by_project={"a": None})
    assert sorted(chosen(old, new, policy=free)[0]) == ["1", "2"]


def test_rules_of_an_age_stay_the_same_for_an_hour():
    policy = ResolutionPolicy(exclude_newer=timedelta(days=7))
    start = datetime(2024, 5, 1, 12, 0, 1, tzinfo=UTC)
    texts = [
        Rules(target=TARGET, policy=policy, now=(start + timedelta(minutes=minutes)).timestamp()).fingerprint("a")
        for minutes in (0, 59, 60)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_requires_python_is_for_each_file():
    wheel = file(PURE, requires_python=">=3.12")
    assert chosen(wheel, file(SDIST)) == ({"1.0": [SDIST]}, {PURE: "requires-python"})


@pytest.mark.parametrize(
    ("specifier", "fits"),
    [(">=3.8", True), (">=3.12", False), (">=3.6.*", True), ("nonsense", True), ("~=3.11", True), ("<3.11.4", False)],
)
def test_an_unreadable_requires_python_does_not_restrict(specifier, fits):
    assert accepts_python(specifier, "3.11.4") is fits


def test_a_release_is_yanked_when_all_its_usable_files_are():
    page = ProjectPage(
        name="a", identity="i", artifacts=(file(PURE, yanked="bad"), file(SDIST), file(LINUX, yanked=""))
    )
    rules = Rules(target=TARGET, policy=ResolutionPolicy(), now=NOW.timestamp())
    [release] = select(page, rules)
    assert (release.version, release.yanked, [one.filename for one in release.artifacts]) == (
        Version("1.0"), False, [SDIST],
    )  # fmt: skip
    [release] = select(page, Rules(target=TARGET, policy=ResolutionPolicy(only_binary=":all:"), now=NOW.timestamp()))
    assert (release.yanked, len(release.artifacts)) == (True, 2)


def test_legacy_sdist_names():
    page = ProjectPage(name="my-tool", identity="i", artifacts=(file("my-tool-1.0.tar.gz"), file("my_tool-1.1.zip")))
    found = select(page, Rules(target=TARGET, policy=ResolutionPolicy(), now=NOW.timestamp()))
    assert sorted(str(release.version) for release in found) == ["1.0", "1.1"]
