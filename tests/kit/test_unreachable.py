"""An index that cannot be reached: how often it is asked, and how long that takes."""

from __future__ import annotations

import socket

import pytest

import envkit
from envkit import events


@pytest.fixture
def refused():
    """An address where nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it, and not listening
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/simple/"


def attempt(url, tmp_path, **options):
    seen = []
    kit = envkit.Kit(indexes=(url,), cache_dir=tmp_path / "cache", reporter=seen.append, **options)
    with pytest.raises(envkit.TransportError, match="refused") as caught:
        kit.resolve(["demo"], target=envkit.Interpreter.current())
    return caught.value, [event for event in seen if isinstance(event, events.RequestRetried)]


def test_a_page_that_cannot_be_had_is_not_asked_for_again_by_the_solver(refused, tmp_path):
    error, retried = attempt(refused, tmp_path, retries=2)
    assert [event.attempt for event in retried] == [1, 2]
    assert error.context["attempts"] == 3


def test_where_nothing_listens_on_this_machine_nobody_waits_long(refused, tmp_path):
    _, retried = attempt(refused, tmp_path)
    assert [event.attempt for event in retried] == [1, 2, 3, 4]
    assert sum(event.delay for event in retried) < 1


def test_a_new_operation_asks_anew(refused, tmp_path):
    seen = []
    kit = envkit.Kit(indexes=(refused,), cache_dir=tmp_path / "cache", reporter=seen.append, retries=1)
    for times in (1, 2):
        with pytest.raises(envkit.TransportError):
            kit.resolve(["demo"], target=envkit.Interpreter.current())
        assert len([event for event in seen if isinstance(event, events.RequestRetried)]) == times
