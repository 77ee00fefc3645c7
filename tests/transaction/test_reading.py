"""Reading without a lock: what was read while entries moved is read again."""

from __future__ import annotations

import json
import os

import pytest

from envkit.errors import EnvironmentBusy
from envkit.host.gate import guarded
from envkit.host.locks import FileLock
from envkit.transaction import read_unmixed
from envkit.transaction.recovery import recover
from envkit.transaction.transaction import Transaction, undo


@pytest.fixture
def root(tmp_path):
    (tmp_path / "file").write_text("0")
    return tmp_path


def change(root, text: str) -> None:
    with Transaction(str(root), purpose="test") as transaction:
        with open(f"{transaction.stage()}/file", "w") as file:
            file.write(text)
        transaction.move("swap", "file")
        transaction.commit()


def fail_to_change(root) -> None:
    def guard(name: str, path: str) -> None:
        if name == "replace" and path.endswith("/journal") and not failed:
            failed.append(path)
            raise OSError(5, "Input/output error")

    failed: list[str] = []
    with pytest.raises(OSError, match="Input"), guarded(guard):
        change(root, "never")
    assert (root / "file").read_text() == "0"


@pytest.mark.parametrize("what", ["finished", "taken back", "undone"])
def test_what_happens_while_reading_makes_it_read_again(root, what):
    if what == "undone":
        change(root, "1")
    read: list[str] = []

    def look() -> int:
        read.append((root / "file").read_text())
        if len(read) == 1:
            if what == "finished":
                change(root, "1")
            elif what == "undone":
                undo(str(root))
            else:
                fail_to_change(root)
        return len(read)

    assert read_unmixed(root, look) == 2
    assert read == {"finished": ["0", "1"], "undone": ["1", "0"], "taken back": ["0", "0"]}[what]
    assert read_unmixed(root, look) == 3
    assert (root / ".envkit/undone").exists() == (what != "finished")


def test_a_file_that_goes_away_counts_only_when_nothing_moved(root):
    calls: list[int] = []

    def look() -> str:
        calls.append(1)
        if len(calls) == 1:
            change(root, "1")
            os.stat(root / "missing")
        return (root / "file").read_text()

    assert read_unmixed(root, look) == "1"
    with pytest.raises(FileNotFoundError):
        read_unmixed(root, lambda: os.stat(root / "missing"))


def test_what_changes_all_the_time_is_busy(root):
    with pytest.raises(EnvironmentBusy, match="all the time"):
        read_unmixed(root, lambda: change(root, "again"), timeout=0.05)


def test_where_nothing_was_ever_changed_nothing_is_written(root):
    assert read_unmixed(root, lambda: "found") == "found"
    assert sorted(os.listdir(root)) == ["file"]


def test_a_reader_waits_for_the_moves_and_not_for_the_rest_of_the_operation(root):
    # the lock is held on while an operation clears away, and the next writer takes it at once
    change(root, "1")
    journal = root / ".envkit/journal"
    journal.write_text("the moves of somebody")
    ended: list[str] = []

    def guard(name: str, path: str) -> None:
        if name == "lock":
            journal.replace(root / ".envkit/last")
            ended.append(path)

    with FileLock(str(root / ".envkit/lock")).acquire(timeout=0), guarded(guard):
        assert recover(root, timeout=5) is None
        assert ended


def test_who_moves_entries_for_too_long_is_named(root):
    change(root, "1")
    (root / ".envkit/journal").write_text("the moves of somebody")
    with (
        FileLock(str(root / ".envkit/lock")).acquire(timeout=0, purpose="test"),
        pytest.raises(EnvironmentBusy, match="test"),
    ):
        recover(root, timeout=0.05)


def test_what_is_read_while_entries_begin_to_move_is_read_again(root):
    """The journal is there, and neither of the two ends has come yet."""
    reads = 0

    def read() -> int:
        nonlocal reads
        reads += 1
        if reads == 1:
            stage = root / ".envkit/txn-abc"
            (stage / "new").mkdir(parents=True)
            data = {
                "schema": 1,
                "id": "abc",
                "purpose": "x",
                "places": [],
                "stages": [stage.stat().st_ino],
                "moves": [],
            }
            (root / ".envkit/journal").write_text(json.dumps(data))
        return reads

    assert read_unmixed(root, read) == 2
