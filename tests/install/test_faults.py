"""A fault at each effect in turn: the environment is the old one or the new one, and the next operation finds it sound."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from envkit.errors import Cancelled, EnvkitError
from envkit.events import CancelToken
from envkit.host import exchange
from envkit.host.gate import guarded
from envkit.transaction import recover

from .places import Workshop, check_records, litter, put_in_a_lower_layer, snapshot


def make_workshop(tmp_path: Path) -> Workshop:
    shop = Workshop.at(tmp_path)
    shop.wheel(
        "alpha",
        "1",
        files={
            "alpha/__init__.py": "V = 1\n",
            "alpha/old.py": "",
            "shared/a.py": "1",
            "{dist}.data/data/share/a/x": "1",
        },
        entry_points="[console_scripts]\nalpha = alpha:main\n",
    )
    shop.wheel(
        "alpha",
        "2",
        files={
            "alpha/__init__.py": "V = 2\n",
            "alpha/new.py": "",
            "shared/a.py": "2",
            "{dist}.data/scripts/run": "#!python\n",
        },
        entry_points="[console_scripts]\nalpha = alpha:main2\n",
    )
    shop.wheel("beta", "1", files={"beta.py": "V = 1\n", "shared/b.py": "1"})
    shop.wheel("beta", "2", files={"beta.py": "V = 2\n", "shared/b.py": "2"})
    shop.wheel("gamma", "1", files={"gamma/__init__.py": "", "shared/c.py": ""})
    shop.wheel("delta", "1", files={"delta/__init__.py": "", "shared/d/e.py": ""})
    shop.install("alpha==1", "beta==1", "gamma==1")
    shop.install("alpha==2", "beta==2", "delta==1", mode="sync")
    shop.installer().undo()
    return shop


def change(shop: Workshop, **options):
    return shop.install("alpha==2", "beta==2", "delta==1", mode="sync", **options)


RENAMING = ("exchange", "two renames", "lower layer")


def rename_by(renaming: str, shop: Workshop, monkeypatch) -> None:
    if renaming == "two renames":
        monkeypatch.setattr(exchange, "exchange", lambda source, target: False)
    elif renaming == "lower layer":
        put_in_a_lower_layer(shop.environment.root, monkeypatch)


FAULTS = {
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "denied": PermissionError(errno.EACCES, "Permission denied"),
    "broken": OSError(errno.EIO, "Input/output error"),
    "cancelled": Cancelled("the operation was cancelled"),
    "interrupted": KeyboardInterrupt(),
}


@pytest.mark.parametrize(
    ("fault", "renaming"),
    [
        ("full", "exchange"),
        ("interrupted", "two renames"),
        ("broken", "lower layer"),
        *(
            pytest.param(fault, renaming, marks=pytest.mark.slow)
            for fault in FAULTS
            for renaming in RENAMING
            if (fault, renaming)
            not in (("full", "exchange"), ("interrupted", "two renames"), ("broken", "lower layer"))
        ),
    ],
)
def test_one_fault_at_each_effect_in_turn(tmp_path, fault, renaming, monkeypatch):
    shop = make_workshop(tmp_path)
    rename_by(renaming, shop, monkeypatch)
    root = shop.environment.root
    old = shop.snapshot()
    outcomes = {"old": 0, "new": 0}
    for position in range(1, 10_000):
        seen = 0

        def guard(name: str, path: str, position: int = position) -> None:
            nonlocal seen
            seen += 1
            if seen == position:
                raise FAULTS[fault]

        failed = False
        try:
            with guarded(guard):
                change(shop)
        except (EnvkitError, KeyboardInterrupt):
            failed = True
        recover(str(root))
        now = shop.snapshot()
        if now == old:
            outcomes["old"] += 1
            assert failed, "a fault that left everything old was not reported"
        else:
            outcomes["new"] += 1
            assert check_records(root) == {"alpha": "2", "beta": "2", "delta": "1"}
            shop.installer().undo()
        assert shop.snapshot() == old
        assert litter(root) == []
        if seen < position:
            break
    assert seen < position
    assert outcomes["old"] > 30
    assert outcomes["new"] >= 1


@pytest.mark.parametrize("renaming", RENAMING)
def test_everything_fails_from_each_effect_on(tmp_path, renaming, monkeypatch):
    """As if the process were killed there: not even taking back works, and the next entry point must do it."""
    shop = make_workshop(tmp_path)
    rename_by(renaming, shop, monkeypatch)
    root = shop.environment.root
    old = shop.snapshot()
    position, recovered = 0, 0
    while True:
        position += 1
        seen = 0

        def guard(name: str, path: str, position: int = position) -> None:
            nonlocal seen
            seen += 1
            if seen >= position:
                raise OSError(errno.EIO, "Input/output error")

        try:
            with guarded(guard):
                change(shop)
        except EnvkitError:
            pass
        if (root / ".envkit/journal").exists():
            recovered += 1
            # The recovery is broken off too, after one more effect each time.
            for stop in range(1, 100):
                count = 0

                def stopper(name: str, path: str, stop: int = stop) -> None:
                    nonlocal count
                    count += 1
                    if count > stop:
                        raise OSError(errno.EIO, "Input/output error")

                try:
                    with guarded(stopper):
                        recover(str(root))
                    break
                except EnvkitError:
                    continue
        recover(str(root))
        if shop.snapshot() != old:
            assert check_records(root) == {"alpha": "2", "beta": "2", "delta": "1"}
            shop.installer().undo()
        assert shop.snapshot() == old
        assert litter(root) == []
        if seen < position:
            break
    assert recovered > 5


def test_cancelling_at_each_check(tmp_path):
    shop = make_workshop(tmp_path)
    old = shop.snapshot()

    class Late(CancelToken):
        def __init__(self, after: int) -> None:
            super().__init__()
            self.left = after

        def check(self) -> None:
            self.left -= 1
            if self.left < 0:
                self.cancel()
            super().check()

    cancelled = 0
    for after in range(100):
        token = Late(after)
        try:
            change(shop, cancel=token)
        except Cancelled:
            cancelled += 1
            assert shop.snapshot() == old
            assert litter(shop.environment.root) == []
        else:
            break
    assert cancelled > 5
    assert check_records(shop.environment.root) == {"alpha": "2", "beta": "2", "delta": "1"}


def test_a_full_disk(tmp_path):
    """Where the test may mount: a file system of two megabytes that is full in the middle of an upgrade."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=2m tmpfs {place} 2>/dev/null") != 0:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        from .places import make_environment

        shop = Workshop(tmp_path / "wheels", make_environment(place / "env"))
        shop.folder.mkdir()
        noise = [os.urandom(150_000) for _ in range(12)]
        shop.wheel("big", "1", files={f"big/{n}.bin": noise[n] for n in range(4)})
        shop.wheel("big", "2", files={f"big/{n}.bin": noise[n] for n in range(12)})
        shop.wheel("big", "3", files={"big/__init__.py": ""})
        shop.install("big==1")
        old = snapshot(place)
        with pytest.raises(EnvkitError, match="No space left") as caught:
            shop.install("big==2")
        assert caught.value.hint is not None
        assert snapshot(place) == old
        assert litter(place / "env") == []
        shop.install("big==3")
        assert check_records(place / "env") == {"big": "3"}
    finally:
        os.system(f"umount {place}")
