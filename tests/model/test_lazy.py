"""What is worked out when first read is no place to wait at."""

import threading
from dataclasses import replace
from typing import Any

from envkit.model.target import Target

_WINDOWS = Target.for_python("3.12", platform="win_amd64")


class _Held(tuple[str, ...]):
    """Tags that are still being read when somebody else wants to read other ones."""

    __slots__ = ()
    reached = threading.Event()
    go_on = threading.Event()

    def __iter__(self) -> Any:
        self.reached.set()
        assert self.go_on.wait(30)
        return super().__iter__()


def test_two_targets_do_not_wait_for_each_other() -> None:
    # a process that is forked while one is being read would wait for ever
    slow, other = replace(_WINDOWS, tags=_Held(_WINDOWS.tags)), replace(_WINDOWS)
    found: list[Any] = []
    reading = threading.Thread(target=lambda: found.append(slow.ranks), daemon=True)
    reading.start()
    try:
        assert _Held.reached.wait(30)
        quick = threading.Thread(target=lambda: found.append(other.ranks), daemon=True)
        quick.start()
        quick.join(10)
        assert found == [other.ranks]
    finally:
        _Held.go_on.set()
    reading.join(30)
    assert found[1] == other.ranks


def test_a_value_is_worked_out_once_and_described() -> None:
    target = replace(_WINDOWS)
    assert target.ranks is target.ranks
    assert "place of each tag" in (Target.ranks.__doc__ or "")
