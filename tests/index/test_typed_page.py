"""Pages are read alike with msgspec and without: the same files, the same reasons, the same errors."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.errors import TransportError
from envkit.index import simple_api, typed_page
from envkit.index.simple_api import parse_json
from tests.index.test_simple_api import BASE, DIGEST, JSON, draw_entry, entry, json_page

pytest.importorskip("msgspec", reason="msgspec has no build for this Python")


def told(data: bytes) -> Any:
    """What a page says, or that it is none; the text of an error may differ."""
    try:
        page = parse_json(data, BASE, "demo")
    except TransportError:
        return None
    return (
        tuple(page.rows),
        page.rejected,
        page.tracks,
        page.alternates,
        page.versions,
        page.status,
        page.status_reason,
    )


def without(data: bytes) -> Any:
    with patch.object(simple_api, "read_typed", lambda data: None):
        return told(data)


def with_msgspec(data: bytes) -> Any:
    with patch.object(typed_page, "_WORTH_LOADING", -1):
        return told(data)


def is_read_typed(data: bytes) -> bool:
    with patch.object(typed_page, "_WORTH_LOADING", -1):
        return typed_page.read_typed(data) is not None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_entries_are_read_alike(data: Any) -> None:
    page = json_page(*[draw_entry(data) for _ in range(data.draw(st.integers(0, 3)))])
    assert with_msgspec(page) == without(page)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"filename": st.sampled_from(["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl", "demo-3.exe", 7])},
            optional={
                key: st.sampled_from(["demo-1.0.tar.gz", ">=3", DIGEST, True, False, None, 5, 1.0, {}, {"sha256": DIGEST}])
                | JSON
                for key in (
                    "url", "hashes", "size", "requires-python", "yanked", "upload-time", "core-metadata",
                    "dist-info-metadata", "data-dist-info-metadata", "provenance", "other",
                )
            },
        )
        | JSON,
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(["meta", "project-status", "alternate-locations", "versions", "name"]), JSON),
)  # fmt: skip
def test_any_json_is_read_alike(files: Any, more: Any) -> None:
    page = json.dumps({"meta": {"api-version": "1.1"}, "files": files, **more}).encode()
    assert with_msgspec(page) == without(page)


HONEST = json_page(
    entry(
        "demo-1.0-1-py3-none-any.whl",
        **{"yanked": "why \u00fc", "size": 5, "requires-python": ">=3.6.*", "core-metadata": {"sha256": DIGEST}},
    ),
    entry("demo-2.0.tar.gz", **{"upload-time": "2020-01-01T00:00:00Z", "core-metadata": False, "provenance": None}),
    entry("demo-2.0.exe", **{"dist-info-metadata": True}),
    entry("demo-2.0.post1-py3-none-any.whl", **{"data-dist-info-metadata": {"sha256": DIGEST}}),
    versions=["1.0", "2.0"],
    **{"alternate-locations": ["https://other.example/demo/"], "project-status": {"status": "archived"}},
)


def test_an_honest_page_is_read_with_msgspec() -> None:
    assert is_read_typed(HONEST)
    assert with_msgspec(HONEST) == without(HONEST)
    assert len(without(HONEST)[0]) == 3


@settings(max_examples=600, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 30), st.binary(max_size=3) | st.sampled_from(
            [b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b'"\\ud800"', b"\xed\xa0\x80", b"\xff", b"\\u0000", b"true",
             b"null", b"{}", b"[]", b",", b":", b'"', b"}", b"]", b"\xc3\xbc", b"\\u0066ilename", b'"size":1.0,', b"0x1"]
        )),
        min_size=1,
        max_size=2,
    )
)  # fmt: skip
def test_damaged_pages_are_read_alike(damage: list[tuple[int, int, bytes]]) -> None:
    page = HONEST
    for at, length, piece in damage:
        page = page[:at] + piece + page[at + length :]
    assert with_msgspec(page) == without(page)


FILE = json.dumps(entry()).encode()


def with_field(field: bytes) -> bytes:
    return b'{"meta":{"api-version":"1.0"},"files":[' + FILE[:-1] + b"," + field + b"}]}"


@pytest.mark.parametrize(
    "field",
    {
        "a duplicate": b'"filename":"demo-9.0.tar.gz","url":"demo-9.0.tar.gz"',
        "a duplicate of another type": b'"filename":5,"filename":"demo-9.0.tar.gz","url":"demo-9.0.tar.gz"',
        "hashes twice": b'"hashes":{"sha256":"x","sha256":"' + b"b" * 64 + b'"}',
        "a hash besides": b'"hashes":{"md5":"' + b"b" * 32 + b'","sha256":"' + b"b" * 64 + b'"}',
        "a size of a float": b'"size":5.0',
        "a size without end": b'"size":' + b"9" * 5000,
        "a number without end": b'"other":' + b"9" * 5000,
        "a large size": b'"size":' + b"9" * 100,
        "a negative size": b'"size":-1',
        "no number": b'"other":NaN',
        "an infinite size": b'"size":1e999',
        "half a surrogate": b'"yanked":"\\ud800"',
        "half a surrogate in a field nobody reads": b'"other":"\\ud800"',
        "no UTF-8": b'"yanked":"\xff"',
        "no UTF-8 in a field nobody reads": b'"other":"\xff"',
        "a surrogate in UTF-8": b'"other":"\xed\xa0\x80"',
        "letters": '"yanked":"\u00fc\u4e2d\U0001f600"'.encode(),
        "a line break": b'"other":"a\nb"',
        "fields nobody knows": b'"gpg-sig":true,"x":{"y":[1,2,{"z":null}]}',
        "an empty name": b'"":1',
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_unusual_is_read_alike(field: tuple[str, bytes]) -> None:
    assert with_msgspec(with_field(field[1])) == without(with_field(field[1]))


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
@pytest.mark.parametrize("where", ["other", "yanked", "versions", "meta"])
def test_deep_nesting_is_refused_in_a_thread_as_well(opened: bytes, where: str) -> None:
    deep = opened * 50_000 + b"1" + (b"]" if opened == b"[" else b"}") * 50_000
    field = b'"%s":%s' % (where.encode(), deep)
    page = with_field(field) if where in ("other", "yanked") else with_field(b'"x":1')[:-1] + b"," + field + b"}"
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend((with_msgspec(page), without(page))))
    thread.start()
    thread.join()
    assert found == [None, None]


def test_a_number_without_measure_costs_that_number_alone() -> None:
    rows = without(with_field(b'"size":' + b"9" * 5000))[0]
    assert [row[3] for row in rows] == [None]


def test_msgspec_is_loaded_for_pages_that_are_worth_it() -> None:
    code = (
        "import sys, json\n"
        "from envkit.index import typed_page\n"
        "from envkit.index.simple_api import parse_json\n"
        f"page = {HONEST!r}\n"
        f"assert len(parse_json(page, {BASE!r}, 'demo').rows) == 3 and 'msgspec' not in sys.modules\n"
        "typed_page._Seen.size = typed_page._WORTH_LOADING\n"
        f"assert len(parse_json(page, {BASE!r}, 'demo').rows) == 3 and 'msgspec' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pages_are_read_without_msgspec() -> None:
    code = (
        "import sys\n"
        "sys.modules['msgspec'] = None\n"
        "from envkit.index import typed_page\n"
        "from envkit.index.simple_api import parse_json\n"
        "typed_page._WORTH_LOADING = -1\n"
        f"page = {HONEST!r}\n"
        "assert typed_page.read_typed(page) is None\n"
        f"assert len(parse_json(page, {BASE!r}, 'demo').rows) == 3\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
