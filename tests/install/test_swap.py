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


def test_readers_never_see_a_mixture(shop):
    shop.install(*everything("1"), atomic="swap")
    library = str(shop.environment.library)
    stop = threading.Event()
    mixtures: list[dict[str, set[str]]] = []
    seen: set[str] = set()

    def read() -> None:
        while not stop.is_set():
            folder = os.open(library, os.O_RDONLY)
            try:
                infos = {name.split("-")[1][0] for name in os.listdir(folder) if name.endswith(".dist-info")}
                versions = set()
                for name in NAMES:
                    for path in (f"{name}/version", f"space/{name}"):
                        file = os.open(path, os.O_RDONLY, dir_fd=folder)
                        versions.add(os.read(file, 9).decode())
                        os.close(file)
            finally:
                os.close(folder)
            seen.update(versions)
            if len(versions) != 1 or infos != versions:
                mixtures.append({"infos": infos, "versions": versions})

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(6):
            shop.install(*everything("2"), atomic="swap")
            shop.install(*everything("1"), atomic="swap")
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    # A folder that is set aside is cleared away by the next operation but one, so even slow readers are served.
    assert mixtures == []
    assert seen == {"1", "2"}


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
