"""What a stored page gives back is what was stored, also when several threads look at it at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from envkit.index.simple_api import parse_json
from envkit.index.stored_page import StoredFiles, pack, unpack

BASE = "https://index.example/simple/demo/"
FILES = st.fixed_dictionaries(
    {
        "filename": st.sampled_from(["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl", "demo-1.0.exe", "other-1.0.zip"]),
        "url": st.sampled_from(
            ["../../f/demo-1.0.tar.gz", "https://f.example/demo-2.0-py3-none-any.whl", "//h/x", "/f/?a"]
        ),
        "hashes": st.sampled_from([{"sha256": "a" * 64}, {"md5": "b" * 32}, {}]),
    },
    optional={
        "yanked": st.booleans() | st.text(max_size=5),
        "core-metadata": st.booleans(),
        "size": st.integers(-1, 9),
    },
)


def page_of(*files: Any, **more: Any) -> Any:
    data = json.dumps({"meta": {"api-version": "1.4", "tracks": ["t"]}, "files": files, **more}).encode()
    return parse_json(data, BASE, "demo")


@given(st.lists(FILES, max_size=6), st.lists(st.text(max_size=4), max_size=3))
def test_a_stored_page_is_the_page(files: list[Any], versions: list[str]) -> None:
    page = page_of(*files, versions=versions)
    again = unpack(pack(page))
    assert again is not None
    assert (len(again.rows), tuple(again.rows)) == (len(page.rows), tuple(page.rows))
    assert again.artifacts("i") == page.artifacts("i") == tuple(page.artifacts("i"))
    assert again.rejections() == page.rejections()
    assert (again.versions, again.tracks, again.status) == (page.versions, page.tracks, page.status)


def test_what_is_no_stored_page_is_none() -> None:
    whole = pack(page_of())
    assert unpack(b"") is None
    assert unpack(whole[:-1]) is None
    assert unpack(b"i\0\0\0\0") is None


def test_many_threads_look_first() -> None:
    row = page_of({"filename": "demo-1.0.tar.gz", "url": "demo-1.0.tar.gz", "hashes": {}})
    for _ in range(50):
        rows = unpack(pack(row))
        assert rows is not None
        assert isinstance(rows.rows, StoredFiles)
        barrier = Barrier(4)

        def look(rows: Any = rows.rows, barrier: Barrier = barrier) -> Any:
            barrier.wait()
            return rows[0]

        with ThreadPoolExecutor(4) as pool:
            assert [future.result() for future in [pool.submit(look) for _ in range(4)]] == [row.rows[0]] * 4
