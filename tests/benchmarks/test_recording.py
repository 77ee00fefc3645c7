"""The format of recordings: what goes in comes out, the same facts give the same bytes, the shipped one is sound."""

import re
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import recording
from benchmarks.metadata_fields import MetadataFields, read_fields
from benchmarks.recording import (
    RecordedFile,
    RecordedProject,
    decode_shard,
    encode_shard,
    read_recording,
    write_recording,
)

WORD = st.text("abcdefgh0123456789._>=<", min_size=1, max_size=12)
FILES = st.builds(
    RecordedFile,
    filename=st.builds("{}-{}-py3-none-any.whl".format, st.text("abc", min_size=1), st.text("123.", min_size=1)),
    sha256=st.binary(min_size=32, max_size=32),
    size=st.integers(0, 2**40),
    time=st.integers(0, 2**32 - 1),
    requires_python=st.none() | WORD,
    yanked=st.booleans() | WORD,
)
FIELDS = st.builds(
    MetadataFields,
    metadata_version=st.sampled_from(["2.1", "2.4"]),
    requires_python=st.none() | WORD,
    requires_dist=st.lists(WORD, max_size=3).map(tuple),
    provides_extra=st.lists(WORD, max_size=2).map(tuple),
)
PROJECTS = st.builds(
    RecordedProject,
    name=st.text("abc-", min_size=1),
    files=st.lists(FILES, max_size=5).map(tuple),
    metadata=st.dictionaries(WORD, FIELDS, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PROJECTS, max_size=4))
def test_a_shard_gives_back_what_went_in(projects):
    data = encode_shard(projects)
    assert list(decode_shard(data)) == projects
    assert encode_shard(list(decode_shard(data))) == data


@given(FIELDS)
def test_a_sidecar_reads_back(fields):
    sidecar = fields.sidecar("a", "1.0")
    assert read_fields(sidecar) == fields
    assert sidecar.startswith(b"Metadata-Version: ")


def test_fields_are_read_from_the_head_alone():
    text = (
        b"Metadata-Version: 2.1\r\nName: a\r\nRequires-Dist: b\r\n (>=1)\r\nKeywords: x\r\n\r\nRequires-Dist: evil\r\n"
    )
    assert read_fields(text) == MetadataFields("2.1", None, ("b (>=1)",), ())


def test_shards_that_stay_the_same_are_not_written(tmp_path):
    projects = [
        RecordedProject(name, (RecordedFile(f"{name}-1-py3-none-any.whl", bytes(32), 1, 1),)) for name in "abcdef"
    ]
    size = write_recording(tmp_path, projects)
    assert size == sum(path.stat().st_size for path in tmp_path.iterdir())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write_recording(tmp_path, reversed(projects))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert list(read_recording(tmp_path)) == sorted(read_recording(tmp_path), key=list(read_recording(tmp_path)).index)
    assert read_recording(tmp_path) == {project.name: project for project in projects}


def test_a_missing_or_foreign_recording_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_recording(tmp_path)
    with pytest.raises(ValueError, match="not a shard"):
        list(decode_shard(b"something else"))


def test_the_shipped_recording_is_small_and_names_no_host():
    shards = sorted(recording.DEFAULT.glob("*.rec"))
    assert sum(path.stat().st_size for path in shards) < 15_000_000
    projects = read_recording()
    address = re.compile("://|" + re.escape(urlsplit(DEFAULT_INDEX).hostname or "-"))
    for project in projects.values():
        assert project.name == re.sub(r"[-_.]+", "-", project.name).lower()
        assert all("/" not in file.filename and len(file.sha256) == 32 for file in project.files)
        assert not address.search("\n".join(str(file.yanked) for file in project.files))
        for fields in project.metadata.values():
            assert not address.search("\n".join(fields.requires_dist))
