"""What happens during an operation, as values for whoever wants to watch.

A reporter is any callable that takes one event. It is called from whichever thread does the work, must return quickly,
and cannot harm the work: what it raises is dropped. Every event has the operation's id, so that one reporter can follow
several operations at once. The events are loaded when first named (PEP 562): most operations have no listener.
"""

from __future__ import annotations

import importlib
import itertools
import threading
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from envkit.errors import Cancelled

if TYPE_CHECKING:
    from envkit.events.kinds import BuildFinished as BuildFinished
    from envkit.events.kinds import BuildOutput as BuildOutput
    from envkit.events.kinds import BuildStarted as BuildStarted
    from envkit.events.kinds import CandidatePinned as CandidatePinned
    from envkit.events.kinds import CandidateSkipped as CandidateSkipped
    from envkit.events.kinds import ConflictFound as ConflictFound
    from envkit.events.kinds import DistributionRemoved as DistributionRemoved
    from envkit.events.kinds import DownloadAdvanced as DownloadAdvanced
    from envkit.events.kinds import DownloadFinished as DownloadFinished
    from envkit.events.kinds import DownloadStarted as DownloadStarted
    from envkit.events.kinds import Event as Event
    from envkit.events.kinds import ExtraUnknown as ExtraUnknown
    from envkit.events.kinds import MetadataFetched as MetadataFetched
    from envkit.events.kinds import OperationFinished as OperationFinished
    from envkit.events.kinds import OperationStarted as OperationStarted
    from envkit.events.kinds import ProjectFetched as ProjectFetched
    from envkit.events.kinds import Recovered as Recovered
    from envkit.events.kinds import RequestRetried as RequestRetried
    from envkit.events.kinds import Warned as Warned
    from envkit.events.kinds import WheelInstalled as WheelInstalled
    from envkit.events.kinds import WheelUnpacked as WheelUnpacked

Reporter: TypeAlias = Callable[["Event"], object]

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


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name == "kinds":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = vars(_load()).get(name)
    if name != "Event" and getattr(value, "__module__", None) != f"{__name__}.kinds":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for name in vars(_load()) if not name.startswith("_"))})


def _load() -> ModuleType:
    # "from envkit.events import kinds" would ask __getattr__ again
    return importlib.import_module("envkit.events.kinds")
