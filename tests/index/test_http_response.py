"""Reading HTTP/1.x: as the standard library reads it, however the bytes arrive, and nothing outside the tree of errors."""

import http.client
import io
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import TransportError
from envkit.index.http_response import HttpResponse
from envkit.index.sockets import Clocked
from envkit.index.transport import Request


class Wire:
    """A socket whose bytes arrive in pieces of the given sizes, over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.data, self.sizes, self.at = data, sizes, 0

    def recv(self, size: int) -> bytes:
        size = min(size, self.sizes[self.at % len(self.sizes)])
        self.at += 1
        piece, self.data = self.data[:size], self.data[size:]
        return piece

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self.data)


def read(data: bytes, sizes: list[int], method: str = "GET") -> tuple[int, dict[str, str], bytes, bool, bytes]:
    """Give status, headers, body, whether the connection can go on, and what was not read."""
    clocked = Clocked(wire := Wire(data, sizes))
    clocked.request = Request(url="http://127.0.0.1/", deadline=time.monotonic() + 60)
    ends: list[bool] = []
    response = HttpResponse(clocked, ends.append, method=method)
    body = b""
    while piece := response.read(7):
        body += piece
    assert len(ends) == 1
    response.close()
    assert len(ends) == 1
    return response.status, dict(response.headers), body, ends[0], wire.data


def as_the_library_reads(data: bytes, method: str) -> tuple[int, bytes, bool]:
    response = http.client.HTTPResponse(Wire(data, [1]), method=method)  # type: ignore[arg-type]
    response.begin()
    return response.status, response.read(), not response.will_close


tokens = st.text("abcXYZ-", min_size=1, max_size=6)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
bodies = st.binary(max_size=60)


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%X;x=y\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: x\r\n\r\n"


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Make right responses of every framing."""
    status = draw(st.sampled_from([200, 204, 206, 304, 404, 503]))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    lines = [b"HTTP/%s %d %s" % (version, status, draw(st.sampled_from([b"OK", b"", b"Not so good"])))]
    lines += [f"x-{name}: {value}".encode() for name, value in draw(st.lists(st.tuples(tokens, values), max_size=3))]
    connection = draw(st.sampled_from([b"", b"close", b"keep-alive", b"Close"]))
    lines += [b"Connection: " + connection] if connection else []
    # The library reads a body after a 204 that says it has one; by RFC 9110 there is none.
    bare = status in (204, 304)
    body = b"" if bare else draw(bodies)
    framing = "none" if bare else draw(st.sampled_from(["length", "chunks", "end"]))
    if framing == "length":
        lines.append(b"content-LENGTH:%d" % len(body))
    elif framing == "chunks":
        lines.append(b"Transfer-Encoding: chunked")
        body = chunked(body, draw(st.integers(1, 9)))
    early = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    return early + b"\r\n".join(lines) + b"\r\n\r\n" + body


sizes = st.lists(st.integers(1, 50), min_size=1, max_size=5)


@given(responses(), sizes, st.sampled_from(["GET", "HEAD"]))
def test_as_the_standard_library_reads(data: bytes, pieces: list[int], method: str) -> None:
    status, body, kept = as_the_library_reads(data, method)
    found = read(data, pieces, method)
    assert (found[0], found[2]) == (status, body)
    # It may close where the library goes on (bytes that nobody asked for have arrived), never the other way round.
    assert kept or not found[3]


@given(st.binary(max_size=300), sizes)
def test_garbage_ends_in_the_tree_of_errors(data: bytes, pieces: list[int]) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with suppress(TransportError):
            read(start + data, pieces)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200", "cut short"),
        (b"HTTP/2 200 OK\r\n\r\n", "no status"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "no status"),
        (HEAD + b"X: y\r\n" * 101 + b"\r\n", "more than 100"),
        (HEAD + b"X: " + b"y" * 200_000, "a head of more"),
        (HEAD + b"Content-Length: -5\r\n\r\nx", "length"),
        (HEAD + b"Content-Length: 5, 6\r\n\r\nhello!", "length"),
        (HEAD + b"Content-Length: \xb2\r\n\r\nhello!", "length"),
        (HEAD + b"Content-Length: 5\r\n\r\nhell", "1 bytes are missing"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "transfer encoding"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", "size of a chunk"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", "longer than its size"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 200, "trailers"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 9000, "line without an end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "never begins"),
    ],
)
def test_what_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(TransportError, match=text):
        read(data, [1000])


def test_heads_are_read_to_the_letter() -> None:
    lines = [b"A: 1", b"a:2", b"Folded: x", b"  y", b"no colon", b": no name", b"B : \xe4", b"Content-Length: 3, 3"]
    head = HEAD + b"\r\n".join(lines) + b"\r\n\r\n"
    status, headers, body, kept, rest = read(head + b"abc", [3])
    assert (status, body, kept, rest) == (200, b"abc", True, b"")
    assert headers == {"a": "1, 2", "folded": "x y", "b": "ä", "content-length": "3, 3"}


def test_a_connection_with_more_than_was_asked_for_is_not_used_again() -> None:
    first = HEAD + b"Content-Length: 3\r\n\r\nabc"
    assert read(first, [500])[3] is True
    assert read(first + b"HTTP/1.1 200 OK\r\n\r\nof somebody else", [500])[3] is False
