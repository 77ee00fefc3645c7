"""Work at the network is done by whoever asks for it where no thread can be had."""

from __future__ import annotations

import threading

import pytest

from envkit.index.workers import Workers


@pytest.fixture
def workers(monkeypatch):
    """Workers in a process that may begin no threads."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return Workers(4)


def test_work_is_done_at_once(workers):
    assert workers.submit("key", threading.get_ident).result(None) == threading.get_ident()
    assert workers.submit("key", lambda: 2).result(None) == 2  # not the answer of before


def test_work_may_ask_for_work(workers):
    assert (
        workers.submit("outer", lambda: workers.submit("inner", lambda: 3, urgent=True).result(None)).result(None) == 3
    )


def test_errors_come_from_the_result(workers):
    job = workers.submit("key", lambda: int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        job.result(None)
    assert workers.submit("key", lambda: 4).result(None) == 4


def test_a_thread_that_is_there_does_what_comes_later(monkeypatch):
    workers = Workers(2)
    there = workers.submit("first", threading.get_ident).result(None)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert there != threading.get_ident()
    assert workers.submit("second", threading.get_ident).result(None) == there
