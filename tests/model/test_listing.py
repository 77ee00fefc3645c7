"""A listing is a sequence like the tuple of its files, made of rows that lose nothing."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.model.candidate import Artifact, ProjectPage
from envkit.model.listing import Files, Listing, Row, artifact_of, columns_of, row_of, runs_of

TEXTS = st.none() | st.text(max_size=6)
HASHES = st.sampled_from([{}, {"sha256": "a" * 64}, {"md5": "b" * 32}, {"sha256": "c" * 64, "md5": "d" * 32}])
ARTIFACTS = st.builds(
    Artifact,
    filename=st.sampled_from(["a-1.tar.gz", "a-1-py3-none-any.whl", "", "x/y"]),
    url=st.sampled_from(
        [
            "https://f.example/a-1.tar.gz",
            "https://f.example/",
            "a-1.tar.gz",
            "=",
            "",
            "https://f.example/x/y",
            "/",
            "=/x",
        ]
    ),
    hashes=HASHES,
    size=st.none() | st.integers(0, 5),
    requires_python=TEXTS,
    yanked=TEXTS,
    upload_time=TEXTS,
    metadata=st.none() | HASHES,
    provenance=TEXTS,
    index=st.sampled_from([None, "one", "two"]),
)


@given(ARTIFACTS)
def test_a_row_loses_nothing(artifact: Artifact) -> None:
    assert artifact_of(row_of(artifact), artifact.index) == artifact


def check_files(rows: list[Row], at: int, part: slice) -> None:
    """Columns are seen as the rows that they are made of."""
    files = Files(columns_of(rows))
    assert (list(files), len(files), list(files[part])) == (rows, len(rows), rows[part])
    assert files == Files(columns_of(files))
    if -len(rows) <= at < len(rows):
        assert files[at] == rows[at]
        assert files != Files(columns_of(rows[:-1]))
    else:
        with pytest.raises(IndexError):
            _ = files[at]


@given(st.lists(ARTIFACTS, max_size=5), st.integers(-7, 7), st.slices(5))
def test_a_listing_is_like_a_tuple(artifacts: list[Artifact], at: int, part: slice) -> None:
    plain = tuple(artifacts)
    check_files([row for rows, _ in runs_of(plain) for row in rows], at, part)
    listing = Listing(*runs_of(plain))
    assert (listing, len(listing), tuple(listing), listing[part]) == (plain, len(plain), plain, plain[part])
    assert plain == listing
    assert listing == Listing(*runs_of(listing))
    assert repr(listing) == repr(plain)
    assert (listing == plain[1:]) is (plain == plain[1:])
    assert bool(listing) is bool(plain)
    try:
        expected: Any = plain[at]
    except IndexError:
        with pytest.raises(IndexError):
            listing[at]
    else:
        assert listing[at] == expected
    assert pickle.loads(pickle.dumps(listing)) == plain


@given(st.lists(ARTIFACTS, max_size=3))
def test_a_page_reads_back_what_it_writes(artifacts: list[Artifact]) -> None:
    page = ProjectPage(name="a", artifacts=Listing(*runs_of(artifacts)), identity="i")
    assert (
        ProjectPage.from_dict(page.to_dict()) == page == ProjectPage(name="a", artifacts=tuple(artifacts), identity="i")
    )
    assert page.to_dict()["artifacts"] == [
        {key: value for key, value in artifact.to_dict().items() if key != "schema"} for artifact in artifacts
    ]
