from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys
import threading
import time
import typing
from pathlib import Path

import pytest

from envkit import errors, events

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.EnvkitError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_code_and_crosses_processes_whole(kind):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    error = kind("it broke", hint="try this", context={"path": "/x"})
    assert isinstance(error, errors.EnvkitError)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert (str(twin), twin.hint, dict(twin.context)) == ("it broke", "try this", {"path": "/x"})
    assert error.to_dict()["code"] == kind.code


def test_codes_are_unique():
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_a_requirement_error_tells_file_and_line():
    error = pickle.loads(pickle.dumps(errors.RequirementError("bad", file="r.txt", line=3)))
    assert (error.file, error.line, error.context["line"]) == ("r.txt", 3, 3)
    assert isinstance(error, ValueError)


def test_a_reporter_that_raises_harms_nothing():
    def broken(event):
        raise RuntimeError("no")

    emitter = events.Emitter(broken)
    emitter(events.Warned(operation=emitter.operation, code="x", message="y"))


def test_cancelling_is_seen_and_calls_back_once():
    token, called = events.CancelToken(), []
    emitter = events.Emitter(cancel=token)
    emitter.check()
    forget = token.on_cancel(lambda: called.append("forgotten"))
    forget()
    token.on_cancel(lambda: called.append("kept"))
    token.on_cancel(lambda: 1 / 0)
    token.cancel()
    token.cancel()
    token.on_cancel(lambda: called.append("late"))
    assert called == ["kept", "late"]
    with pytest.raises(errors.Cancelled):
        emitter.check()


def test_waiting_ends_when_cancelled():
    token = events.CancelToken()
    threading.Timer(0.05, token.cancel).start()
    start = time.monotonic()
    assert token.wait(600)
    assert time.monotonic() - start < 300


def test_operations_have_different_ids():
    assert events.new_operation("install") != events.new_operation("install")


def test_every_error_is_public():
    import envkit

    assert {kind.__name__ for kind in KINDS} <= set(envkit.__all__)


def test_events_are_loaded_when_named_and_all_are_offered():
    code = (
        "import sys; from envkit.events import Emitter, CancelToken, Reporter, new_operation;"
        "assert 'envkit.events.kinds' not in sys.modules and 'dataclasses' not in sys.modules;"
        "from envkit.events import Warned; assert 'envkit.events.kinds' in sys.modules"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True, cwd=Path(__file__).parent.parent)
    for kind in typing.get_args(events.Event):
        assert getattr(events, kind.__name__) is kind
        assert kind.__name__ in dir(events)
    with pytest.raises(AttributeError, match="no_such_event"):
        _ = events.no_such_event
