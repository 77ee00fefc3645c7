"""Work at the network: a bounded number of threads, and each piece of work done once however many ask for it.

The threads are daemons, so that a server that hangs never holds up the end of the process, and they end when there was
nothing to do for a while. After a fork the child starts with none.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar, cast

from envkit.events import CancelToken

_IDLE_SECONDS = 5.0
_TICK = 0.05
_T = TypeVar("_T")


class Job(Generic[_T]):
    """One piece of work; `result` waits for it and gives or raises what came out."""

    __slots__ = ("_done", "_error", "_value", "work")

    def __init__(self, work: Callable[[], _T]) -> None:
        self.work: Callable[[], _T] | None = work
        self._done = threading.Event()
        self._value: _T | None = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether it has ended."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Do the work, in the calling thread."""
        work, self.work = self.work, None
        assert work is not None
        try:
            self._value = work()
        except BaseException as error:  # noqa: BLE001  it is raised again in whoever waits
            self._error = error.with_traceback(None)
        finally:
            self._done.set()
            # The traces of the error's causes lead back to here: a circle, which would keep all that was read.
            del self

    def result(self, cancel: CancelToken | None) -> _T:
        """Wait, and give what the work gave. Raises what it raised, or `Cancelled` within 100 ms."""
        if cancel is None:
            self._done.wait()
        else:
            while not self._done.wait(_TICK):
                cancel.check()
        try:
            if self._error is not None:
                # Each waiter gets the error with its own trace, not that of the other waiters.
                raise self._error.with_traceback(None)
            return cast(_T, self._value)
        finally:
            del self  # the error's trace ends here, and would lead back to the error


class Workers:
    """At most *limit* threads; what is asked for with the same key while it is under way is done once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._condition = threading.Condition(threading.Lock())
        self._queue: deque[tuple[Hashable, Job[Any]]] = deque()
        self._under_way: dict[Hashable, Job[Any]] = {}
        self._threads = 0
        self._idle = 0

    def submit(self, key: Hashable, work: Callable[[], _T], *, urgent: bool = False) -> Job[_T]:
        """Give the job for *key*: one that is under way, else a new one, ahead of all waiting ones where *urgent*."""
        if self._pid != os.getpid():
            self._reset()
        with self._condition:
            job = self._under_way.get(key)
            if job is not None and not job.done:  # one that has just failed must not answer for a new attempt
                if urgent and job.work is not None and len(self._queue) > 1:
                    self._move_ahead(key, job)
                return job
            job = self._under_way[key] = Job(work)
            if urgent:
                self._queue.appendleft((key, job))
            else:
                self._queue.append((key, job))
            if self._idle >= len(self._queue):
                self._condition.notify()
            elif self._threads < self._limit:
                self._begin_thread()
            alone = not self._threads
        if alone:
            self._do_all_here()
        return job

    def _begin_thread(self) -> None:
        try:
            threading.Thread(target=self._serve, name="envkit-network", daemon=True).start()
        except RuntimeError:  # the system gives no more, or the interpreter, as its main thread has ended
            return
        self._threads += 1

    def _do_all_here(self) -> None:
        while True:
            with self._condition:
                if not self._queue:
                    return
                key, job = self._queue.popleft()
            job.run()
            self._forget(key, job)

    def _forget(self, key: Hashable, job: Job[Any]) -> None:
        with self._condition:
            if self._under_way.get(key) is job:
                del self._under_way[key]

    def _move_ahead(self, key: Hashable, job: Job[Any]) -> None:
        try:
            self._queue.remove((key, job))
        except ValueError:
            return
        self._queue.appendleft((key, job))

    def _serve(self) -> None:
        condition = self._condition
        while True:
            with condition:
                while not self._queue:
                    self._idle += 1
                    woken = condition.wait(_IDLE_SECONDS)
                    self._idle -= 1
                    if not woken and not self._queue:
                        self._threads -= 1
                        return
                key, job = self._queue.popleft()
            job.run()
            self._forget(key, job)
            del key, job  # a thread that waits for work must not hold on to what the last one gave

    def forget_waiting(self) -> None:
        """Drop what has not begun; whoever waits for it gets `Cancelled`."""
        with self._condition:
            dropped = list(self._queue)
            self._queue.clear()
            for key, _ in dropped:
                self._under_way.pop(key, None)
        for _, job in dropped:
            job.work = _cancelled
            job.run()


def _cancelled() -> None:
    from envkit.errors import Cancelled

    raise Cancelled("the client was closed")
