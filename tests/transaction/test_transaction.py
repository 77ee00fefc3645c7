"""Stage, journal, move: the parts, without an installer."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from contextlib import suppress

import pytest

from envkit.errors import EnvironmentBusy, InstallError
from envkit.host import exchange
from envkit.host.gate import guarded
from envkit.transaction import recover
from envkit.transaction.transaction import Transaction, undo


@pytest.fixture(params=[True, False], ids=["exchange", "two renames"])
def root(tmp_path, request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(exchange, "exchange", lambda source, target: False)
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_text("old")
    (root / "folder").mkdir()
    (root / "folder/inner").write_text("old")
    (root / "gone").write_text("old")
    return root


def tree(root) -> dict[str, str | None]:
    found = {}
    for base, folders, names in os.walk(root):
        if ".envkit" in folders:
            folders.remove(".envkit")
        for name in names:
            path = os.path.join(base, name)
            with open(path) as file:
                found[os.path.relpath(path, root)] = file.read()
    return found


OLD = {"file": "old", "folder/inner": "old", "gone": "old"}
NEW = {"file": "new", "folder/other": "new", "deep/er/x": "new"}


def stage(transaction: Transaction) -> None:
    base = transaction.stage()
    os.makedirs(f"{base}/folder")
    os.makedirs(f"{base}/deep/er")
    for path in NEW:
        with open(f"{base}/{path}", "w") as file:
            file.write("new")
    transaction.move("swap", "file")
    transaction.move("swap", "folder")
    transaction.move("remove", "gone")
    transaction.move("add", "deep")


def test_commit_and_undo(root):
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        transaction.commit()
    assert tree(root) == NEW
    assert undo(str(root)) == "test"
    assert tree(root) == OLD
    with pytest.raises(InstallError, match="no operation"):
        undo(str(root))


@pytest.mark.parametrize("when", range(1, 16))
def test_what_was_exchanged_is_taken_back_where_nothing_can_be_exchanged(root, monkeypatch, when):
    """Such as on a machine with another system, which has the folder by then."""
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        transaction.commit()
    monkeypatch.setattr(exchange, "exchange", lambda source, target: False)
    count = 0

    def fail(name, place):
        nonlocal count
        count += 1
        if count == when:
            raise OSError("cut off")

    with suppress(OSError, InstallError), guarded(fail):
        undo(str(root))
    recover(str(root))
    assert tree(root) in (OLD, NEW)  # the new one where it was cut off before anything was moved
    assert count >= when or tree(root) == OLD


def test_leaving_without_commit_changes_nothing(root):
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
    assert tree(root) == OLD
    with pytest.raises(ZeroDivisionError):
        _stage_and_fail(root)
    assert tree(root) == OLD
    assert os.listdir(root / ".envkit") == ["lock"]


def _stage_and_fail(root) -> None:
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        raise ZeroDivisionError


def test_undo_is_refused_after_other_changes(root):
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        transaction.commit()
    (root / "file").unlink()
    (root / "file").write_text("somebody else's")
    before = tree(root)
    with pytest.raises(InstallError, match="something else"):
        undo(str(root))
    assert tree(root) == before


def test_the_intent_is_synced_before_anything_moves(root, monkeypatch):
    order = []
    sync = os.fsync

    def fsync(descriptor):
        order.append("fsync")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        with guarded(lambda name, path: order.append(f"{name} {os.path.relpath(path, root)}")):
            transaction.commit()
    first_move = next(at for at, step in enumerate(order) if "/new/" in step or step == "rename gone")
    assert "fsync" in order[:first_move]
    assert "replace .envkit/journal" in order[first_move:]


def test_only_the_last_operation_is_kept(root):
    for round_ in range(3):
        with Transaction(str(root), purpose=f"round {round_}") as transaction:
            with open(f"{transaction.stage()}/file", "w") as file:
                file.write(str(round_))
            transaction.move("swap", "file")
            transaction.commit()
    names = os.listdir(root / ".envkit")
    assert sum(name.startswith("txn-") for name in names) == 1
    undo(str(root))
    assert (root / "file").read_text() == "1"


def test_another_file_system(tmp_path, root):
    """A place beside the root has a stage of its own, which goes away with the operation."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "x").write_text("old")
    with Transaction(str(root), purpose="test") as transaction:
        place = transaction.place(str(other))
        with open(f"{transaction.stage(place)}/x", "w") as file:
            file.write("new")
        transaction.move("swap", "x", place=place)
        transaction.commit()
    assert (other / "x").read_text() == "new"
    undo(str(root))
    assert tree(other) == {"x": "old"}
    assert os.listdir(other) == ["x"]
    with Transaction(str(root), purpose="test") as transaction:
        transaction.place(str(other))
        assert len(os.listdir(other)) == 2
    assert os.listdir(other) == ["x"]


def test_recovery_is_cheap_when_there_is_nothing_to_do(root):
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        transaction.commit()
    for place in (root, root / "nowhere"):
        assert recover(str(place)) is None
        best = min(_time(lambda place=place: recover(str(place))) for _ in range(50))
        assert best < 0.005  # a fiftieth of that is usual


def _time(call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_litter_of_a_killed_stage_is_cleared(root):
    (root / ".envkit/txn-dead/new/deep").mkdir(parents=True)
    assert recover(str(root)) == "cleaned"
    assert sorted(os.listdir(root / ".envkit")) == ["lock"]


def test_a_reader_waits_for_moves_and_not_for_staging(root):
    with Transaction(str(root), purpose="staging"):
        assert recover(str(root)) is None
        (root / ".envkit/journal").write_text("{}")
        with pytest.raises(EnvironmentBusy, match="staging"):
            recover(str(root), timeout=0.05)
        (root / ".envkit/journal").unlink()


def forge(root, **changes) -> None:
    state = root / ".envkit"
    (state / "txn-abc/new").mkdir(parents=True, exist_ok=True)
    (state / "txn-abc/old").mkdir(parents=True, exist_ok=True)
    stages = [(state / "txn-abc").stat().st_ino]
    data = {"schema": 1, "id": "abc", "purpose": "x", "places": [], "stages": stages, "moves": []}
    (state / "journal").write_text(json.dumps({**data, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"id": "../../x"},
        {"id": 5},
        {"places": ["relative"]},
        {"moves": [["add", 0, "../outside", 1, None, None]]},
        {"moves": [["add", 0, "/etc/passwd", 1, None, None]]},
        {"moves": [["add", 0, "a//b", 1, None, None]]},
        {"moves": [["add", 0, "a\\b", 1, None, None]]},
        {"moves": [["add", 3, "a", 1, None, None]]},
        {"moves": [["destroy", 0, "a", 1, None, None]]},
        {"moves": [["add", 0, "a", "1", None, None]]},
        {"moves": [["add", 0]]},
        {"moves": 5},
        {"stages": 5},
        {"stages": ["1"]},
    ],
)
def test_forged_journals_are_refused(tmp_path, root, changes):
    (tmp_path / "outside").write_text("precious")
    forge(root, **changes)
    with pytest.raises(InstallError):
        recover(str(root))
    assert tree(root) == OLD
    assert (tmp_path / "outside").read_text() == "precious"


def test_a_forged_journal_cannot_move_through_a_symlink(tmp_path, root):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("precious")
    (root / "link").symlink_to(outside)
    inode = (outside / "x").stat().st_ino
    forge(root, moves=[["add", 0, "link/x", inode, None, None]])
    with pytest.raises(InstallError, match="leads out"):
        recover(str(root))
    assert (outside / "x").read_text() == "precious"


def test_nothing_is_moved_through_a_symlink(tmp_path, root):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("precious")
    (root / "link").symlink_to(outside)
    with Transaction(str(root), purpose="test") as transaction:
        os.makedirs(f"{transaction.stage()}/link")
        with open(f"{transaction.stage()}/link/x", "w") as file:
            file.write("new")
        transaction.move("swap", "link/x")
        with pytest.raises(InstallError, match="leads out"):
            transaction.commit()
    assert (outside / "x").read_text() == "precious"
    assert recover(str(root)) in (None, "cleaned")
    assert (outside / "x").read_text() == "precious"


def test_bookkeeping_that_is_a_symlink_is_not_followed(tmp_path, root):
    outside = tmp_path / "outside"
    (outside / "txn-precious").mkdir(parents=True)
    (outside / "txn-precious/x").write_text("precious")
    (root / ".envkit").symlink_to(outside)
    with pytest.raises(InstallError):
        recover(str(root))
    assert (outside / "txn-precious/x").exists()


def test_litter_that_is_a_symlink_is_not_followed(tmp_path, root):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("precious")
    (root / ".envkit").mkdir()
    (root / ".envkit/txn-abc").symlink_to(outside)
    recover(str(root))
    assert (outside / "x").exists()
    (root / ".envkit/txn-def").mkdir()
    (root / ".envkit/txn-def/elsewhere").write_text(str(outside))
    recover(str(root))
    assert (outside / "x").exists()


def test_an_environment_that_was_copied_in_the_middle_is_refused(tmp_path, root):
    """All inodes are others in a copy, so nothing tells what was moved; that must not look like having recovered."""

    cut_off(root)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    for _ in range(2):
        with pytest.raises(InstallError, match="is a copy"):
            recover(str(copy))
    recover(str(root))
    assert tree(root) == OLD
    shutil.copytree(root, tmp_path / "later")
    assert recover(str(tmp_path / "later")) is None


def test_inside_is_told_by_components(tmp_path, root):
    """A folder beside the environment whose name begins alike is not in it."""
    sibling = tmp_path / "root-sibling"
    sibling.mkdir()
    (sibling / "x").write_text("precious")
    (root / "link").symlink_to(sibling)
    forge(root, moves=[["add", 0, "link/x", (sibling / "x").stat().st_ino, None, None]])
    with pytest.raises(InstallError, match="leads out"):
        recover(str(root))
    assert (sibling / "x").read_text() == "precious"


def test_what_was_set_aside_and_is_gone_cannot_be_undone(root):
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        transaction.commit()
    (kept,) = [path for path in (root / ".envkit").rglob("gone") if path.is_file()]
    kept.unlink()
    with pytest.raises(InstallError, match="something else"):
        undo(str(root))
    assert tree(root) == NEW


def cut_off(root) -> None:
    """Leave what a process leaves that is killed in the middle of its renames."""

    def no_more(name: str, place: str) -> None:
        if (root / ".envkit/journal").exists():
            stopped.append(name)
        if len(stopped) > 2:
            raise OSError("cut off")

    stopped: list[str] = []
    with suppress(OSError), Transaction(str(root), purpose="cut off") as transaction:
        stage(transaction)
        with guarded(no_more):
            transaction.commit()
    assert (root / ".envkit/journal").exists()


def commit(root, guard=lambda name, place: None) -> None:
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        with guarded(guard):
            transaction.commit()


@pytest.mark.parametrize("next_one", ["operation", "undo"])
def test_who_comes_next_recovers_first(root, next_one):
    """Also where nobody looked before: the journal of what was cut off must not be written over."""
    with Transaction(str(root), purpose="first") as transaction:
        (root / ".envkit" / f"txn-{transaction.id}" / "new/extra").write_text("extra")
        transaction.move("add", "extra")
        transaction.commit()
    cut_off(root)
    if next_one == "undo":
        assert undo(str(root)) == "first"
        assert tree(root) == OLD
    else:
        with Transaction(str(root), purpose="next") as transaction:
            assert transaction.recovered == "rolled-back"
            assert tree(root) == {**OLD, "extra": "extra"}


def test_what_cannot_be_taken_back_now_stays_for_whoever_comes_next(root):
    """The disk answers again when all that is left is to clear away: the old entries must not be taken for litter."""
    renames = 0

    def fail(name: str, place: str) -> None:
        nonlocal renames
        if (root / ".envkit/journal").exists() and name in ("rename", "exchange", "replace"):
            renames += 1
            if renames > 2:
                raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        commit(root, fail)
    assert recover(str(root)) == "rolled-back"
    assert tree(root) == OLD


def test_an_interruption_right_after_the_end_changes_nothing(root, monkeypatch):
    replace = os.replace

    def interrupted(source, target):
        replace(source, target)
        if target.endswith("/last"):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        commit(root)
    monkeypatch.undo()
    assert recover(str(root)) is None
    assert tree(root) == NEW
    undo(str(root))
    assert tree(root) == OLD


def test_an_operation_that_cannot_be_undone_leaves_the_environment_usable(tmp_path, root):
    with Transaction(str(root), purpose="test") as transaction:
        stage(transaction)
        transaction.commit()
    outside = tmp_path / "outside"
    (root / "deep").rename(outside)
    (root / "deep").symlink_to(outside)
    last = root / ".envkit/last"
    data = json.loads(last.read_text())
    data["moves"].append(["add", 0, "deep/er", (outside / "er").stat().st_ino, None, None])
    last.write_text(json.dumps(data))
    with pytest.raises(InstallError, match="leads out"):
        undo(str(root))
    assert recover(str(root)) is None
    assert (outside / "er/x").exists()


def test_half_written_bookkeeping_of_a_killed_process_is_cleared(root):
    with Transaction(str(root), purpose="first"):
        pass
    (root / ".envkit/.0123456789abcdef.tmp").write_text("half a journ")
    with Transaction(str(root), purpose="next"):
        assert not list((root / ".envkit").glob(".*.tmp"))


@pytest.mark.parametrize("journal", [False, True])
def test_who_may_not_change_an_environment_may_look_at_it(root, monkeypatch, journal):
    """Litter harms nobody; what is half moved is no state to be shown."""
    cut_off(root) if journal else (root / ".envkit/txn-dead").mkdir(parents=True)

    def denied(path: str, flags: int, *arguments, **options) -> int:
        if path.endswith("/lock"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return opened(path, flags, *arguments, **options)

    opened = os.open
    monkeypatch.setattr(os, "open", denied)
    if not journal:
        assert recover(str(root)) is None
        return
    with pytest.raises(InstallError, match="cannot be taken back"):
        recover(str(root))
