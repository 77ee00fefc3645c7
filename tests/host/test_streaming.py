"""Programs that talk too much, never end, or leave children behind."""

import os
import signal
import sys
import threading
import time

import pytest

from envkit.events import CancelToken
from envkit.host.limits import left, until
from envkit.host.streaming import run_streaming

ENV = {"PATH": os.environ.get("PATH", "")}


def python(code, **options):
    return run_streaming([sys.executable, "-c", code], environ=ENV, **options)


def test_a_moment_set_around_a_call_bounds_the_programs_below_it():
    began = time.monotonic()
    for timeout in (None, 3600.0):
        with until(began):
            assert left() <= 0
            with until(began + 3600):  # a later moment gives no more time
                assert python("import time; time.sleep(3600)", timeout=timeout).ended == "timeout"
    assert python("", timeout=None).ended == "itself"
    assert left() == float("inf")


def test_output_of_both_streams_arrives_in_order_line_by_line():
    lines = []
    result = python(
        "import sys\nprint('one', flush=True)\nprint('two', file=sys.stderr, flush=True)\nsys.exit(3)",
        on_line=lines.append,
    )
    assert (result.returncode, result.output, result.ended) == (3, "one\ntwo\n", "itself")
    assert lines == ["one", "two"]


def test_only_the_given_variables_are_seen_and_there_is_no_input():
    result = python("import os, sys\nprint('SECRET' in os.environ, repr(sys.stdin.read()))")
    assert result.output == "False ''\n"


def test_endless_output_is_bounded_and_keeps_its_end():
    result = python("for i in range(300000): print('x' * 50, i)", max_output=200_000)
    assert result.truncated
    assert len(result.output) <= 200_000
    assert result.output.startswith("x" * 50 + " 0\n")
    assert result.output.endswith(" 299999\n")


def test_a_line_without_end_is_bounded():
    result = python("import sys\nfor _ in range(200): sys.stdout.write('y' * 65536)", max_output=1_000_000)
    assert result.truncated
    assert len(result.output) <= 1_000_000


def until_up(code):
    """Let it run into timeouts, each longer than the last, until one left it the time to print its first line.

    How long that takes depends on what else the machine does; the code itself sleeps far longer than any of them.
    """
    for timeout in (0.3, 1, 3, 10, 30, 90):
        result = python(code, timeout=timeout)
        assert result.ended == "timeout"
        if result.output:
            break
    return result


def test_timeout_ends_it_and_what_it_said_is_kept():
    assert until_up("import time; print('up', flush=True); time.sleep(600)").output == "up\n"


DAEMON = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes that left their group are found through /proc")
def test_cancellation_ends_children_that_left_the_group():
    token = CancelToken()
    pids = []

    def on_line(line):
        pids.append(int(line))
        threading.Timer(0.1, token.cancel).start()

    result = python(DAEMON, on_line=on_line, on_cancel=token.on_cancel, timeout=300)
    assert result.ended == "cancelled"
    deadline = time.monotonic() + 60
    while alive(pids[0]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pids[0])


def test_cancelled_before_the_start_ends_at_once():
    token = CancelToken()
    token.cancel()
    began = time.monotonic()
    assert python("import time; time.sleep(600)", on_cancel=token.on_cancel).ended == "cancelled"
    assert time.monotonic() - began < 300


def test_one_that_ignores_the_polite_signal_ends_too():
    code = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
    )
    result = until_up(code)
    assert result.output == "up\n"
    assert result.returncode == -signal.SIGKILL


def test_a_missing_program_is_an_os_error():
    with pytest.raises(FileNotFoundError):
        run_streaming(["/nowhere/program"], environ=ENV)
