"""A wheel is hostile until shown otherwise: each is refused before a byte of it lands anywhere."""

from __future__ import annotations

import os
import resource

import pytest

from envkit.errors import HashMismatch, InvalidWheel
from envkit.wheels.pool import WheelPool

from . import hostile

CASES = hostile.cases()


def everything(root) -> list[str]:
    return sorted(os.path.join(base, name) for base, folders, names in os.walk(root) for name in [*folders, *names])


def test_there_are_enough():
    assert len(CASES) >= 60


def test_the_honest_one_is_accepted(tmp_path):
    path = tmp_path / hostile.NAME
    path.write_bytes(hostile.honest())
    assert WheelPool(tmp_path / "pool").add(path).name == "evil"


@pytest.mark.parametrize("case", CASES)
def test_refused_with_nothing_written(tmp_path, case):
    filename, data = CASES[case]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / filename
    path.write_bytes(data)
    before = everything(tmp_path)
    with pytest.raises(InvalidWheel) as caught:
        WheelPool(tmp_path / "pool").add(path)
    left = [each for each in everything(tmp_path) if each not in before]
    # The pool's own empty folders may be there; no file, and nothing that is half made.
    assert [each for each in left if not os.path.isdir(each) or "making" in each] == []
    assert not os.path.exists("/tmp/envkit-evil-outside")
    assert caught.value.code == "invalid-wheel"
    assert caught.value.context["wheel"] == filename
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_promised_by_an_index(tmp_path):
    path = tmp_path / hostile.NAME
    path.write_bytes(hostile.honest())
    pool = WheelPool(tmp_path / "pool")
    for promise in ({"name": "good"}, {"version": "2.0"}):
        with pytest.raises(InvalidWheel):
            pool.add(path, **promise)
    pool.add(path, name="Evil", version="1.0.0")
    with pytest.raises(InvalidWheel):  # the same bytes under another name, now that they are in the pool
        pool.add(path, name="good")
    with pytest.raises(InvalidWheel):
        pool.add(path, filename="good-1.0-py3-none-any.whl")
    with pytest.raises(HashMismatch):
        pool.add(path, sha256="0" * 64)


def test_a_bomb_costs_no_memory(tmp_path):
    path = tmp_path / hostile.NAME
    path.write_bytes(hostile.bomb(300_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidWheel, match="times its size"):
        WheelPool(tmp_path / "pool").add(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
