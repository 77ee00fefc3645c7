"""A member is read in one call or piece by piece: both give the same, and refuse the same."""

from __future__ import annotations

import random
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import InvalidWheel
from envkit.wheels import pool_archive, pool_names
from envkit.wheels.pool_archive import POOL_BOUNDS, Archive, Member
from envkit.wheels.pool_names import check_path


def outcome(
    packed: bytes, size: int, crc: int, *, small: bool, length: int | None = None, hashed: bool = False
) -> bytes | None:
    """What reading gives; None where it refuses."""
    archive = Archive.__new__(Archive)
    archive._data, archive._where = memoryview(packed), "x.whl"
    member = Member("x", 0, len(packed) if length is None else length, size, crc, True, False)
    try:
        return archive._small(member, hashed=hashed) if small else b"".join(archive.pieces(member, hashed=hashed))
    except InvalidWheel:
        return None


def deflate(data: bytes, level: int = 6) -> bytes:
    engine = zlib.compressobj(level, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


@given(st.binary(max_size=400).map(lambda data: data * 50), st.integers(0, 9))
def test_honest_members(data, level):
    for small in (True, False):
        for hashed in (True, False):
            assert outcome(deflate(data, level), len(data), zlib.crc32(data), small=small, hashed=hashed) == data


@given(st.binary(max_size=300), st.data())
def test_changed_members(data, draw):
    packed = bytearray(deflate(data))
    packed[draw.draw(st.integers(0, len(packed) - 1))] ^= draw.draw(st.integers(1, 255))
    packed = packed[: draw.draw(st.integers(0, len(packed)))] + draw.draw(st.binary(max_size=3))
    size = max(0, len(data) + draw.draw(st.sampled_from([0, 0, 0, -1, 1, 1000])))
    found = [outcome(bytes(packed), size, zlib.crc32(data), small=small) for small in (True, False)]
    assert found[0] == found[1]
    assert found[0] in (None, data)
    for small in (True, False):  # the inflater for hashed content may take more, but never gives another content
        hashed = outcome(bytes(packed), size, zlib.crc32(data), small=small, hashed=True)
        assert hashed in (None, data)
        assert found[0] in (None, hashed)


@pytest.mark.parametrize("hashed", [True, False])
def test_large_members_come_in_pieces(hashed):
    data = random.Random(1).randbytes(400_000) + bytes(3_000_000)  # more than one step of input, and of output
    assert outcome(deflate(data), len(data), zlib.crc32(data), small=False, hashed=hashed) == data
    assert outcome(deflate(data)[:-1], len(data), zlib.crc32(data), small=False, hashed=hashed) is None
    assert outcome(deflate(data), len(data) - 1, zlib.crc32(data), small=False, hashed=hashed) is None


@pytest.mark.parametrize("hashed", [True, False])
def test_no_more_is_given_than_a_member_says_that_it_has(hashed):
    """What is given is written at once, so that one that unpacks to anything would fill the disk before it is refused."""
    data = bytes(50 << 20)
    packed = deflate(data)
    archive = Archive.__new__(Archive)
    archive._data, archive._where = memoryview(packed), "x.whl"
    size, given = 5 << 20, 0

    def read() -> None:
        nonlocal given
        for piece in archive.pieces(Member("x", 0, len(packed), size, zlib.crc32(data), True, False), hashed=hashed):
            given += len(piece)

    with pytest.raises(InvalidWheel, match="larger than it says"):
        read()
    assert given <= size


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("small", [True, False])
def test_lies(small, hashed):
    data = b"some content " * 100
    packed, crc = deflate(data), zlib.crc32(data)
    assert outcome(packed, len(data), crc, small=small, hashed=hashed) == data
    for lie in (
        (packed + b"x", len(data), crc, None),
        (packed[:-1], len(data), crc, None),
        (packed, len(data) - 1, crc, None),
        (packed, len(data) + 1, crc, None),
        (packed, len(data), crc ^ 1, None),
        (packed, len(data), crc, len(packed) + 1),
        (b"\xff" * 50, len(data), crc, None),
        (b"", 0, 0, None),
    ):
        assert outcome(*lie[:3], small=small, length=lie[3], hashed=hashed) is None


PARTS = st.text("aZ0_.-+@~ :\\\n\x7f\u017f\u212a\xe9CON", max_size=6) | st.just("x" * 90)
NAMES = st.lists(PARTS, max_size=5).map("/".join)


@given(NAMES | st.just("a/" * 70 + "b") | st.just("a/" * 3000 + "b"))
def test_plain_names_are_judged_as_all_others(name):
    def judge() -> str:
        try:
            check_path(name, "x.whl", POOL_BOUNDS)
        except InvalidWheel as error:
            return str(error)
        return "good"

    found = judge()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_names, "_PLAIN", re.compile(r"(?!)"))
        assert judge() == found


def test_most_members_are_read_in_one_call(monkeypatch):
    data = b"x" * 1000
    archive = Archive.__new__(Archive)
    archive._data, archive._where = memoryview(deflate(data)), "x.whl"
    member = Member("x", 0, len(archive._data), len(data), zlib.crc32(data), True, False)
    monkeypatch.setattr(pool_archive.Archive, "pieces", lambda self, member, **_: pytest.fail("piece by piece"))
    assert archive.content(member) == data
