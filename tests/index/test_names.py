"""The system's resolver knows neither deadline nor cancelling; whoever waits for it does."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from envkit.errors import Cancelled, TransportError
from envkit.events import CancelToken, Emitter
from envkit.index.bounds import Timeouts
from envkit.index.sockets import look_up
from envkit.index.transport import Request, Retriable


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Let names be looked up for as long as the test runs; give those that were."""
    asked: list[Any] = []
    end = threading.Event()
    look = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if b"stuck" not in host or options.get("flags"):
            return look(host, *args, **options)
        asked.append(host)
        end.wait()
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    end.set()


@pytest.mark.parametrize("timeouts", [Timeouts(connect=0.2, page=60.0), Timeouts(connect=60.0, page=0.5)])
@pytest.mark.parametrize("proxy", [None, "http://proxy-stuck.example:3128", "socks5://127.0.0.1:1"])
def test_a_name_that_is_never_resolved_ends_in_time(
    make_client: Any, stuck: list[Any], timeouts: Timeouts, proxy: str | None
) -> None:
    with pytest.raises(TransportError, match=r"resolved|finished|connect"):  # which is while it is still looked up
        make_client("https://stuck.example/simple/", timeouts=timeouts, proxy=proxy).project("demo")
    assert len(stuck) <= 1  # whoever asks again waits for the same answer


def test_waiting_for_a_name_can_be_cancelled(make_client: Any, stuck: list[Any]) -> None:
    token = CancelToken()
    client = make_client("https://stuck-too.example/simple/", emitter=Emitter(kind="index", cancel=token))
    threading.Timer(0.2, token.cancel).start()
    with pytest.raises(Cancelled):
        client.ask("https://stuck-too.example/simple/demo/")
    assert stuck


def test_names_and_addresses_are_looked_up() -> None:
    request = Request(url="", deadline=time.monotonic() + 60.0)
    for host in ("127.0.0.1", "::1", "localhost"):
        found = look_up(host, 80, request)
        assert {row[4][0] for row in found} <= {"127.0.0.1", "::1"}
        assert found
    for host in ("a..b", "x" * 70 + ".invalid", "\u00e9" * 80):
        with pytest.raises(Retriable, match="resolved"):
            look_up(host, 80, request)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_looks_up_for_itself(stuck: list[Any]) -> None:
    short = Request(url="", deadline=time.monotonic() + 60.0, connect_timeout=0.1)
    with pytest.raises(Retriable):
        look_up("forked-stuck.example", 80, short)
    child = os.fork()
    if not child:
        status = 1
        try:
            socket.getaddrinfo = _answer  # type: ignore[assignment]
            patient = Request(url="", deadline=time.monotonic() + 60.0, connect_timeout=30.0)
            status = int(look_up("forked-stuck.example", 80, patient) != ["an answer"])
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _answer(*_: Any, flags: int = 0) -> list[str]:
    if flags:
        raise socket.gaierror("no address")
    return ["an answer"]
