"""SIGKILL at any moment: the next look at the environment finds the old state or the new one, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import pytest

from envkit.cache import Cache
from envkit.errors import EnvironmentBusy, InstallError, StalePlan
from envkit.host.gate import guarded
from envkit.installation.installer import Installer
from envkit.testing.supply import FolderSupply, folder_resolution
from envkit.transaction import recover
from envkit.wheels.pool import WheelPool

from .places import Workshop, check_records, litter

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

NAMES = [f"dist{number:02}" for number in range(20)]


def make_workshop(tmp_path: Path) -> tuple[Workshop, dict[str, tuple[str, ...]]]:
    """Twenty distributions in two versions, some with commands, data files and a folder that all share."""
    shop = Workshop.at(tmp_path)
    for number, name in enumerate(NAMES):
        for version in ("1", "2"):
            files = {
                f"{name}/__init__.py": f"V = {version}\n",
                f"{name}/only{version}.py": "",
                f"shared/{name}.py": version,
            }
            files[f"{name}/deep/er/module.py"] = version * 5000
            if number % 3 == 0:
                files[f"{{dist}}.data/data/share/{name}/{version}"] = version
            points = (
                f"[console_scripts]\n{name} = {name}:main\nv{version}-{name} = {name}:main\n" if number % 2 else None
            )
            shop.wheel(name, version, files=files, entry_points=points)
    states = {
        "ones": tuple(f"{name}==1" for name in NAMES),
        "twos": tuple(f"{name}==2" for name in NAMES),
        "few": tuple(f"{name}=={1 + number % 2}" for number, name in enumerate(NAMES) if number % 3),
    }
    return shop, states


def run_child(work) -> int:
    """Run *work* in a forked process."""
    sys.stdout.flush()
    with warnings.catch_warnings():  # threads of other tests may still be there, and do not matter to the child
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  the child must end here, whatever happened
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(3)
    return child


def kill_many(tmp_path: Path, kills: int, seed: int) -> dict[str, int]:
    rng = random.Random(seed)
    shop, states = make_workshop(tmp_path)
    root = shop.environment.root
    wanted: dict[str, dict[str, str]] = {}
    durations = []
    effects = 0

    def count(name: str, path: str) -> None:
        nonlocal effects
        effects += 1

    for name, requests in (*states.items(), *states.items()):
        began = time.perf_counter()
        effects = 0
        with guarded(count):
            shop.install(*requests, mode="sync")
        durations.append(time.perf_counter() - began)
        wanted[name] = shop.snapshot()
    longest, most = max(durations[3:]), effects
    current = "few"
    tally = {"killed": 0, "finished": 0, "old": 0, "new": 0, "whole at once": 0, "rolled back": 0}
    while tally["killed"] < kills:
        target = rng.choice([name for name in states if name != current])
        by_effect = rng.random() < 0.5
        stop = rng.randrange(1, int(most * 1.3))

        def work(target: str = target, by_effect: bool = by_effect, stop: int = stop) -> None:
            left = stop

            def guard(name: str, path: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            if by_effect:
                with guarded(guard):
                    shop.install(*states[target], mode="sync")
            else:
                shop.install(*states[target], mode="sync")

        child = run_child(work)
        if not by_effect:
            time.sleep(rng.uniform(0, longest * 1.2))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        if os.WIFSIGNALED(status):
            tally["killed"] += 1
            tally["whole at once"] += shop.snapshot() in (wanted[current], wanted[target])
        else:
            tally["finished"] += 1
        if recover(str(root)) == "rolled-back":
            tally["rolled back"] += 1
        now = shop.snapshot()
        assert now in (wanted[current], wanted[target]), "a mixture"
        assert litter(root) == []
        tally["new" if now == wanted[target] else "old"] += 1
        current = target if now == wanted[target] else current
        if tally["killed"] % 25 == 0:
            expected = dict(request.split("==") for request in states[current])
            assert check_records(root) == expected
    return tally


def test_kills(tmp_path):
    tally = kill_many(tmp_path, 40, seed=1)
    assert tally["old"]
    assert tally["new"] or tally["finished"]


@pytest.mark.slow
def test_many_kills(tmp_path, capsys):
    tally = kill_many(tmp_path, 400, seed=int(os.environ.get("ENVKIT_SEED", "7")))
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally["rolled back"] >= 5


def contend(shop: Workshop, seed: int, seconds: float) -> None:
    rng = random.Random(seed)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        names = rng.sample(NAMES, 4)
        try:
            if rng.random() < 0.3:
                shop.installer().uninstall(names, missing_ok=True)
            elif rng.random() < 0.1:
                shop.installer().undo()
            else:
                requests = [f"{name}=={rng.choice('12')}" for name in names]
                shop.install(*requests, mode="sync" if rng.random() < 0.05 else "install")
        except (StalePlan, EnvironmentBusy):
            continue
        except InstallError as error:
            if "undo" not in str(error) and "something else" not in str(error):
                raise


def run_contention(tmp_path: Path, processes: int, seconds: float) -> None:
    shop, _ = make_workshop(tmp_path)
    children = [run_child(lambda seed=seed: contend(shop, seed, seconds)) for seed in range(processes)]
    statuses = [os.waitpid(child, 0)[1] for child in children]
    assert statuses == [0] * processes
    recover(str(shop.environment.root))
    check_records(shop.environment.root)
    assert litter(shop.environment.root) == []


def test_processes_contend(tmp_path):
    run_contention(tmp_path, 4, 2.0)


@pytest.mark.slow
def test_eight_processes_for_a_minute(tmp_path):
    run_contention(tmp_path, 8, 60.0)


def test_installing_while_the_cache_is_pruned(tmp_path):
    """No installation loses its wheels under way, however often everything that is in no use is removed."""
    shop, states = make_workshop(tmp_path)
    cache = Cache(tmp_path / "cache")

    class Pruned(Workshop):
        @property
        def supply(self) -> FolderSupply:
            return FolderSupply(self.folder, WheelPool(cache.bucket("wheels").root, lease=cache.lease))

    shop = Pruned(shop.folder, shop.environment)

    def prune() -> None:
        freed = 0
        while freed < 8:
            freed += cache.prune(max_bytes=0, lock_timeout=300) > 0

    pruner = run_child(prune)
    done = 0
    while (ended := os.waitpid(pruner, os.WNOHANG)) == (0, 0):
        shop.install(*states["ones" if done % 2 else "twos"], mode="sync")
        done += 1
        check_records(shop.environment.root)
        assert litter(shop.environment.root) == []
    assert ended == (pruner, 0)
    assert done


def test_a_supply_may_be_without_leases(tmp_path):
    shop = Workshop.at(tmp_path)
    shop.wheel("alpha", "1")
    supply = shop.supply

    class Plain:
        wheels, compiled = supply.wheels, supply.compiled

    installer = Installer(shop.environment, Plain())
    installer.apply(installer.plan(folder_resolution(shop.folder, "alpha==1")))
    assert check_records(shop.environment.root) == {"alpha": "1"}


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path):
    from envkit.transaction.transaction import Transaction

    shop = Workshop.at(tmp_path)
    shop.wheel("alpha", "1")
    shop.install("alpha==1")
    with Transaction(str(shop.environment.root), purpose="a long one"):
        began = time.monotonic()
        with pytest.raises(EnvironmentBusy, match="a long one") as caught:
            shop.uninstall("alpha", lock_timeout=0.1)
        assert time.monotonic() - began < 50  # a minute is the default
        assert caught.value.context["holder_pid"] == os.getpid()
        assert shop.installer().installed()[0].name == "alpha"
    shop.uninstall("alpha", lock_timeout=0.1)
