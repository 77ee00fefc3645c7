"""A pool of threads for the time of one call, also when the process is about to end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Executor):
    """At most *count* threads that begin as they are needed, or the calling thread once the main thread has ended.

    From then on the standard library's executor takes no work, nor can its module be loaded: both end in `RuntimeError`.
    But threads that are no daemons go on, and may be in the midst of an installation.
    """

    def __init__(self, count: int, name: str = "") -> None:
        self._pool: Executor | None = None
        if _may_begin_threads():
            try:
                from concurrent.futures.thread import ThreadPoolExecutor

                self._pool = ThreadPoolExecutor(count, name)
            except RuntimeError:
                if _may_begin_threads():
                    raise

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give the future of ``fn(*args, **kwargs)``, which has ended already where there are no more threads to be had."""
        if self._pool is not None and _may_begin_threads():
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except RuntimeError:
                if _may_begin_threads():
                    raise
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  raised in whoever asks for the result
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  as inherited
        """Take no more work, and *wait* for what was begun."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _may_begin_threads() -> bool:
    return threading.main_thread().is_alive()
