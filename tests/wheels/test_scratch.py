"""Temporary folders of builds: gone afterwards, and what a killed process left is removed later, but nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from envkit.wheels import scratch
from envkit.wheels.scratch import scratch_folder

HOLD = """\
import sys, tempfile, time
tempfile.tempdir = sys.argv[1]
from envkit.wheels.scratch import scratch_folder
with scratch_folder() as folder:
    open(folder + "/source", "w").close()
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch._remove_leftovers.cache_clear()
    yield tmp_path
    scratch._remove_leftovers.cache_clear()


@pytest.fixture
def hold(place):
    """Give what starts processes that hold a folder each; a process and its folder are given."""
    started = []

    def start():
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(place)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def make_old(folder):
    then = time.time() - 2 * 3600
    os.utime(folder, (then, then))


def open_another():
    scratch._remove_leftovers.cache_clear()
    with scratch_folder():
        pass


def test_a_folder_is_gone_afterwards_also_after_a_failure(place):
    def fail():
        with scratch_folder() as folder:
            os.mkdir(f"{folder}/inside")
            assert os.path.realpath(folder) == folder
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert os.listdir(place) == []


def test_what_a_killed_process_left_is_removed_later(place, hold):
    process, folder = hold()
    kill(process)
    open_another()
    assert os.path.isfile(f"{folder}/source"), "it is not old enough to be sure"
    make_old(folder)
    open_another()
    assert os.listdir(place) == []


def test_what_is_in_use_stays_however_old(place, hold):
    _, folder = hold()
    make_old(folder)
    open_another()
    assert os.path.isfile(f"{folder}/source")


def test_what_is_in_use_stays_where_there_are_no_locks(place, hold, monkeypatch):
    process, folder = hold()
    make_old(folder)
    monkeypatch.setattr(scratch, "holder", lambda path: None)
    open_another()
    assert os.path.isfile(f"{folder}/source")
    kill(process)
    open_another()
    assert not os.path.exists(folder)


def test_nothing_else_is_touched(place):
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / "file").touch()
    (place / "envkit-build-link").symlink_to("elsewhere")
    (place / "envkit-build-file").touch()
    (place / "envkit-other").mkdir()
    for name in ("elsewhere", "envkit-other", "envkit-build-file"):
        make_old(place / name)
    open_another()
    assert sorted(os.listdir(place)) == ["elsewhere", "envkit-build-file", "envkit-build-link", "envkit-other"]
    assert os.listdir(place / "elsewhere") == ["file"]


def test_a_folder_of_another_user_is_let_be(place, monkeypatch):
    (place / "envkit-build-theirs").mkdir()
    make_old(place / "envkit-build-theirs")
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    open_another()
    assert os.listdir(place) == ["envkit-build-theirs"]


def test_leftovers_are_looked_for_once_an_hour(place):
    with scratch_folder():
        pass
    (place / "envkit-build-old").mkdir()
    make_old(place / "envkit-build-old")
    with scratch_folder():
        pass
    assert os.listdir(place) == ["envkit-build-old"]
