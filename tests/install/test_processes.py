"""Installing with a process that helps gives what it gives without, whatever becomes of that process."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from envkit.events import CancelToken
from envkit.host import sharing
from envkit.host.sharing import LinkHelper
from envkit.installation import applying
from envkit.transaction import recover

from .places import Workshop, check_records, litter
from .test_kills import make_workshop, run_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no process helps elsewhere")


@pytest.fixture(autouse=True)
def helped(monkeypatch: pytest.MonkeyPatch) -> list[LinkHelper]:
    """Let even small installations be helped; gives the helpers that were begun."""
    begun: list[LinkHelper] = []

    def begin(lock: int) -> LinkHelper:
        begun.append(LinkHelper(sys.executable, sharing.link_worker.__file__, lock))
        return begun[-1]

    monkeypatch.setattr(applying, "_WORTH_PROCESS", 1)
    monkeypatch.setattr(sharing, "begin_link_helper", begin)
    return begun


def ended(helper: LinkHelper) -> bool:
    return helper._worker._process.returncode is not None


@pytest.mark.parametrize("link_mode", ["auto", "hardlink"])
def test_the_same_as_without(tmp_path, helped, link_mode):
    shop, states = make_workshop(tmp_path)
    wanted = {}
    for name, requests in states.items():
        shop.install(*requests, mode="sync", processes=False)
        wanted[name] = shop.snapshot()
    assert not helped
    for name, requests in states.items():
        report = shop.install(*requests, mode="sync", link_mode=link_mode)
        assert report.link_mode == "hardlink" or link_mode == "auto"
        assert shop.snapshot() == wanted[name]
        check_records(shop.environment.root)
    assert litter(shop.environment.root) == []
    assert all(ended(helper) for helper in helped)
    assert len(helped) == (3 if report.link_mode == "hardlink" else 0)


def test_modes_that_need_no_help(tmp_path, helped):
    shop, states = make_workshop(tmp_path)
    shop.install(*states["ones"], link_mode="copy")
    shop.install(*states["twos"], link_mode="symlink")
    assert not helped


@pytest.mark.parametrize("processes", [True, False])
@pytest.mark.parametrize("what", ["edited", "gone", "touched", "mode"])
def test_a_damaged_wheel_is_made_anew(tmp_path, processes, what):
    shop = Workshop.at(tmp_path)
    for number in range(5):
        shop.wheel(f"dist{number}", "1", files={f"dist{number}/m{index}.py": "x = 1\n" for index in range(9)})
    shop.install(*(f"dist{number}==1" for number in range(5)), link_mode="copy")
    wanted = shop.snapshot()
    shop.uninstall(*(f"dist{number}" for number in range(5)))
    [victim] = Path(shop.supply.pool.root).rglob("dist3/m4.py")
    if what == "edited":
        victim.write_text("x = 666\n")
    elif what == "gone":
        victim.unlink()
    elif what == "touched":
        os.utime(victim, ns=(1, 1))
    else:
        victim.chmod(0o755)
    shop.install(*(f"dist{number}==1" for number in range(5)), link_mode="hardlink", processes=processes)
    assert shop.snapshot() == wanted
    assert litter(shop.environment.root) == []


@pytest.mark.parametrize("processes", [True, False])
def test_a_damaged_file_that_two_wheels_bring_is_no_conflict(tmp_path, processes):
    shop = Workshop.at(tmp_path)
    shop.wheel("alpha", "1", files={"shared/same.py": "x = 1\n", "shared/a.py": ""})
    shop.wheel("beta", "1", files={"shared/same.py": "x = 1\n", "shared/b.py": ""})
    shop.install("alpha==1", "beta==1", link_mode="copy")
    wanted = shop.snapshot()
    shop.uninstall("alpha", "beta")
    victim = min(Path(shop.supply.pool.root).rglob("same.py"))
    victim.write_text("x = 2\n")
    shop.install("alpha==1", "beta==1", processes=processes)
    assert shop.snapshot() == wanted


def test_cancelling_ends_the_process(tmp_path, helped):
    class Late(CancelToken):
        left = 1_000_000

        def check(self) -> None:
            self.left -= 1
            if self.left < 0:
                self.cancel()
            super().check()

    shop, states = make_workshop(tmp_path)
    shop.install(*states["ones"])
    old = shop.snapshot()
    token = Late()
    shop.install(*states["twos"], mode="sync", cancel=token)
    shop.installer().undo()
    assert shop.snapshot() == old
    checks = 1_000_000 - token.left
    for stop in range(0, checks, 3):
        token = Late()
        token.left = stop
        try:
            shop.install(*states["twos"], mode="sync", cancel=token)
        except Exception as error:  # noqa: BLE001  how many checks there are differs from run to run
            assert type(error).__name__ == "Cancelled"  # noqa: PT017
        else:
            shop.installer().undo()
        assert all(ended(helper) for helper in helped)
        assert shop.snapshot() == old
        assert litter(shop.environment.root) == []


def helpers_of(process: int) -> list[int]:
    """The children of a process."""
    try:
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def kill_either(tmp_path: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill the installing process, its helper, or stop the helper, at random moments while the helper is there."""
    rng = random.Random(seed)
    shop, states = make_workshop(tmp_path)
    root = shop.environment.root
    wanted = {}
    for name, requests in states.items():
        shop.install(*requests, mode="sync")
        wanted[name] = shop.snapshot()
    current = "few"
    tally = {"parent": 0, "helper": 0, "old": 0, "new": 0}
    while tally["parent"] + tally["helper"] < kills:
        target = rng.choice([name for name in states if name != current])
        whom = rng.choice(["parent", "helper"])
        child = run_child(lambda target=target: shop.install(*states[target], mode="sync"))
        pause = rng.uniform(0, 0.02)
        status, done = 0, 0
        while not done and not (there := helpers_of(child)):
            done, status = os.waitpid(child, os.WNOHANG)
        if not done:
            time.sleep(pause)
            try:
                os.kill(child if whom == "parent" else there[0], signal.SIGKILL)
                tally[whom] += 1
            except ProcessLookupError:
                pass
            _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert killed or os.WEXITSTATUS(status) == 0
        recover(str(root))
        now = shop.snapshot()
        assert now in (wanted[current], wanted[target]), "a mixture"
        assert killed or now == wanted[target], "not done, though nobody was told"
        assert litter(root) == []
        tally["new" if now == wanted[target] else "old"] += 1
        current = target if now == wanted[target] else current
    expected = dict(request.split("==") for request in states[current])
    assert check_records(root) == expected
    return tally


def test_kills_of_either(tmp_path):
    tally = kill_either(tmp_path, 16, seed=3)
    assert tally["new"]


@pytest.mark.slow
def test_many_kills_of_either(tmp_path, capsys):
    tally = kill_either(tmp_path, 300, seed=int(os.environ.get("ENVKIT_SEED", "7")))
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally["old"] >= 5
