"""Judging rows: rows and values are judged alike, and as `packaging` judges names, tags, versions and specifiers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.model.candidate import Artifact, ProjectPage
from envkit.model.listing import Files, Listing, columns_of, row_of
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.digest import Releases
from envkit.resolve.rules import Rules
from envkit.resolve.selection import rejected, select

from .graphs import TARGET

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CUTOFF = "2024-01-01T12:00:00Z"
STEMS = st.builds(
    "{}-{}".format,
    st.sampled_from(["my_tool", "My.Tool", "my-tool", "mytool", "my_tool_x"]),
    st.sampled_from(["1.0", "1.0.0", "2.0rc1", "1!3", "2.0+local.1", "2.0_1", "one", "1.0-1", ""]),
)
ENDINGS = st.sampled_from(
    [
        "-py3-none-any.whl", "-2-py3-none-any.whl", "-2b-py3-none-any.whl", "-x-py3-none-any.whl", "-py2.py3-none-any.whl",
        "-CP311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "-cp39-cp39-win_amd64.whl", "-py3-none.whl",
        "-1-2-py3-none-any.whl", ".tar.gz", ".zip", ".egg", ".whl", "",
    ]
)  # fmt: skip
FILES = st.builds(
    lambda stem, ending, **facts: Artifact(
        filename=stem + ending, url=f"https://files.example/{stem}{ending}", index="here", **facts
    ),
    STEMS,
    ENDINGS,
    hashes=st.sampled_from([{}, {"sha256": "a" * 64}, {"md5": "b" * 32, "sha256": "a" * 64}, {"sha256": "c" * 64}]),
    requires_python=st.sampled_from([None, "", ">=3.8", "<3", ">=3.6.*", "nonsense", "==3.11.*"]),
    yanked=st.sampled_from([None, "", "why"]),
    upload_time=st.sampled_from(
        [
            None,
            CUTOFF,
            "2024-01-01T12:00:00.5Z",
            "2024-01-01T13:00:00+01:00",
            "2024-01-01",
            "2023-12-31T23:59:59",
            "soon",
        ]
    ),
)
POLICIES = st.builds(
    ResolutionPolicy,
    exclude_newer=st.sampled_from([None, CUTOFF]),
    only_binary=st.sampled_from([(), (":all:",), ("other",)]),
    no_binary=st.sampled_from([(), ("my-tool",)]),
    builds=st.sampled_from(["allow", "never"]),
    require_hashes=st.booleans(),
)
ALLOWED = st.sampled_from([{}, {"my-tool": ("sha256:" + "a" * 64,)}])


@settings(max_examples=300, deadline=None)
@given(st.lists(FILES, max_size=8), POLICIES, ALLOWED)
def test_rows_and_values_are_judged_alike(files: list[Artifact], policy: ResolutionPolicy, allowed: Any) -> None:
    rules = Rules(target=TARGET, policy=policy, now=NOW.timestamp(), hashes=allowed)
    pages = [
        ProjectPage(name="my-tool", artifacts=artifacts, identity="i")
        for rows in ([row_of(one) for one in files],)
        for artifacts in (tuple(files), Listing((rows, "here")), Listing((Files(columns_of(rows)), "here")))
    ]
    one, other, third = (select(page, rules) for page in pages)
    assert [(item.version, item.artifacts, item.yanked) for item in one] == [
        (item.version, item.artifacts, item.yanked) for item in other
    ]
    assert other == third
    rejections = rejected(pages[0], rules)
    assert rejections == rejected(pages[1], rules) == rejected(pages[2], rules)
    assert len(rejections) + len({id(row) for item in other for row, _ in item.files}) <= len(files)
    for some in ([], [file.filename for file in files[:3]]):
        assert rejected(pages[1], rules, some) == tuple(item for item in rejections if item.subject in some)
    told = Releases.of("my-tool", "i", one)
    again = Releases.decode("my-tool", "i", "rules", told.encode("rules"))
    assert again is not None
    assert again.take_files("rules", told.encode_files("rules"))
    for at in range(len(told.line.texts)):
        assert again.artifacts(at) == told.artifacts(at)


@settings(max_examples=400, deadline=None)
@given(FILES, POLICIES, ALLOWED)
def test_a_file_counts_where_every_rule_says_so(file: Artifact, policy: ResolutionPolicy, allowed: Any) -> None:
    rules = Rules(target=TARGET, policy=policy, now=NOW.timestamp(), hashes=allowed)
    page = ProjectPage(name="my-tool", artifacts=(file,), identity="i")
    expected = _by_packaging(file, policy, allowed)
    assert [item.version for item in select(page, rules)] == ([expected] if expected is not None else [])
    assert len(rejected(page, rules)) == (0 if expected is not None else 1)


NUMBERS = st.sampled_from(["0", "1", "01", "10", "2024", "9" * 9, "9" * 10, ""])
TEXTS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "", "v", "1!"]),
    st.lists(NUMBERS, min_size=1, max_size=11).map(".".join),
    st.sampled_from(["", "", "a", "rc", "-rc", "beta"]).flatmap(lambda phase: NUMBERS.map(phase.__add__)),
    st.sampled_from(["", "", ".post1", "post2", "-3", ".post01"]),
    st.sampled_from(["", "", ".dev0", "dev", ".DEV1", "+cpu.01"]),
) | st.sampled_from(["1" * 300, ".".join("1" * 200)])


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_versions_have_the_normal_form_that_packaging_gives_them(text: str) -> None:
    page = ProjectPage(name="a", artifacts=(Artifact(filename=f"a-{text}.tar.gz", url="u", hashes={}),), identity="i")
    found = [release.text for release in select(page, Rules(target=TARGET, policy=ResolutionPolicy(), now=0.0))]
    try:
        expected = [str(Version(text))] if len(text) <= 256 else []
    except InvalidVersion:
        expected = []
    assert found == expected


def _by_packaging(file: Artifact, policy: ResolutionPolicy, allowed: Any) -> Any:
    """Say the version for which *file* counts, with nothing but `packaging` and the rules as they are written down."""
    filename = file.filename
    try:
        if file.is_wheel:
            # "_" in a version stands for the "-" that a wheel's name cannot have; `packaging` takes none.
            name, version, _, tags = parse_wheel_filename(filename.replace("2.0_1", "2.0.post1"))
            fits = not policy.no_binary and not {str(tag) for tag in tags}.isdisjoint(TARGET.tags)
        else:
            name, version = _sdist(filename)
            fits = ":all:" not in policy.only_binary and policy.builds == "allow"
    except ValueError:
        return None
    if name != "my-tool" or not fits:
        return None
    if file.requires_python:
        try:
            if not SpecifierSet(file.requires_python.replace(">=3.6.*", ">=3.6")).contains(TARGET.python):
                return None
        except InvalidSpecifier:
            pass
    if policy.exclude_newer is not None:
        try:
            moment = datetime.fromisoformat(file.upload_time or "")
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment > datetime.fromisoformat(CUTOFF):
            return None
    wanted = allowed.get("my-tool", () if policy.require_hashes else None)
    if wanted is not None and not any(f"{name}:{digest}" in wanted for name, digest in file.hashes.items()):
        return None
    return version


def _sdist(filename: str) -> tuple[str, Version]:
    """`packaging` takes what is after the last dash for the version, and so cannot be asked about ``1.0-1``."""
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip")
    for name in ("my_tool", "My.Tool", "my-tool"):
        if stem != filename and stem.startswith(f"{name}-"):
            return canonicalize_name(name), Version(stem.removeprefix(f"{name}-"))
    raise ValueError(filename)
