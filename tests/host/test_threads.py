"""Threads of our own do the work as long as anybody wants it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from envkit.host.threads import Threads

AFTER_THE_END = """
import sys, threading
from pathlib import Path
import envkit

def work():
    threading.main_thread().join()
    kit = envkit.Kit(indexes=(), find_links=sys.argv[1], cache_dir=Path(sys.argv[1], "cache"))
    env = kit.create(Path(sys.argv[1], "env"))
    kit.install(env, ["one", "other"], compile_bytecode=True)
    kit.download("one", Path(sys.argv[1], "saved"), target=env)
    print(*kit.freeze(env))

threading.Thread(target=work).start()
"""


def test_an_installation_goes_on_when_the_main_thread_has_ended(tmp_path):
    from envkit.testing.wheels import make_wheel

    for name in ("one", "other"):
        make_wheel(tmp_path, name, "1.0", files={f"{name}.py": ""})
    done = subprocess.run(
        [sys.executable, "-c", AFTER_THE_END, tmp_path], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stderr, done.stdout) == ("", "one==1.0 other==1.0\n")
    assert (tmp_path / "saved").is_dir()


def test_results_and_errors_come_as_from_any_executor():
    with Threads(2) as threads:
        assert list(threads.map(pow, (2, 3), (4, 2))) == [16, 9]
        assert threads.submit(threading.get_ident).result() != threading.get_ident()
        failed = threads.submit(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            failed.result()


def test_whoever_comes_after_the_end_of_the_pool_is_told():
    threads = Threads(1)
    threads.shutdown()
    with pytest.raises(RuntimeError):
        threads.submit(int)
