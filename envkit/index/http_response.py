"""Read HTTP/1.x responses (RFC 9112) off a connection: the head, then the body in pieces, all bounded.

Headers are read here and not by the standard library, which makes an e-mail message of each head: that costs more than the
rest of a request, and a good part of what a fresh process loads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from envkit.index.sockets import Clocked
from envkit.index.transport import Retriable

_MAX_HEAD = 128 * 1024
_MAX_HEADERS = 100
_MAX_INTERIM = 16
_MAX_LINE = 4096
_PIECE = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.([0-9]) +([1-5][0-9]{2})(?: |\r|\Z)")
_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n\Z")
_BODILESS = frozenset((204, 304))


class HttpResponse:
    """One response, see `envkit.index.transport.Response`. *done* is called once, with whether the connection can go on.

    Raises `Retriable` for what is no HTTP, and `TransportError` where time is over; the connection is then at its end.
    """

    def __init__(self, clocked: Clocked, done: Callable[[bool], None], *, method: str) -> None:
        self._clocked = clocked
        self._done: Callable[[bool], None] | None = done
        self._data = b""
        self._at = 0
        self.headers: Mapping[str, str]
        self.status, self.headers, newer = self._read_head()
        connection = self.headers.get("connection", "").lower()
        self._kept = "close" not in connection and (newer or "keep-alive" in connection)
        self._read: Callable[[int], bytes] = self._of_length
        self._counted = True
        self._left = 0
        if method != "HEAD" and self.status not in _BODILESS:
            self._choose_framing()
        if self._counted and not self._left:
            self._finish()

    def _choose_framing(self) -> None:
        coding = self.headers.get("transfer-encoding")
        length = self.headers.get("content-length")
        if coding is not None:
            if coding.strip().lower() != "chunked":
                raise _not_http(f"transfer encoding {coding[:40]!r}")
            self._read, self._counted = self._of_chunks, False
        elif length is not None:
            first, *others = (part.strip() for part in length.split(","))
            if not (first.isascii() and first.isdecimal() and len(first) < 16) or any(part != first for part in others):
                raise _not_http(f"length {length[:40]!r}")
            self._left = int(first)
        else:
            self._read, self._counted, self._kept = self._take, False, False

    # -- what callers use

    def read(self, size: int) -> bytes:
        """Give up to *size* bytes of the body, ``b""`` at its end."""
        if self._done is None:
            return b""
        try:
            data = self._read(size)
        except BaseException:
            self.close()
            raise
        if not data or (self._counted and not self._left):
            self._finish()
        return data

    def close(self) -> None:
        """Be done; a connection whose response was not read to its end is of no more use."""
        done, self._done = self._done, None
        if done is not None:
            done(False)

    def _finish(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self._kept and self._at == len(self._data))

    # -- bytes

    def _more(self) -> bool:
        """Receive what is there, after what is left; false at the end."""
        data = self._clocked.recv(_PIECE)
        self._data, self._at = self._data[self._at :] + data, 0
        return bool(data)

    def _take(self, size: int) -> bytes:
        if self._at == len(self._data):
            return self._clocked.recv(size)
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def _line(self) -> bytes:
        while True:
            end = self._data.find(b"\n", self._at, self._at + _MAX_LINE)
            if end >= 0:
                line, self._at = self._data[self._at : end + 1], end + 1
                return line
            if len(self._data) - self._at >= _MAX_LINE:
                raise _not_http("a line without an end")
            if not self._more():
                raise Retriable("the body was cut short")

    # -- the head

    def _read_head(self) -> tuple[int, dict[str, str], bool]:
        for _ in range(_MAX_INTERIM):
            head = self._head_bytes()
            match = _STATUS.match(head)
            if match is None:
                raise _not_http("no status")
            status = int(match[2])
            if status >= 200 or status == 101:
                return status, _headers(head), match[1] != b"0"
        raise _not_http("it never begins")

    def _head_bytes(self) -> bytes:
        start = self._at
        while True:
            match = _END.search(self._data, start)
            if match is not None:
                head, self._at = self._data[self._at : match.start()], match.end()
                return head
            if len(self._data) - self._at > _MAX_HEAD:
                raise _not_http(f"a head of more than {_MAX_HEAD} bytes")
            seen = len(self._data) - self._at
            if not self._more():
                if seen:
                    raise Retriable("the answer was cut short")
                raise Retriable("the server closed the connection without an answer")
            start = max(0, seen - 3)

    # -- bodies

    def _of_length(self, size: int) -> bytes:
        data = self._take(min(size, self._left))
        if not data and self._left:
            raise Retriable(f"the body was cut short: {self._left} bytes are missing")
        self._left -= len(data)
        return data

    def _of_chunks(self, size: int) -> bytes:
        if not self._left:
            match = _CHUNK.match(self._line())
            if match is None:
                raise _not_http("no size of a chunk")
            self._left = int(match[1], 16)
            if not self._left:
                self._skip_trailers()
                return b""
        data = self._take(min(size, self._left))
        if not data:
            raise Retriable("the body was cut short")
        self._left -= len(data)
        if not self._left and self._line() not in (b"\r\n", b"\n"):
            raise _not_http("a chunk longer than its size")
        return data

    def _skip_trailers(self) -> None:
        for _ in range(_MAX_HEADERS):
            if self._line() in (b"\r\n", b"\n"):
                return
        raise _not_http("trailers without an end")


def _headers(head: bytes) -> dict[str, str]:
    """Give the headers by their lower-case names; repeated ones joined, folded ones unfolded (RFC 9110, 5.2)."""
    found: dict[str, str] = {}
    name = ""
    lines = head.decode("latin-1").split("\n")
    if len(lines) > _MAX_HEADERS:
        raise _not_http(f"more than {_MAX_HEADERS} headers")
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and name:
            found[name] = f"{found[name]} {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon and name:
            value = value.strip()
            found[name] = f"{found[name]}, {value}" if name in found else value
        else:
            name = ""
    return found


def _not_http(reason: str) -> Retriable:
    return Retriable(f"the answer is not HTTP ({reason})")
