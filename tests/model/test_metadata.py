from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.metadata import parse_email

from envkit.errors import RequirementError
from envkit.model.metadata import MAX_METADATA_BYTES, parse_metadata
from envkit.testing.wheels import metadata_text

words = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12)


@given(
    name=words,
    requires=st.lists(words, max_size=4),
    extras=st.dictionaries(words, st.lists(words, max_size=2), max_size=3),
    requires_python=st.none() | words,
    description=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=200),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_the_fast_reader_agrees_with_packaging(name, requires, extras, requires_python, description, newline):
    text = metadata_text(name, "1.0", requires=requires, extras=extras, requires_python=requires_python) + description
    data = text.replace("\r", "").replace("\n", newline).encode()
    expected, _ = parse_email(data)
    found = parse_metadata(data)
    assert found.name == expected["name"]
    assert found.version == "1.0"
    assert list(found.requires_dist) == expected.get("requires_dist", [])
    assert found.requires_python == expected.get("requires_python")
    assert list(found.provides_extra) == expected.get("provides_extra", [])


LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", " ", "\t", "x-", "\u017f"]),
    st.sampled_from(
        ["Name", "VERSION", "requires-dist", "Requires-Di\u017ft", "Summary", "Dynamic", "Provides-Extra", ""]
    ),
    st.sampled_from([":", ": ", " :", "", ":\x0b", "::"]),
    st.sampled_from(["", "a", " b ", "é\u2028Name: c", "\x0c", "c\r", "Version: 2"]),
)


def read_line_by_line(head: str) -> dict[str, list[str]]:
    """The fields as the rules say it: a line that begins with white space belongs to the one before."""
    fields: dict[str, list[str]] = {}
    current = None
    for line in head.split("\n"):
        if line[:1] in (" ", "\t"):
            if current is not None:
                fields[current][-1] += "\n" + line
            continue
        key, colon, value = line.partition(":")
        current = key.lower() if colon else None
        if current is not None:
            fields.setdefault(current, []).append(value.strip())
    return fields


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_fields_are_what_reading_line_by_line_gives(text):
    data = f"Name: z\nVersion: 0\n{text}".encode()
    head = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode()
    expected = read_line_by_line(head)
    found = parse_metadata(data)
    assert (found.name, found.version) == (expected["name"][0], expected["version"][0])
    assert list(found.requires_dist) == [" ".join(one.split()) for one in expected.get("requires-dist", [])]
    assert list(found.provides_extra) == expected.get("provides-extra", [])
    assert list(found.dynamic) == [one.lower() for one in expected.get("dynamic", [])]


def test_folded_and_repeated_headers():
    data = b"Name: a\nSummary: x\n  Name: n\nVersion: 1\nRequires-Dist: b\n  >=1\nDynamic: Version\n\n"
    found = parse_metadata(data)
    assert (found.name, found.requires_dist, found.dynamic) == ("a", ("b >=1",), ("version",))


def test_what_stands_in_the_description_is_no_header():
    assert parse_metadata(b"Name: a\nVersion: 1\n\nRequires-Dist: evil\n").requires_dist == ()


@pytest.mark.parametrize("data", [b"", b"Name: a\n\n", b"Version: 1\n", b"\xff\xfe", b"a" * (MAX_METADATA_BYTES + 1)])
def test_without_name_or_version_it_is_an_error(data):
    with pytest.raises(RequirementError):
        parse_metadata(data)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_our_error(data):
    try:
        parse_metadata(data)
    except RequirementError:
        pass
