"""Share thousands of links with a process of its own, which the interpreter's lock does not keep waiting."""

from __future__ import annotations

import functools
import marshal
import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from envkit.host import link_worker
from envkit.host.link_worker import ANSWER, TICKET
from envkit.host.workers import Worker, can_help, own_python

if TYPE_CHECKING:
    from envkit.host.link_worker import Row

    Job: TypeAlias = tuple[str, str, list[Row]]  # source, target, rows: as `Linker.link_folders` takes them
    Link: TypeAlias = Callable[[str, str, list[Row]], object]

_MOST = 400  # tickets, and answers, that are sure to fit into a pipe
_PATIENCE = 30.0  # seconds without an answer, after which the process is ended
_LOOK_MS = 50


class LinkHelper:
    """A process that links beside this one until the end of the block, where it certainly writes nothing any more.

    Tickets for jobs wait in a pipe that both take from. It keeps the descriptor *lock*: if we are killed, nobody can have
    the lock before it has ended, too.
    """

    def __init__(self, python: str, script: str, lock: int) -> None:
        self._jobs: list[Job] = []
        self._store = os.memfd_create("envkit-jobs", os.MFD_CLOEXEC)
        self._tickets, self._feed = os.pipe()
        try:
            os.set_blocking(self._tickets, False)
            command = [python, "-I", "-S", "-B", script, str(os.getpid()), str(self._store)]
            self._worker = Worker(command, stdin=self._tickets, keep=(self._store, lock))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._worker.end(grace=0.0)

    def _close(self) -> None:
        for descriptor in (self._store, self._tickets, self._feed):
            if descriptor >= 0:
                os.close(descriptor)
        self._store = self._tickets = self._feed = -1

    def offer(self, job: Job) -> None:
        """Let whoever is free begin with a job, whose folders are there."""
        self._jobs.append(job)
        if len(self._jobs) <= _MOST:
            data = marshal.dumps(job)
            ticket = TICKET.pack(len(self._jobs) - 1, os.lseek(self._store, 0, os.SEEK_CUR), len(data))
            view = memoryview(data)
            while view:
                view = view[os.write(self._store, view) :]
            os.write(self._feed, ticket)

    def share(self, link: Link, check: Callable[[], object], own: Iterable[Callable[[], object]] = ()) -> list[Job]:
        """Do what was offered together: here, after *own*, by *link*, whose errors are raised. *check* may raise to stop.

        Gives the jobs that the other process failed at, which may be half done; it does nothing more then.
        """
        os.close(self._feed)
        self._feed = -1
        for job in own:
            check()
            job()
        left = dict(enumerate(self._jobs))
        for number in chain(iter(self._take, None), range(_MOST, len(self._jobs))):
            check()
            link(*left.pop(number))
        if left:
            for number in self._await(left.keys(), check):
                del left[number]
        if left:
            self._worker.end(grace=0.0)
        return list(left.values())

    def _take(self) -> int | None:
        try:
            ticket = os.read(self._tickets, TICKET.size)
        except BlockingIOError:  # somebody forked meanwhile, and has the other end
            return None
        return TICKET.unpack(ticket)[0] if ticket else None

    def _await(self, wanted: Collection[int], check: Callable[[], object]) -> set[int]:
        """Give those of the *wanted* numbers that the other process has done."""
        from select import POLLIN, poll

        output = self._worker.output.fileno()
        answers = poll()
        answers.register(output, POLLIN)
        waiting, done = set(wanted), set[int]()
        rest, until = b"", time.monotonic() + _PATIENCE
        while waiting and time.monotonic() < until:
            check()
            if not answers.poll(_LOOK_MS):
                continue
            data = os.read(output, 1 << 16)
            if not data:  # it has ended
                break
            until = time.monotonic() + _PATIENCE
            whole = len(rest + data) // ANSWER.size * ANSWER.size
            for number, good in ANSWER.iter_unpack((rest + data)[:whole]):
                waiting.discard(number)
                if good:
                    done.add(number)
            rest = (rest + data)[whole:]
        return done.intersection(wanted)


def begin_link_helper(lock: int) -> LinkHelper | None:
    """Begin a process that links, where one can be had and is sure to be a Python; *lock* is what it must keep."""
    python, script = own_python(), _script()
    if python is None or script is None or not can_help():
        return None
    with suppress(OSError):  # no more processes or descriptors for us
        return LinkHelper(python, script, lock)
    return None


@functools.cache
def _script() -> str | None:
    path = link_worker.__file__
    return path if os.path.isfile(path) and path.endswith(".py") else None
