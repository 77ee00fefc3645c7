"""What happens during an operation, as values for whoever wants to watch.

A reporter is any callable that takes one event. It is called from whichever thread does the work, must return quickly,
and cannot harm the work: what it raises is dropped. Every event has the operation's id, so that one reporter can follow
several operations at once.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from envkit.errors import Cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted:
    """An operation began; *subject* is an environment's path, a project or the like."""

    operation: str
    kind: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFinished:
    """An operation ended; *seconds* of wall time."""

    operation: str
    kind: str
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFetched:
    """A project page was read; *bytes_read* is 0 where the cache answered."""

    operation: str
    project: str
    index: str
    bytes_read: int
    from_cache: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataFetched:
    """The metadata of one file was read, by *how* ("sidecar", "range", "file", "cache", "static", "build")."""

    operation: str
    project: str
    filename: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRetried:
    """A request is tried again after *delay* seconds."""

    operation: str
    url: str
    attempt: int
    delay: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadStarted:
    """The download of a file began; *total* bytes where known."""

    operation: str
    filename: str
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadAdvanced:
    """*done* of *total* bytes have arrived."""

    operation: str
    filename: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadFinished:
    """The whole file has arrived and its hash is right."""

    operation: str
    filename: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePinned:
    """The solver decided on a version for now; a later event may take it back."""

    operation: str
    project: str
    version: str
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictFound:
    """The solver met a conflict and learned from it."""

    operation: str
    project: str
    reason: str
    conflicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSkipped:
    """A version was passed over, with the reason."""

    operation: str
    project: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraUnknown:
    """An extra was asked for that the chosen version does not provide; it is ignored, as the specification says."""

    operation: str
    project: str
    version: str
    extra: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted:
    """Code of a project is about to run; *what* is "wheel", "metadata", "editable" or "requirements"."""

    operation: str
    subject: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutput:
    """One line that a build printed, without its line end."""

    operation: str
    subject: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished:
    """A build ended."""

    operation: str
    subject: str
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelUnpacked:
    """A wheel was checked and unpacked into the pool."""

    operation: str
    filename: str
    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelInstalled:
    """A distribution is in place; *done* of *total* of this plan."""

    operation: str
    name: str
    version: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionRemoved:
    """A distribution was removed; *done* of *total* of this plan."""

    operation: str
    name: str
    version: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """An operation that had been killed was brought to an end; *outcome* is "rolled-back" or "rolled-forward"."""

    operation: str
    root: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something a person may want to know, and no program needs to act on; *code* is stable."""

    operation: str
    code: str
    message: str


Event: TypeAlias = (
    OperationStarted
    | OperationFinished
    | ProjectFetched
    | MetadataFetched
    | RequestRetried
    | DownloadStarted
    | DownloadAdvanced
    | DownloadFinished
    | CandidatePinned
    | ConflictFound
    | CandidateSkipped
    | ExtraUnknown
    | BuildStarted
    | BuildOutput
    | BuildFinished
    | WheelUnpacked
    | WheelInstalled
    | DistributionRemoved
    | Recovered
    | Warned
)

Reporter: TypeAlias = Callable[[Event], object]

_counter = itertools.count(1)


def new_operation(kind: str) -> str:
    """Give an id for one operation, unique in this process: ``"install-7"``."""
    return f"{kind}-{next(_counter)}"


class CancelToken:
    """A flag that any thread may raise and every long operation looks at.

    ``check()`` raises `Cancelled`; ``wait(seconds)`` sleeps and returns early, with true, when cancelled. Callbacks
    given to ``on_cancel`` run once, in the cancelling thread, so that a blocked read can be broken.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Stop what watches this token at its next safe point. Calling it again does nothing."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _quietly(callback)

    def check(self) -> None:
        """Raise `Cancelled` once the token is cancelled."""
        if self._event.is_set():
            raise Cancelled("the operation was cancelled")

    def wait(self, seconds: float) -> bool:
        """Wait at most *seconds*; true means cancelled."""
        return self._event.wait(seconds)

    def on_cancel(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call *callback* on cancellation (at once if that was before); the result takes it off again."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        _quietly(callback)
        return lambda: None

    def _forget(self, callback: Callable[[], object]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)


def _quietly(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001, S110  a watcher's fault must not become the worker's
        pass


class Emitter:
    """The reporter and the cancel token of one operation, as every layer passes them down.

    Calling it reports an event, whatever the reporter does with it.
    """

    __slots__ = ("_reporter", "cancel", "operation")

    def __init__(
        self,
        reporter: Reporter | None = None,
        *,
        cancel: CancelToken | None = None,
        operation: str | None = None,
        kind: str = "work",
    ) -> None:
        self._reporter = reporter
        self.cancel = cancel
        self.operation = operation if operation is not None else new_operation(kind)

    @property
    def active(self) -> bool:
        """False where nobody listens, so that costly events need not be made."""
        return self._reporter is not None

    def __call__(self, event: Event) -> None:
        """Report *event*."""
        if self._reporter is not None:
            try:
                self._reporter(event)
            except Exception:  # noqa: BLE001, S110  a reporter that raises never harms the work
                pass

    def check(self) -> None:
        """Raise `Cancelled` if the operation was cancelled."""
        if self.cancel is not None:
            self.cancel.check()
