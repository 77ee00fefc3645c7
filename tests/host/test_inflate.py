"""Inflating, with isal and with zlib: the same bytes, the same bound, the same refusals."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.host import inflate

WAYS = ["fastest", "plain"]


def whole(way: str, packed: bytes, wbits: int, bound: int) -> tuple[bytes, bool]:
    make, errors = getattr(inflate, way)()
    engine, pieces = make(wbits), []
    try:
        while not engine.eof:
            piece = engine.decompress(packed, bound)
            packed = engine.unconsumed_tail
            assert len(piece) <= bound
            pieces.append(piece)
            if not (piece or packed or engine.eof):
                return b"".join(pieces), False
    except errors:
        return b"", False
    return b"".join(pieces), True


def raw(data: bytes) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


@pytest.mark.parametrize("way", WAYS)
@given(data=st.binary(max_size=3000), times=st.integers(1, 40), bound=st.integers(1, 5000))
def test_gives_back_what_was_packed(way: str, data: bytes, times: int, bound: int) -> None:
    assert whole(way, gzip.compress(data * times), inflate.GZIP, bound) == (data * times, True)
    assert whole(way, raw(data * times), inflate.RAW, bound) == (data * times, True)


@pytest.mark.parametrize("way", WAYS)
def test_knows_what_is_cut_short(way: str) -> None:
    packed = gzip.compress(b"some text that is packed" * 50)
    for end in range(len(packed)):
        assert not whole(way, packed[:end], inflate.GZIP, 100)[1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", [0, 1, 2, -1, -5, -8])
def test_refuses_a_wrong_head_checksum_and_size(way: str, at: int) -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 40))
    packed[at] ^= 0x55
    assert not whole(way, bytes(packed), inflate.GZIP, 1000)[1]


@pytest.mark.parametrize("way", WAYS)
def test_says_what_follows_the_end(way: str) -> None:
    make, _ = getattr(inflate, way)()
    for wbits, packed in ((inflate.GZIP, gzip.compress(b"text")), (inflate.RAW, raw(b"text"))):
        engine = make(wbits)
        assert engine.decompress(packed + b"more", 100) == b"text"
        assert engine.eof
        assert engine.unused_data == b"more"


def test_does_without_isal() -> None:
    code = (
        "import sys; sys.modules['isal'] = sys.modules['isal.isal_zlib'] = None\n"
        "import gzip, zlib\n"
        "from envkit.host import inflate\n"
        "assert inflate.fastest()[0] is zlib.decompressobj\n"
        "engine, errors = inflate.inflater(inflate.GZIP)\n"
        "assert engine.decompress(gzip.compress(b'text'), 10) == b'text' and engine.eof\n"
        "try: engine = inflate.inflater(inflate.RAW)[0].decompress(b'?????', 10)\n"
        "except errors: pass\n"
        "else: raise SystemExit('nothing was refused')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="isal is for CPython alone")
def test_takes_isal_where_it_is() -> None:
    isal = pytest.importorskip("isal.isal_zlib", reason="isal has no build for this platform")
    assert inflate.fastest()[0] is isal.decompressobj


def test_does_not_take_one_that_loses_what_follows_the_end() -> None:
    code = (
        "import sys, types, zlib\n"
        "class Forgetful:\n"
        "    eof, unused_data, unconsumed_tail = True, b'', b''\n"
        "    def decompress(self, data, bound=0): return b''\n"
        "old = types.ModuleType('isal.isal_zlib')\n"
        "old.decompressobj, old.error = lambda wbits: Forgetful(), Exception\n"
        "sys.modules['isal'], sys.modules['isal.isal_zlib'] = types.ModuleType('isal'), old\n"
        "from envkit.host import inflate\n"
        "assert inflate.fastest()[0] is zlib.decompressobj\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
