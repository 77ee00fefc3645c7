"""A server with faults: each ends in success or in its documented error, in time, and nothing wrong is ever cached.

The client is a process of its own with the usual bounds on sizes, so that the peak of its memory is part of each test.
"""

import gzip
import hashlib
import json
import random
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from envkit.cache import Cache
from envkit.errors import EnvkitError, HashMismatch, IndexAccessError, MetadataMismatch, TransportError
from envkit.events import Emitter, RequestRetried
from envkit.index.bounds import Limits, Timeouts
from envkit.index.client import IndexClient
from envkit.testing.loopback import HTML_TYPE, JSON_TYPE, LoopbackAnswer, LoopbackIndex, LoopbackRequest
from envkit.testing.wheels import metadata_text, wheel_bytes

from .bounded import BoundedClient, Outcome

NOISE = random.Random(1).randbytes(200_000)
WHEEL, DATA = wheel_bytes("demo", "1.0", requires=["other>=2"], files={"demo.py": "x = 1\n", "noise.bin": NOISE})
OTHER_WHEEL, OTHER_DATA = wheel_bytes("demo", "1.0", requires=["other>=3"])
WAITS = {"not finished": (1.6, 60.0), "arrived": (60.0, 1.0), "": (60.0, 60.0)}
"""Seconds that the client is given for each page or file, and for each part that arrives; short is the one that is meant to
end it, so that a busy machine ends nothing else. By a part of the message.
"""
GRACE = 20.0
PEAK = 300.0
"""MB"""
Reply = Callable[[LoopbackRequest], LoopbackAnswer | None]


def page_body(**changes: Any) -> bytes:
    entry = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": hashlib.sha256(DATA).hexdigest()}}
    return json.dumps({"meta": {"api-version": "1.0"}, "name": "demo", "files": [entry], **changes}).encode()


def page(body: bytes | None = None, **headers: str) -> LoopbackAnswer:
    return LoopbackAnswer(headers={"Content-Type": JSON_TYPE, **headers}, body=page_body() if body is None else body)


@pytest.fixture(scope="module")
def bounded() -> Iterator[BoundedClient]:
    client = BoundedClient()
    yield client
    client.close()


def asked(client: BoundedClient, what: str, index: LoopbackIndex, cache: Path, *, wait: str = "") -> Outcome:
    """Ask, within time and memory; *wait* is a key of `WAITS`, or any other text."""
    seconds, read = WAITS.get(wait, WAITS[""])
    outcome = client.ask(what, index.url, cache, seconds=seconds, read=read)
    # Files are asked for after their page, each with its own deadline.
    assert outcome.seconds < seconds * (1 if what == "page" else 2) + GRACE
    assert outcome.peak < PEAK
    return outcome


def kept(cache: Path, kind: str = "") -> list[Path]:
    """Walk the cache: all that is in it, or in the buckets of one kind; nothing half done may be there."""
    found = [path for path in cache.glob(f"{kind or '*'}-v*/**/*") if path.is_file()]
    assert not [path for path in found if path.name.startswith(".") or "=staging" in path.parts]
    return found


def check_kept(cache: Path, url: str) -> None:
    """Read everything back without a network: it is what the sound index has."""
    with IndexClient([url], cache=Cache(cache), offline=True) as client:
        if kept(cache, "pages"):
            (artifact,) = client.project("demo").artifacts
            assert (artifact.filename, artifact.hashes) == (WHEEL, {"sha256": hashlib.sha256(DATA).hexdigest()})
            if kept(cache, "metadata"):
                assert client.metadata(artifact) == METADATA
            if kept(cache, "files"):
                assert client.fetch(artifact).read_bytes() == DATA


class Times:
    """Answer the first requests for a path with a fault, later ones as usual."""

    def __init__(
        self, part: str, count: int, answer: LoopbackAnswer | Callable[[LoopbackRequest], LoopbackAnswer]
    ) -> None:
        self.part, self.left, self.answer = part, count, answer

    def __call__(self, request: LoopbackRequest) -> LoopbackAnswer | None:
        if self.part in request.path and self.left > 0:
            self.left -= 1
            return self.answer(request) if callable(self.answer) else self.answer
        return None

    def again(self) -> "Times":
        """Give one that has not begun."""
        return Times(self.part, self.left, self.answer)


def on_page(answer: Any, count: int = 99) -> Times:
    return Times("/simple/demo/", count, answer)


def on_file(answer: Any, count: int = 99) -> Times:
    return Times(".whl", count, answer)


def raw(text: bytes) -> LoopbackAnswer:
    return LoopbackAnswer(raw=text, close=True)


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


def drip(head: bytes, piece: bytes = b"x", pause: float = 0.1) -> LoopbackAnswer:
    def send(sock: socket.socket) -> None:
        sock.sendall(head)
        end = time.monotonic() + 60
        while time.monotonic() < end:  # or until the client goes away
            sock.sendall(piece)
            time.sleep(pause)

    return LoopbackAnswer(send=send)


def flood(head: bytes, piece: bytes) -> LoopbackAnswer:
    def send(sock: socket.socket) -> None:
        sock.sendall(head)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            sock.sendall(piece)

    return LoopbackAnswer(send=send)


def half(request: LoopbackRequest) -> LoopbackAnswer:
    """Promise the whole file, send half of it; ranges are kept to."""
    return raw(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: "one"\r\n\r\n' % len(DATA) + DATA[: len(DATA) // 2])


def silent(sock: socket.socket) -> None:
    time.sleep(3)


JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: " + JSON_TYPE.encode() + b"\r\n"


def bomb() -> bytes:
    """Pack more than may be held at once: the same part again and again."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    part = packer.compress(b" " * 60_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + part * 10


BOMB = bomb()
LARGE = gzip.compress(page_body(noise=NOISE.hex()))
"""So large a page that another library may inflate and parse it than a small one."""

PAGE_RECOVERS = {
    "500 once": on_page(LoopbackAnswer(status=500), 1),
    "502 twice": on_page(LoopbackAnswer(status=502), 2),
    "503 with Retry-After in seconds": on_page(LoopbackAnswer(status=503, headers={"Retry-After": "0"}), 1),
    "429 with Retry-After as a date": on_page(
        LoopbackAnswer(status=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 1
    ),
    "429 with Retry-After of a day": on_page(LoopbackAnswer(status=429, headers={"Retry-After": "86400"}), 1),
    "429 with nonsense as Retry-After": on_page(LoopbackAnswer(status=429, headers={"Retry-After": "soon"}), 1),
    "reset": on_page(LoopbackAnswer(send=reset), 1),
    "closed without an answer": on_page(LoopbackAnswer(send=lambda sock: None), 1),
    "cut short": on_page(raw(JSON_HEAD + b"Content-Length: 5000\r\n\r\n" + page_body()[:50]), 1),
    "chunks cut short": on_page(raw(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\n" + page_body()[:16]), 1),
    "compressed body cut short": on_page(page(gzip.compress(page_body())[:-9], **{"Content-Encoding": "gzip"}), 1),
    "broken compression": on_page(page(b"not gzip at all", **{"Content-Encoding": "gzip"}), 1),
    "large compressed body cut short": on_page(page(LARGE[:-9], **{"Content-Encoding": "gzip"}), 1),
    "large compressed body with another checksum": on_page(
        page(LARGE[:-8] + b"\0\0\0\0" + LARGE[-4:], **{"Content-Encoding": "gzip"}), 1
    ),
    "large compressed body that is broken": on_page(
        page(LARGE[:50_000] + b"\xff" * 50 + LARGE[50_050:], **{"Content-Encoding": "gzip"}), 1
    ),
    "silent once": on_page(LoopbackAnswer(send=silent), 1),
    "garbage instead of HTTP": on_page(raw(b"\x00\x01\x02 nonsense\r\n\r\n"), 1),
}


@pytest.mark.parametrize("name", PAGE_RECOVERS)
def test_page_recovers(name: str, bounded: BoundedClient, tmp_path: Path) -> None:
    hook = PAGE_RECOVERS[name].again()
    with LoopbackIndex({WHEEL: DATA}, hook=hook) as index:
        assert asked(bounded, "page", index, tmp_path, wait="arrived" if "silent" in name else "").text == WHEEL
        assert hook.left == 0
        check_kept(tmp_path, index.url)


LENGTH = b"Content-Length: %d\r\n\r\n" % len(page_body())
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(page_body()), page_body())
DEFLATED = {
    "deflate": page(zlib.compress(page_body()), **{"Content-Encoding": "deflate"}),
    "much gzip": page(LARGE, **{"Content-Encoding": "gzip"}),
    "gzip by its old name": page(gzip.compress(page_body()), **{"Content-Encoding": "x-gzip"}),
    "chunked": raw(JSON_HEAD + CHUNKED),
    "without a length": raw(JSON_HEAD + b"Connection: close\r\n\r\n" + page_body()),
    "HTTP/1.0": raw(JSON_HEAD.replace(b"1.1", b"1.0") + b"\r\n" + page_body()),
    "continues before": raw(b"HTTP/1.1 100 Continue\r\n\r\n" + JSON_HEAD + LENGTH + page_body()),
    "type in capitals": page(**{"Content-Type": JSON_TYPE.upper() + "; charset=UTF-8"}),
    "plain JSON type": page(**{"Content-Type": "application/json"}),
}


@pytest.mark.parametrize("name", DEFLATED)
def test_odd_but_right_pages_are_read(name: str, bounded: BoundedClient, tmp_path: Path) -> None:
    with LoopbackIndex({WHEEL: DATA}, hook=on_page(DEFLATED[name])) as index:
        assert asked(bounded, "page", index, tmp_path).text == WHEEL
        check_kept(tmp_path, index.url)


PAGE_REFUSED: dict[str, tuple[Any, str]] = {
    "500 for ever": (LoopbackAnswer(status=500), "500"),
    "429 for ever": (LoopbackAnswer(status=429, headers={"Retry-After": "86400"}), "429"),
    "reset for ever": (LoopbackAnswer(send=reset), "connection"),
    "401": (LoopbackAnswer(status=401), "credentials"),
    "403": (LoopbackAnswer(status=403), "refuses"),
    "418": (LoopbackAnswer(status=418), "418"),
    "304 unasked": (LoopbackAnswer(status=304), "304"),
    "wrong type": (LoopbackAnswer(headers={"Content-Type": "image/png"}, body=b"x"), "content type"),
    "no type": (LoopbackAnswer(body=page_body()), "content type"),
    "version 2.0": (page(page_body(meta={"api-version": "2.0"})), "2.0"),
    "version 9.9": (page(page_body(meta={"api-version": "9.9"})), "9.9"),
    "no version": (page(page_body(meta={})), "version"),
    "version that is a number": (page(page_body(meta={"api-version": 1})), "version"),
    "HTML of version 2": (
        LoopbackAnswer(
            headers={"Content-Type": HTML_TYPE}, body=b'<meta name="pypi:repository-version" content="2.0"><a href="x">'
        ),
        "2.0",
    ),
    "not JSON": (page(b"{"), "JSON"),
    "not UTF-8": (page(b'{"meta": "\xff\xfe"}'), "JSON"),
    "a list": (page(b"[]"), "object"),
    "no files": (page(b'{"meta": {"api-version": "1.0"}}'), "files"),
    "nested too deep": (page(b"[" * 200_000), "JSON"),
    "much of it nested too deep": (
        page(page_body(noise=NOISE.hex() * 6)[:-1] + b', "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"), "JSON",
    ),
    "a million of objects": (
        page(page_body()[:-2] + b', {"filename": "demo-1.0.tar.gz", "url": "x"}' * 1_000_001 + b"]}"), "more than",
    ),
    "too large": (page(b" " * 51_000_000), "larger"),
    "endless": (flood(JSON_HEAD + b"\r\n", b" " * 65536), "larger"),
    "endless chunks": (
        flood(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"), "larger",
    ),
    "gzip bomb": (page(BOMB, **{"Content-Encoding": "gzip"}), "larger"),
    "bomb in a bomb": (page(gzip.compress(BOMB), **{"Content-Encoding": "gzip"}), "JSON"),
    "unknown encoding": (page(b"x", **{"Content-Encoding": "br"}), "encoding"),
    "dripping body": (drip(JSON_HEAD + b"Content-Length: 100000\r\n\r\n"), "not finished"),
    "dripping header": (drip(b"HTTP/1.1 200 OK\r\nX: "), "not finished"),
    "continuing for ever": (flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "never begins"),
    "silent for ever": (LoopbackAnswer(send=silent), "arrived"),
    "header of a megabyte": (flood(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536), "HTTP"),
    "too many headers": (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"), "HTTP"),
    "redirect to itself": (lambda request: LoopbackAnswer(status=302, headers={"Location": request.path}), "redirects"),
    "redirect for ever": (
        lambda request: LoopbackAnswer(status=301, headers={"Location": request.path + "x/"}), "redirects",
    ),
    "redirect to a file": (LoopbackAnswer(status=302, headers={"Location": "file:///etc/passwd"}), "redirect"),
    "redirect to data": (LoopbackAnswer(status=302, headers={"Location": "data:text/html,x"}), "redirect"),
    "redirect to a broken address": (LoopbackAnswer(status=302, headers={"Location": "http://[::1/"}), "redirect"),
    "redirect to plain http elsewhere": (
        LoopbackAnswer(status=302, headers={"Location": "http://index.example/simple/demo/"}), "plain http",
    ),
    "truncated for ever": (raw(JSON_HEAD + b"Content-Length: 5000\r\n\r\n{"), "cut short"),
    "negative length": (raw(JSON_HEAD + b"Content-Length: -5\r\nConnection: close\r\n\r\n{"), ""),
    "chunk sizes that are none": (raw(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGE_REFUSED)
def test_page_refused(name: str, bounded: BoundedClient, tmp_path: Path) -> None:
    answer, text = PAGE_REFUSED[name]
    with LoopbackIndex({WHEEL: DATA}, hook=on_page(answer)) as index:
        outcome = asked(bounded, "page", index, tmp_path, wait=text)
        assert outcome.error == "TransportError"
        assert text in outcome.text
        assert kept(tmp_path) == []
        # As soon as the server is well, the right page is there.
        index.hook = None
        assert asked(bounded, "page", index, tmp_path).text == WHEEL


FILE_RECOVERS = {
    "500 once": on_file(LoopbackAnswer(status=500), 1),
    "reset": on_file(LoopbackAnswer(send=reset), 1),
    "half": on_file(half, 1),
    "half, another entity later": on_file(
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\nETag: "old"\r\n\r\n' + b"x" * 5000), 1
    ),
    "silent in the middle": on_file(
        LoopbackAnswer(
            send=lambda sock: (
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + DATA[:1000]),
                time.sleep(2),
            )
        ),
        1,
    ),
}


@pytest.mark.parametrize("name", FILE_RECOVERS)
def test_file_recovers(name: str, bounded: BoundedClient, tmp_path: Path) -> None:
    hook = FILE_RECOVERS[name].again()
    with LoopbackIndex({WHEEL: DATA}, hook=hook) as index:
        outcome = asked(bounded, "file", index, tmp_path, wait="arrived" if "silent" in name else "")
        assert Path(outcome.text).read_bytes() == DATA
        assert hook.left == 0
        check_kept(tmp_path, index.url)


def answer_wrong_range(request: LoopbackRequest) -> LoopbackAnswer | None:
    if "range" in request.headers and request.path.endswith(".whl"):
        return LoopbackAnswer(status=206, headers={"Content-Range": f"bytes 0-9/{len(DATA)}"}, body=DATA[:10])
    return half(request) if request.path.endswith(".whl") else None


FILE_REFUSED: dict[str, tuple[Any, type[EnvkitError], str]] = {
    "404": (on_file(LoopbackAnswer(status=404)), TransportError, "404"),
    "500 for ever": (on_file(LoopbackAnswer(status=500)), TransportError, "500"),
    "wrong bytes": (on_file(LoopbackAnswer(body=bytes(len(DATA)))), HashMismatch, "sha256"),
    "another wheel": (on_file(LoopbackAnswer(body=OTHER_DATA)), TransportError, ""),
    "one byte more": (on_file(LoopbackAnswer(body=DATA + b"x")), TransportError, "larger"),
    "endless": (on_file(flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)), TransportError, "larger"),
    "half for ever": (on_file(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nxx")), TransportError, "short"),
    "wrong range": (answer_wrong_range, TransportError, ""),
    "drips": (on_file(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")), TransportError, "not finished"),
    "compressed on the way": (
        on_file(LoopbackAnswer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(DATA))), TransportError, "",
    ),
    "login page": (on_file(LoopbackAnswer(headers={"Content-Type": "text/html"}, body=b"<html>")), TransportError, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FILE_REFUSED)
def test_file_refused(name: str, bounded: BoundedClient, tmp_path: Path) -> None:
    hook, kind, text = FILE_REFUSED[name]
    with LoopbackIndex({WHEEL: DATA}, hook=hook) as index:
        outcome = asked(bounded, "file", index, tmp_path, wait=text)
        assert outcome.error == kind.__name__
        assert text in outcome.text
        if kind is HashMismatch:
            shown = set(outcome.text.replace(",", "").split())
            assert {WHEEL, outcome.context["expected"], outcome.context["actual"]} <= shown
        assert kept(tmp_path, "files") == []
        check_kept(tmp_path, index.url)
        index.hook = None
        assert Path(asked(bounded, "file", index, tmp_path).text).read_bytes() == DATA


METADATA = metadata_text("demo", "1.0", requires=["other>=2"]).encode()
OTHER_METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
METADATA_FAULTS: dict[str, tuple[Any, type[EnvkitError] | None]] = {
    "sidecar missing": (Times(".metadata", 99, LoopbackAnswer(status=404)), None),
    "sidecar forbidden": (Times(".metadata", 99, LoopbackAnswer(status=403)), None),
    "sidecar of another": (Times(".metadata", 99, LoopbackAnswer(body=OTHER_METADATA)), HashMismatch),
    "sidecar too large": (Times(".metadata", 99, LoopbackAnswer(body=b"x" * 20_000_000)), TransportError),
    "sidecar fails": (Times(".metadata", 99, LoopbackAnswer(status=500)), TransportError),
    "sidecar fails once": (Times(".metadata", 1, LoopbackAnswer(status=500)), None),
    "no ranges, no sidecar": (
        lambda request: LoopbackAnswer(status=404) if "metadata" in request.path
        else LoopbackAnswer(body=DATA) if "whl" in request.path else None,
        None,
    ),
    "ranges refused": (
        lambda request: LoopbackAnswer(status=404) if "metadata" in request.path
        else LoopbackAnswer(status=416) if "range" in request.headers else None,
        None,
    ),
    "ranges lie": (
        lambda request: LoopbackAnswer(status=404) if "metadata" in request.path
        else LoopbackAnswer(status=206, headers={"Content-Range": "bytes 5-1/x"}) if "range" in request.headers else None,
        None,
    ),
    "ranges of another file": (
        lambda request: LoopbackAnswer(status=404) if "metadata" in request.path
        else LoopbackAnswer(status=206, headers={"Content-Range": "bytes 0-99/100"}, body=b"x" * 100)
        if "range" in request.headers else None,
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", METADATA_FAULTS)
def test_metadata_faults(name: str, bounded: BoundedClient, tmp_path: Path) -> None:
    hook, kind = METADATA_FAULTS[name]
    with LoopbackIndex({WHEEL: DATA}, hook=hook.again() if isinstance(hook, Times) else hook) as index:
        outcome = asked(bounded, "metadata", index, tmp_path)
        assert outcome.error == (kind.__name__ if kind else None)
        assert bool(kind) is not bool(kept(tmp_path, "metadata"))
        check_kept(tmp_path, index.url)
        index.hook = None
        assert asked(bounded, "metadata", index, tmp_path).text == METADATA.decode()


@pytest.mark.parametrize("hashes", [True, False])
def test_sidecar_that_differs_from_the_wheel_is_refused(make_client: Any, *, hashes: bool) -> None:
    lie = OTHER_METADATA + b"Requires-Dist: evil\n\n"

    def hook(request: LoopbackRequest) -> LoopbackAnswer | None:
        if request.path.endswith(".metadata"):
            return LoopbackAnswer(body=lie)
        return None

    details = {WHEEL: {"core-metadata": {"sha256": hashlib.sha256(lie).hexdigest()}}}
    with LoopbackIndex({WHEEL: DATA}, hook=hook, details=details, hashes=hashes) as index:
        for _ in range(2):
            client = make_client(index.url)
            artifact = client.project("demo").artifacts[0]
            assert b"evil" in client.metadata(artifact)
            with pytest.raises(MetadataMismatch):
                client.fetch(artifact)


def test_redirect_to_another_origin_gets_no_credentials(make_client: Any) -> None:
    with LoopbackIndex({WHEEL: DATA}) as other:

        def away(request: LoopbackRequest) -> LoopbackAnswer:
            return LoopbackAnswer(status=302, headers={"Location": f"{other.root}{request.path}"})

        with LoopbackIndex({WHEEL: DATA}, hook=on_page(away)) as index:
            url = index.url.replace("//", "//user:secret@")
            assert make_client(url, credentials=lambda _: ("user", "secret")).project("demo").artifacts
            assert "authorization" in index.requests[0].headers
            assert other.count("/simple/demo/") == 1
            assert all("authorization" not in request.headers for request in other.requests)


def test_a_resumed_download_asks_for_the_rest_once(make_client: Any) -> None:
    with LoopbackIndex({WHEEL: DATA}, hook=on_file(half, 1)) as index:
        # The tag that the broken answer gave is the one that the index gives afterwards.
        tag = f'"{hashlib.sha256(DATA).hexdigest()[:20]}"'.encode()
        index.hook = on_file(
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: %s\r\n\r\n" % (len(DATA), tag) + DATA[:70_000]), 1
        )
        client = make_client(index.url)
        artifact = client.project("demo").artifacts[0]
        assert client.fetch(artifact).read_bytes() == DATA
        asked = [request.headers for request in index.requests if request.path.endswith(".whl")]
        assert [headers.get("range") for headers in asked] == [None, "bytes=70000-"]
        assert asked[1]["if-range"] == tag.decode()


def test_without_a_hash_or_validator_a_download_begins_anew(make_client: Any) -> None:
    """Nothing would tell that the rest is the rest of the same file."""
    with LoopbackIndex({WHEEL: DATA}, hashes=False, etag=False, core_metadata=False) as index:
        index.hook = on_file(raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DATA) + b"x" * 70_000), 1)
        client = make_client(index.url)
        assert client.fetch(client.project("demo").artifacts[0]).read_bytes() == DATA
        assert not [request for request in index.requests if "range" in request.headers]


@pytest.mark.parametrize(
    "value",
    ["86400", (datetime.now(UTC) + timedelta(days=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")],
    ids=["seconds", "date"],  # the same in each process that collects the tests
)
def test_retry_after_is_obeyed_up_to_a_cap(make_client: Any, value: str) -> None:
    seen: list[Any] = []
    answer = LoopbackAnswer(status=429, headers={"Retry-After": value})
    with LoopbackIndex({WHEEL: DATA}, hook=on_page(answer, 1)) as index:
        limits = Limits(retry_after=0.3)
        assert make_client(index.url, limits=limits, emitter=Emitter(seen.append)).project("demo").artifacts
        assert [event.delay for event in seen if isinstance(event, RequestRetried)] == [0.3]
        # A pause that does not fit into the deadline is not begun.
        index.hook = on_page(answer)
        asked = len(index.requests)
        with pytest.raises(TransportError, match="429"):
            make_client(index.url, limits=Limits(retry_after=3600), refresh=True).project("demo")
        assert len(index.requests) == asked + 1


def test_an_explicit_pause_is_kept_to(make_client: Any) -> None:
    with LoopbackIndex(
        {WHEEL: DATA}, hook=on_page(LoopbackAnswer(status=503, headers={"Retry-After": "1"}), 1)
    ) as index:
        start = time.monotonic()
        assert make_client(index.url, limits=Limits(), timeouts=Timeouts()).project("demo").artifacts
        assert time.monotonic() - start >= 1.0


def test_ranges_alone_give_metadata(make_client: Any) -> None:
    name, data = wheel_bytes("demo", "1.0", files={"noise.bin": random.Random(3).randbytes(2_000_000)})
    with LoopbackIndex({name: data}, core_metadata=False) as index:
        client = make_client(index.url)
        assert b"Name: demo" in client.metadata(client.project("demo").artifacts[0])
        asked = [request.headers.get("range", "") for request in index.requests if request.path.endswith(".whl")]
        assert len(asked) <= 3
        assert all(text.startswith("bytes=") for text in asked)


def test_addresses_that_a_request_cannot_hold_are_quoted(make_client: Any) -> None:
    with LoopbackIndex({WHEEL: DATA}, details={WHEEL: {"url": f"/nowhere/ä b\r\nX: y/{WHEEL}"}}) as index:
        client = make_client(index.url)
        with pytest.raises(IndexAccessError):
            client.fetch(client.project("demo").artifacts[0])
        assert index.requests[-1].path.startswith("/nowhere/%C3%A4%20b")
        assert all("x" not in request.headers for request in index.requests)
