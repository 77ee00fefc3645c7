"""Whole libraries change places: a reader sees all of the old state or all of the new one."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from envkit.errors import EnvkitError, InstallError
from envkit.host import exchange
from envkit.transaction import recover

from .places import Workshop, check_records, litter
from .test_kills import run_child

NAMES = [f"pin{number}" for number in range(6)]


@pytest.fixture
def shop(tmp_path):
    shop = Workshop.at(tmp_path)
    for name in NAMES:
        for version in ("1", "2"):
            files = {f"{name}/version": version, f"space/{name}": version, f"{name}/only{version}": ""}
            shop.wheel(name, version, files=files, entry_points=f"[console_scripts]\n{name} = {name}:main\n")
    return shop


def everything(version: str) -> list[str]:
    return [f"{name}=={version}" for name in NAMES]


def test_the_result_is_the_same(shop, tmp_path):
    shop.install(*everything("1"), atomic="swap")
    first = shop.snapshot()
    mine = shop.environment.library / "pin1/mine.txt"
    mine.write_text("mine")
    (shop.environment.library / "link").symlink_to("pin0")
    shop.install(*everything("2"), atomic="swap")
    assert mine.read_text() == "mine"
    assert os.readlink(shop.environment.library / "link") == "pin0"
    shop.installer().undo()
    mine.unlink()
    (shop.environment.library / "link").unlink()
    assert shop.snapshot() == first
    shop.install(*everything("2"))
    by_entries = shop.snapshot()
    shop.installer().undo()
    shop.install(*everything("2"), atomic="swap")
    assert shop.snapshot() == by_entries
    shop.uninstall(*NAMES, atomic="swap")
    assert os.listdir(shop.environment.library) == []
    assert litter(shop.environment.root) == []


def look(library: str) -> set[str]:
    """Give the versions that site-packages shows to somebody who opens it once; raises where a part is missing."""
    folder = os.open(library, os.O_RDONLY)
    try:
        versions = {name.split("-")[1][0] for name in os.listdir(folder) if name.endswith(".dist-info")}
        for name in NAMES:
            for path in (f"{name}/version", f"space/{name}"):
                file = os.open(path, os.O_RDONLY, dir_fd=folder)
                versions.add(os.read(file, 9).decode())
                os.close(file)
    finally:
        os.close(folder)
    return versions


def test_readers_never_see_a_mixture(shop):
    """A folder that one operation sets aside is removed at the end of the next one: who looks for longer is not served."""
    shop.install(*everything("1"), atomic="swap")
    library = str(shop.environment.library)
    stop = threading.Event()
    begun = 0
    seen: list[set[str] | str] = []

    def read() -> None:
        while not stop.is_set():
            before = begun
            try:
                found: set[str] | str = look(library)
            except OSError as error:
                found = str(error)
            if begun == before:
                seen.append(found)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for at in range(12):
            begun += 1
            shop.install(*everything("1" if at % 2 else "2"), atomic="swap")
            looked, until = len(seen), time.monotonic() + 30
            while len(seen) < looked + 2 and time.monotonic() < until:
                time.sleep(0.001)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert {"1"} in seen
    assert {"2"} in seen
    assert [found for found in seen if found not in ({"1"}, {"2"})] == []


def test_kills(shop):
    shop.install(*everything("1"), atomic="swap")
    states = {"1": shop.snapshot()}
    began = time.perf_counter()
    shop.install(*everything("2"), atomic="swap")
    took = time.perf_counter() - began
    states["2"] = shop.snapshot()
    for attempt in range(20):
        target = "1" if shop.snapshot() == states["2"] else "2"
        child = run_child(lambda target=target: shop.install(*everything(target), atomic="swap"))
        time.sleep(took * attempt / 20)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        recover(str(shop.environment.root))
        assert shop.snapshot() in states.values()
        assert litter(shop.environment.root) == []
    check_records(shop.environment.root)


def test_where_it_is_impossible_it_is_refused(shop, tmp_path, monkeypatch):
    with pytest.raises(InstallError, match="in one step"):
        shop.install(*everything("1"), atomic="swap", target=tmp_path / "target")
    monkeypatch.setattr(exchange, "exchange", lambda source, target: False)
    before = shop.snapshot()
    with pytest.raises(EnvkitError, match="change places"):
        shop.install(*everything("1"), atomic="swap")
    assert shop.snapshot() == before
    assert litter(shop.environment.root) == []
