"""Wheels that a process unpacks are what they are without it, and so are errors, whatever becomes of that process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envkit.errors import EnvkitError, HashMismatch, InvalidWheel
from envkit.host.workers import Worker, own_python
from envkit.kit.supply import _are_many
from envkit.model.candidate import Artifact
from envkit.testing.wheels import make_wheel
from envkit.wheels import unpacking
from envkit.wheels.pool import WheelPool
from envkit.wheels.unpacking import Unpacking

pytestmark = pytest.mark.skipif(own_python() is None, reason="no process can be had: not Linux, or no plain Python")


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


@pytest.fixture
def archives(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return [
        make_wheel(
            folder, f"dist{number}", "1", files={f"dist{number}/m{index}.py": "x = 1\n" * index for index in range(9)}
        )
        for number in range(6)
    ]


class OnlyThere(Unpacking):
    """All wheels go to the process first, so that each does something in every run."""

    def __init__(self, pool: WheelPool) -> None:
        super().__init__(pool, processes=True)
        while self._places.get() is not None:
            pass
        self._places.put(self._worker)


def content(pool: WheelPool) -> dict[str, bytes]:
    return {
        str(path.relative_to(pool.root)): path.read_bytes()
        for path in Path(pool.root).rglob("*")
        if path.is_file() and path.name != "manifest"  # which has mtimes
    }


def test_the_same_as_without(tmp_path, archives):
    with Unpacking(WheelPool(tmp_path / "one"), processes=False) as here:
        wanted = [here.add(path, owned=False) for path in archives]
    with OnlyThere(WheelPool(tmp_path / "two")) as there:
        found = [there.add(path, owned=False, filename=path.name, index="https://index.example/") for path in archives]
    assert content(there._pool) == content(here._pool)
    for one, two in zip(wanted, found, strict=True):
        assert two.index == "https://index.example/"
        assert (one.name, one.sha256, one.lib_rows) == (two.name, two.sha256, two.lib_rows)
    assert there._worker is not None
    assert there._worker._process.returncode is not None


def test_the_process_did_it(tmp_path, archives, monkeypatch):
    with OnlyThere(WheelPool(tmp_path / "pool")) as there:
        monkeypatch.setattr(WheelPool, "_make", None)  # nothing can be unpacked here
        for path in archives:
            there.add(path, owned=True)


def test_many_threads(tmp_path, archives):
    with Unpacking(WheelPool(tmp_path / "pool"), processes=True) as both, ThreadPoolExecutor(5) as threads:
        found = list(threads.map(lambda path: both.add(path, owned=False), archives * 3))
    assert len({wheel.sha256 for wheel in found}) == len(archives)
    assert os.listdir(tmp_path / "pool/=staging") == []


def test_errors_are_those_of_this_process(tmp_path, archives):
    damaged = tmp_path / archives[0].name
    damaged.write_bytes(archives[0].read_bytes() + b"!")
    cases = [
        (damaged, {}, InvalidWheel),
        (archives[1], {"sha256": "0" * 64}, HashMismatch),
        (archives[2], {"name": "other"}, InvalidWheel),
        (tmp_path / "nowhere-1-py3-none-any.whl", {}, EnvkitError),
    ]
    for path, options, kind in cases:
        texts = []
        for unpack in (
            Unpacking(WheelPool(tmp_path / "pool"), processes=False),
            OnlyThere(WheelPool(tmp_path / "pool")),
        ):
            with unpack, pytest.raises(kind) as caught:
                unpack.add(path, owned=False, **options)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]
    assert content(WheelPool(tmp_path / "pool")) == {}


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "import os; os.kill(os.getpid(), 9)",
        "import time; time.sleep(1000)",
        "input(); print('[')",
        "input(); print('null')",
        "input(); print('\"' + '0' * 64 + '\"')",
        "input(); print('\"nothing\"')",
        "input(); print({})",
    ],
)
def test_what_the_process_fails_at_is_done_here(tmp_path, archives, monkeypatch, body):
    monkeypatch.setattr(unpacking, "TIMEOUT", 0.3)
    with OnlyThere(WheelPool(tmp_path / "pool")) as there:
        assert there._worker is not None
        real, fake = there._worker, Worker([sys.executable, "-I", "-c", body])
        there._places.get()
        there._places.put(fake)
        try:
            for path in archives[:2]:
                options = {"sha256": there.add(path, owned=False).sha256}
                assert there.add(path, owned=False, **options).name == path.name.partition("-")[0]
        finally:
            fake.end(grace=0.0)
        assert real._process.poll() is None


CHILD = """
import os, sys, time
sys.path[:0] = {paths!r}
os.sched_getaffinity = lambda pid: {{0, 1}}
from envkit.wheels.pool import WheelPool
from envkit.wheels.unpacking import Unpacking
unpacking = Unpacking(WheelPool({root!r}), processes=True)
if os.fork() == 0:  # this one holds our end of the pipe, and never writes to it
    os.closerange(0, 3)
    time.sleep(1000)
print(unpacking._worker._process.pid, flush=True)
time.sleep(1000)
"""


def test_it_ends_when_its_parent_is_killed(tmp_path):
    text = CHILD.format(root=str(tmp_path / "pool"), paths=unpacking._paths())
    parent = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    try:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]:
            time.sleep(0.01)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()


def test_none_where_the_pool_has_bounds_of_its_own_or_parts_are_in_archives(tmp_path, monkeypatch):
    from envkit.wheels.bounds import ArchiveBounds

    assert Unpacking(WheelPool(tmp_path, bounds=ArchiveBounds(total=1000)), processes=True)._worker is None
    monkeypatch.setattr(unpacking, "_paths", lambda: None)
    assert Unpacking(WheelPool(tmp_path), processes=True)._worker is None


def artifact(size: int | None) -> Artifact:
    return Artifact(filename="a-1-py3-none-any.whl", url="https://index.example/a-1-py3-none-any.whl", size=size)


def test_when_a_process_is_worth_it():
    assert not _are_many([artifact(100 << 20)])
    assert _are_many([artifact(8 << 20), artifact(1)])
    assert not _are_many([artifact(None)] * 7)
    assert _are_many([artifact(None)] * 8)
    assert not _are_many([None] * 20)
