"""Cancelling ends whatever waits, within 100 ms; and a fork at any moment leaves a child that works."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from envkit.cache import Cache
from envkit.errors import Cancelled
from envkit.events import CancelToken, Emitter
from envkit.index.bounds import Limits, Timeouts
from envkit.index.http11 import HttpTransport
from envkit.index.session import Session
from envkit.testing.loopback import LoopbackAnswer, LoopbackIndex
from envkit.testing.wheels import wheel_bytes

PROMISE = 0.1
"""Seconds. A machine that is busy with other tests may be late once; it is not late each time."""
TRIES = 8


def hang(sock: Any) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx")
    time.sleep(1.5)


@contextmanager
def served(hook: Any) -> Iterator[str]:
    with LoopbackIndex(hook=hook) as index:
        yield index.url


@contextmanager
def silent(*, scheme: str = "http", full: bool = False) -> Iterator[str]:
    """Listen and never answer; *full*: not even to connections."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3 if full else 0):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}/simple/"


PLACES: dict[str, Callable[[], Any]] = {
    "no answer": lambda: served(lambda _: time.sleep(1.5)),
    "in the middle of a body": lambda: served(lambda _: LoopbackAnswer(send=hang)),
    "pause before a retry": lambda: served(lambda _: LoopbackAnswer(status=503, headers={"Retry-After": "5"})),
    "connecting": lambda: silent(full=True),
    "greeting over TLS": lambda: silent(scheme="https"),
}


def delay_of(work: Callable[[], object], token: CancelToken) -> float:
    """Cancel *work* while it is under way, and give the seconds until it ends."""
    cancelled: list[float] = []

    def cancel() -> None:
        time.sleep(0.12)
        cancelled.append(time.monotonic())
        token.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        work()
    ended = time.monotonic()
    thread.join()
    return ended - cancelled[0]


def best(measure: Callable[[], float]) -> float:
    found = 9.0
    for _ in range(TRIES):
        found = min(found, measure())
        if found < PROMISE:
            break
    return found


@pytest.mark.parametrize("place", PLACES)
def test_a_request_ends(place: str) -> None:
    def measure() -> float:
        token = CancelToken()
        session = Session(HttpTransport, emitter=Emitter(cancel=token), timeouts=Timeouts(), limits=Limits())
        try:
            return delay_of(lambda: session.get(f"{url}demo/", {}, max_bytes=1000), token)
        finally:
            session.close()

    with PLACES[place]() as url:
        assert best(measure) < PROMISE


def test_whoever_waits_for_another_request_ends(make_client: Any) -> None:
    with served(lambda _: time.sleep(1.5)) as url:

        def measure() -> float:
            token = CancelToken()
            client = make_client(url, emitter=Emitter(cancel=token), limits=Limits(connections=1), cache=Cache(None))
            client.prefetch_pages(["first", "second", "third"])
            delay = delay_of(lambda: client.project("third"), token)
            with pytest.raises(Cancelled):
                client.project("first")
            return delay

        assert best(measure) < PROMISE


FILES = dict(wheel_bytes(f"p{at}", "1.0") for at in range(60))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
class TestForks:
    def child(self, work: Callable[[], object]) -> None:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if work() else 2
            finally:
                os._exit(status)
        end = time.monotonic() + 200
        while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < end:
            time.sleep(0.01)
        if done[0] == 0:
            os.kill(child, 9)
            os.waitpid(child, 0)
        assert done == (child, 0)

    def test_a_child_uses_connections_of_its_own(self, make_client: Any) -> None:
        with LoopbackIndex(FILES) as index:
            client = make_client(index.url)
            client.project("p0")
            self.child(lambda: client.project("p1").artifacts)
            assert index.connections == 2
            client.project("p2")
            assert index.connections == 2

    def test_a_fork_in_the_middle_of_everything(self, make_client: Any) -> None:
        with LoopbackIndex(FILES, latency=0.005) as index:
            client = make_client(index.url)
            client.prefetch_pages([f"p{at}" for at in range(60)])
            for at in range(5):
                self.child(lambda at=at: client.project(f"p{50 + at}").artifacts)
            for at in range(60):
                assert client.project(f"p{at}").artifacts


def test_threads_share_connections(make_client: Any) -> None:
    with LoopbackIndex(FILES, latency=0.002) as index:
        client = make_client(index.url, limits=Limits(connections=4))
        errors: list[BaseException] = []

        def work(start: int) -> None:
            try:
                for at in range(60):
                    artifact = client.project(f"p{(start + at) % 60}").artifacts[0]
                    client.metadata(artifact)
            except BaseException as error:  # noqa: BLE001
                errors.append(error)

        threads = [threading.Thread(target=work, args=(at * 7,)) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert not errors
        assert len(index.requests) == 120
        assert index.connections <= 4


def test_metadata_that_came_while_it_was_looked_for_is_not_asked_for_again(make_client: Any) -> None:
    with LoopbackIndex(FILES) as index:
        client = make_client(index.url)
        artifact = client.project("p0").artifacts[0]
        bucket = client._store()._reader._bucket
        late = [True]

        class Slow:
            """What it finds is told late: meanwhile another thread fetches it, and takes it out of memory."""

            def __getattr__(self, name: str) -> Any:
                return getattr(bucket, name)

            def get(self, key: str) -> bytes | None:
                found = bucket.get(key)
                if found is None and late:
                    late.clear()
                    other = threading.Thread(target=lambda: [client.metadata(artifact) for _ in range(2)])
                    other.start()
                    other.join()
                return found

        client._store()._reader._bucket = Slow()
        assert b"p0" in client.metadata(artifact)
        assert index.count(".metadata") == 1
