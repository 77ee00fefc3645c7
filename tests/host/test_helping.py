"""Jobs that are shared with a helper: all done once, errors raised, nothing going on afterwards."""

from __future__ import annotations

import threading
import time

import pytest

from envkit.host import gate
from envkit.host.helping import do_all


def nothing() -> None:
    """Pass."""


@pytest.mark.parametrize("helper", [False, True])
def test_every_job_is_done_once(helper: bool) -> None:
    done: list[int] = []
    do_all([lambda number=number: done.append(number) for number in range(2000)], nothing, helper=helper)
    assert sorted(done) == list(range(2000))


def test_two_threads_share_the_jobs() -> None:
    both = threading.Barrier(2, timeout=100)
    do_all([both.wait, both.wait], nothing, helper=True)


def test_without_a_helper_the_jobs_are_done_in_order_and_here() -> None:
    done: list[tuple[int, int]] = []
    do_all(
        [lambda number=number: done.append((number, threading.get_ident())) for number in range(5)],
        nothing,
        helper=False,
    )
    assert done == [(number, threading.get_ident()) for number in range(5)]


def test_a_guard_sees_the_effects_one_after_another() -> None:
    idents: set[int] = set()
    with gate.guarded(lambda name, path: None):
        do_all([lambda: idents.add(threading.get_ident())] * 50, nothing, helper=True)
    assert idents == {threading.get_ident()}


@pytest.mark.parametrize("in_helper", [False, True])
def test_an_error_ends_both_threads_before_it_is_raised(in_helper: bool) -> None:
    here = threading.get_ident()
    done: list[int] = []
    failed = threading.Event()

    def job() -> None:
        if (threading.get_ident() == here) != in_helper and not failed.is_set():
            failed.set()
            raise ValueError("trouble")
        failed.wait(100)
        time.sleep(0.001)
        done.append(1)

    with pytest.raises(ValueError, match="trouble"):
        do_all([job] * 1000, nothing, helper=True)
    before = len(done)
    assert before < 1000
    time.sleep(0.02)
    assert len(done) == before
    assert not [thread for thread in threading.enumerate() if thread.name == "envkit-helper"]


def test_a_check_that_raises_drops_what_is_left() -> None:
    calls = iter(range(5))

    def check() -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        do_all([lambda: (time.sleep(0.001), done.append(1))] * 1000, check, helper=True)
    assert len(done) < 1000


def test_where_no_thread_can_be_had_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done: list[int] = []
    do_all([lambda: done.append(1)] * 10, nothing, helper=True)
    assert len(done) == 10
