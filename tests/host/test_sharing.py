"""A process that helps to link: what it shares, and that nothing it does or fails to do can be noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envkit.host import gate, links, sharing, workers
from envkit.host.link_worker import FileChanged
from envkit.host.sharing import LinkHelper, begin_link_helper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no process helps elsewhere")

FILES = 8


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


class Place:
    """Folders with files to link, one job for each folder."""

    def __init__(self, tmp_path: Path, folders: int) -> None:
        self.source, self.target = tmp_path / "source", tmp_path / "target"
        self.jobs = []
        for number in range(folders):
            (self.source / f"d{number}").mkdir(parents=True)
            (self.target / f"d{number}").mkdir(parents=True)
            names = [f"f{index}" for index in range(FILES)]
            for name in names:
                (self.source / f"d{number}" / name).write_text(name)
            facts = [os.stat(self.source / f"d{number}" / name) for name in names]
            columns = ([f.st_size for f in facts], [f.st_mtime_ns for f in facts], [f.st_mode for f in facts])
            self.jobs.append((str(self.source), str(self.target), [(f"d{number}", f"d{number}", names, columns)]))
        self.lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        self.linker = links.Linker("hardlink")

    def share(self, helper: LinkHelper, *own) -> list:
        for job in self.jobs:
            helper.offer(job)
        return helper.share(self.linker.link_folders, lambda: None, own)

    def linked(self) -> set[str]:
        found = {str(path.relative_to(self.target)) for path in self.target.rglob("f*")}
        assert all(os.path.samefile(self.source / each, self.target / each) for each in found)
        return found

    @property
    def all(self) -> set[str]:
        return {str(path.relative_to(self.source)) for path in self.source.rglob("f*")}


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path, 20)
    yield made
    os.close(made.lock)


def fake(tmp_path: Path, body: str) -> str:
    """A helper that does something else; ``taken`` is there once it has taken its first ticket."""
    script = tmp_path / "fake.py"
    text = "import os, select, sys, time\nselect.select([0], [], [])\nticket = os.read(0, 10)\n"
    script.write_text(f"{text}open({str(tmp_path / 'taken')!r}, 'w').close()\n{body}\n")
    return str(script)


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.001)


def test_each_file_is_linked_once_by_either(place, tmp_path):
    did = []
    with LinkHelper(sys.executable, sharing.link_worker.__file__, place.lock) as helper:
        # nothing is done here until the other process has done something
        assert place.share(helper, lambda: did.append(select(helper))) == []
    assert did
    assert place.linked() == place.all


def select(helper: LinkHelper) -> bool:
    from select import select as wait

    return bool(wait([helper._worker.output], [], [], 600)[0])


def test_a_changed_file_is_found_by_either(place):
    for folder in ("d0", "d19"):
        (place.source / folder / "f7").write_text("edited")
    with LinkHelper(sys.executable, sharing.link_worker.__file__, place.lock) as helper:
        try:
            failed = place.share(helper, lambda: select(helper))
        except FileChanged:
            failed = place.jobs[-1:]
        assert failed
    assert not {"d0/f7", "d19/f7"} & place.linked()


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "os.kill(os.getpid(), 19)",
        "time.sleep(1000)",
        "os.write(1, b'what?' * 300)\nos._exit(1)",
        "os.write(1, ticket[:2])\nos._exit(0)",
        "os.write(1, ticket[:2] + b'\\0')\ntime.sleep(1000)",
    ],
    ids=["ends", "killed", "stopped", "hangs", "nonsense", "half an answer", "fails"],
)
def test_what_a_helper_leaves_undone_is_known(place, tmp_path, monkeypatch, body):
    monkeypatch.setattr(sharing, "_PATIENCE", 0.2)
    with LinkHelper(sys.executable, fake(tmp_path, body), place.lock) as helper:
        failed = place.share(helper, lambda: wait_for(tmp_path / "taken"))
        assert helper._worker._process.poll() is not None  # before anything is done again
    assert failed == [place.jobs[0]]
    assert place.linked() == {each for each in place.all if not each.startswith("d0/")}


def test_nobody_is_waited_for_after_an_error_or_a_cancellation(place, tmp_path):
    def stop() -> None:
        if (tmp_path / "taken").exists():
            raise KeyboardInterrupt

    with LinkHelper(sys.executable, fake(tmp_path, "time.sleep(1000)"), place.lock) as helper:
        for job in place.jobs:
            helper.offer(job)
        wait_for(tmp_path / "taken")
        with pytest.raises(KeyboardInterrupt):
            helper.share(place.linker.link_folders, stop)
    assert helper._worker._process.returncode == -signal.SIGKILL


def test_a_helper_that_cannot_start_is_none(place, monkeypatch, tmp_path, two_processors):
    helper = begin_link_helper(place.lock)
    assert (helper is None) == (workers.own_python() is None)
    if helper is not None:
        with helper:
            assert place.share(helper) == []
    monkeypatch.setattr(sharing, "own_python", lambda: str(tmp_path / "nowhere"))
    assert begin_link_helper(place.lock) is None


def test_more_jobs_than_tickets(place, monkeypatch):
    monkeypatch.setattr(sharing, "_MOST", 7)
    with LinkHelper(sys.executable, sharing.link_worker.__file__, place.lock) as helper:
        assert place.share(helper) == []
    assert place.linked() == place.all


def test_it_has_no_other_descriptor_of_ours(place):
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    try:
        with LinkHelper(sys.executable, sharing.link_worker.__file__, place.lock) as helper:
            place.share(helper, lambda: select(helper))
            there = f"/proc/{helper._worker._process.pid}/fd"
            try:
                open_there = {os.readlink(f"{there}/{each}") for each in os.listdir(there)}
            except OSError:
                open_there = set()  # it has ended already
            assert f"pipe:[{os.fstat(reading).st_ino}]" not in open_there
    finally:
        os.close(reading)
        os.close(writing)


CHILD = """
import os, sys, time
sys.path.insert(0, {root!r})
from envkit.host.sharing import LinkHelper, link_worker
from envkit.host.locks import FileLock
lock = FileLock({lock!r}).acquire(timeout=1)
reading, writing = os.pipe()
helper = LinkHelper(sys.executable, link_worker.__file__, lock.fileno())
if os.fork() == 0:  # this one holds our end of the pipe, and never writes to it
    os.closerange(0, 3)
    os.close(lock.fileno())
    time.sleep(1000)
print(helper._worker._process.pid, flush=True)
time.sleep(1000)
"""


def test_it_ends_when_its_parent_is_killed(tmp_path):
    """Also where another child of the parent keeps the pipe open; and until then nobody else gets the lock."""
    from envkit.host.locks import FileLock, is_orphaned

    lock = str(tmp_path / "lock")
    root = str(Path(sharing.__file__).parents[2])
    command = [sys.executable, "-c", CHILD.format(root=root, lock=lock)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGINT)  # as a terminal does
        assert not is_orphaned(lock)
        parent.kill()
        parent.wait()
        assert is_orphaned(lock)
        with FileLock(lock).acquire(timeout=600):
            assert not alive(pid)
        assert not is_orphaned(lock)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        assert parent.stdout is not None
        parent.stdout.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_no_process_where_it_is_unsure_what_would_start(monkeypatch, two_processors):
    workers.own_python.cache_clear()
    try:
        usual = workers.own_python()
        assert usual is None or os.path.samefile(usual, "/proc/self/exe")
        for name, value in (("frozen", True), ("_base_executable", "/bin/sh"), ("_base_executable", "/no/where")):
            with monkeypatch.context() as patch:
                patch.setattr(sys, name, value, raising=False)
                workers.own_python.cache_clear()
                assert workers.own_python() is None
                assert not workers.can_help()
    finally:
        workers.own_python.cache_clear()


def test_no_process_with_a_guard_or_one_processor(monkeypatch, two_processors):
    expected = workers.own_python() is not None
    assert workers.can_help() is expected
    with gate.guarded(lambda name, path: None):
        assert not workers.can_help()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1})
    assert not workers.can_help()
