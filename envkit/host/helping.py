"""Many small jobs that mostly wait for the system, done by this thread and one that helps.

Links and copies spend their time in the kernel, where threads of Python do not keep each other waiting. More helpers
would mostly hand each other the interpreter's lock, and so would one beside other work that makes many short calls.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from envkit.host import watched

Job: TypeAlias = Callable[[], object]


def do_all(jobs: Iterable[Job], check: Callable[[], object], *, helper: bool) -> None:
    """Do all *jobs*, which must not depend on each other. *check* is called before each of this thread, to stop by raising.

    Raises the first error; then no job is going on any more, and those that were not begun are dropped. Without *helper*,
    with a guard in the gate, and where no thread can be had, this thread does them in their order.
    """
    left = deque(jobs)
    if not helper or watched():
        _do(left.popleft, check)
        return
    errors: list[BaseException] = []

    def help_along() -> None:
        try:
            _do(left.pop, _nothing)
        except BaseException as error:  # noqa: BLE001  raised by whoever waits for us
            errors.append(error)
            left.clear()

    thread = threading.Thread(target=help_along, name="envkit-helper")
    try:
        thread.start()
    except RuntimeError:  # no more threads for us
        _do(left.popleft, check)
        return
    try:
        _do(left.popleft, check)
    except BaseException:
        left.clear()
        raise
    finally:
        thread.join()
    for error in errors:
        raise error


def _do(take: Callable[[], Job], check: Callable[[], object]) -> None:
    while True:
        check()
        try:
            job = take()
        except IndexError:
            return
        job()


def _nothing() -> None:
    """There is nothing to check."""
