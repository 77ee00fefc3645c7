"""What stands where an environment, or a target, belongs."""

from __future__ import annotations

import sys

import pytest

import envkit

PLACES = {
    "a path": ".venv",
    "nothing": None,
    "a number": 3,
    "an interpreter": envkit.Interpreter.current(),
}
CALLS = {
    "install": lambda kit, place: kit.install(place, ["app"]),
    "uninstall": lambda kit, place: kit.uninstall(place, ["app"]),
    "sync": lambda kit, place: kit.sync(place, _nothing(kit)),
    "plan": lambda kit, place: kit.plan(place, _nothing(kit)),
    "undo": lambda kit, place: kit.undo(place),
    "verify": lambda kit, place: kit.verify(place),
    "repair": lambda kit, place: kit.repair(place),
    "freeze": lambda kit, place: kit.freeze(place),
    "list": lambda kit, place: kit.list(place),
    "tree": lambda kit, place: kit.tree(place),
    "outdated": lambda kit, place: kit.outdated(place),
    "check": lambda kit, place: kit.check(place),
}


def _nothing(kit):
    return kit.resolve([], target=envkit.Interpreter.current())


@pytest.fixture
def kit(tmp_path):
    return envkit.Kit(indexes=(), cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_no_environment_is_named(kit, call, place):
    with pytest.raises(envkit.VenvError, match="an Environment is needed here") as caught:
        call(kit, place)
    assert repr(place)[:20] in caught.value.message
    assert "Environment.open" in (caught.value.hint or "")


@pytest.mark.parametrize("place", [".venv", None, 3, sys], ids=["text", "nothing", "number", "module"])
def test_what_is_no_target_is_named(kit, place):
    with pytest.raises(envkit.VenvError, match="an Environment, Interpreter or Target is needed here"):
        kit.resolve(["app"], target=place)


def test_an_interpreter_is_a_target(kit):
    assert kit.resolve([], target=envkit.Interpreter.current()).pins == {}
