"""What a lock can be asked, and what it says to mistakes."""

from __future__ import annotations

import pytest

import envkit
from envkit.testing.source import MemorySource, Release

TARGET = envkit.Target.for_python("3.12", platform="manylinux_2_28_x86_64")


def release(sign, **options):
    return Release(hashes={"sha256": sign * 64}, **options)


SOURCE = MemorySource(
    {
        "alpha": {"1.0": release("0"), "2.0": release("1")},
        "beta": {"1.0": release("2"), "2.0": release("3")},
        "both": {"1.0": release("4", requires_python="<3.11"), "2.0": release("5", requires_python=">=3.11")},
    }
)
RESOLVER = envkit.Resolver(TARGET, SOURCE)


@pytest.fixture(scope="module")
def lock():
    return RESOLVER.lock(
        ["alpha", "both"],
        constraints=["alpha<2", "beta<2"],
        extras={"More": ["beta"]},
        groups={"dev": ["beta"], "old": ["beta==1"]},
        default_groups=["Dev"],
    )


def names(resolution):
    return {name: str(pin.version) for name, pin in resolution.pins.items()}


def test_what_is_selected(lock):
    whole = {"alpha": "1.0", "beta": "1.0", "both": "2.0"}
    assert names(lock.select(TARGET)) == whole, "the default groups count where none are named"
    assert names(lock.select(TARGET, groups=())) == {"alpha": "1.0", "both": "2.0"}
    for extras, groups in (("more", ()), (["MORE"], ()), ((), "old"), ((), ["Old"])):
        assert names(lock.select(TARGET, extras, groups)) == whole
    other = envkit.Target.for_python("3.10", platform="win_amd64")
    assert names(lock.select(other, groups=()))["both"] == "1.0"


@pytest.mark.parametrize("free", ["alpha", ["Alpha"], ("alpha",), {"alpha"}])
def test_some_may_move(lock, free):
    """One name is one name, however it is given."""
    wish = lock.upgrade(free)
    assert "alpha" not in {one.name for one in wish.packages}
    assert {one.name for one in wish.packages} == {"beta", "both"}
    moved = RESOLVER.lock(["alpha", "both", "beta"], previous=wish)
    assert names(moved.select(TARGET)) == {"alpha": "2.0", "beta": "1.0", "both": "2.0"}
    assert [change.name for change in lock.diff(moved)] == ["alpha"]


def test_all_may_move(lock):
    assert lock.upgrade().packages == ()
    moved = RESOLVER.lock(["alpha", "both", "beta"], previous=lock.upgrade())
    changes = {change.name: (change.before, change.after) for change in lock.diff(moved)}
    assert changes == {"alpha": (("1.0",), ("2.0",)), "beta": (("1.0",), ("2.0",))}
    assert lock.diff(lock) == ()
    gone = RESOLVER.lock(["alpha<2"])
    assert {change.name: change.after for change in lock.diff(gone)} == {"beta": (), "both": ()}


@pytest.mark.parametrize(
    ("ask", "part"),
    [
        (lambda lock: lock.select("3.12"), "a Target is needed here, not str"),
        (lambda lock: lock.select(envkit.Interpreter.current()), "a Target is needed here, not Interpreter"),
        (lambda lock: lock.select(TARGET, "nope"), "no extra 'nope'"),
        (lambda lock: lock.select(TARGET, groups=["nope"]), "no dependency group 'nope'"),
        (lambda lock: lock.diff("pylock.toml"), "another lock is needed here, not str"),
        (lambda lock: RESOLVER.lock("alpha", default_groups="dev"), "default group 'dev' is none"),
        (lambda lock: RESOLVER.lock("alpha", groups={"a": "beta"}, default_groups="b"), "default group 'b' is none"),
    ],
)
def test_mistakes_are_told(lock, ask, part):
    with pytest.raises(envkit.LockError, match=part):
        ask(lock)


@pytest.mark.parametrize("wrong", [3, [3], [None]])
def test_what_is_no_name(lock, wrong):
    for ask in (
        lock.upgrade,
        lambda wrong: lock.select(TARGET, wrong),
        lambda wrong: lock.select(TARGET, groups=wrong),
    ):
        with pytest.raises(envkit.RequirementError):
            ask(wrong)
