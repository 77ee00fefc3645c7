import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.cache import Cache
from envkit.errors import Cancelled
from envkit.host import locks
from envkit.host.gate import guarded


def test_round_trip_and_absence(tmp_path: Path) -> None:
    bucket = Cache(tmp_path).bucket("things", 3)
    assert bucket.get("demo/a") is None
    bucket.put("demo/a", b"one")
    bucket.put("demo/a", b"two")
    bucket.put("plain", b"")
    assert (bucket.get("demo/a"), bucket.get("demo/b"), bucket.get("plain")) == (b"two", None, b"")
    assert Cache(tmp_path).bucket("things", 4).get("demo/a") is None
    bucket.remove("demo/a")
    assert bucket.get("demo/a") is None


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=30), st.binary(max_size=200), max_size=8))
def test_any_key_is_a_key_of_its_own(entries: dict[str, bytes]) -> None:
    cache = Cache(None)
    bucket = cache.bucket("any")
    for key, data in entries.items():
        bucket.put(key, data)
    assert {key: bucket.get(key) for key in entries} == entries
    root = os.path.realpath(cache.root)
    places = [place for key in entries for place in (bucket.path(key), bucket.file(key))]
    assert all(os.path.realpath(place).startswith(root + os.sep) for place in places)


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "longer", "foreign"])
def test_damage_counts_as_absence_and_is_removed(tmp_path: Path, damage: str) -> None:
    bucket = Cache(tmp_path).bucket("things")
    bucket.put("demo/a", b"some data that matters")
    path = Path(bucket.file("demo/a"))
    data = path.read_bytes()
    flipped = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    path.write_bytes(
        {"cut": data[:-1], "empty": b"", "flipped": flipped, "longer": data + b"x", "foreign": b"hello there, world!"}[
            damage
        ]
    )
    assert bucket.get("demo/a") is None
    assert not path.exists()
    bucket.put("demo/a", b"again")
    assert bucket.get("demo/a") == b"again"


@pytest.mark.parametrize("length", [0, 1, 4000, 4073, 5000, 70_000])
def test_a_head_is_read_without_the_body(tmp_path: Path, length: int) -> None:
    bucket = Cache(tmp_path).bucket("things")
    head, body = b"h" * length, b"body" * 10
    bucket.put("demo/a", body, head=head)
    assert (bucket.head("demo/a"), bucket.get("demo/a"), bucket.whole("demo/a")) == (head, body, (head, body))
    path = Path(bucket.file("demo/a"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"!")
    assert bucket.head("demo/a") == head  # its own checksum says so
    assert bucket.get("demo/a") is None
    assert bucket.head("demo/a") is None
    for at in (5, 9, 17, 24) if length else (5, 9, 17):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert bucket.head("demo/a") is None
        assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
def test_everything_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        cache = Cache(tmp_path / "cache")
        bucket = cache.bucket("things")
        bucket.put("demo/a", b"x")
        staging = bucket.staging()
        staging.write_bytes(b"x")
    finally:
        os.umask(old)
    bucket.publish("demo/b", staging, name="b.whl")
    for folder, _, files in os.walk(cache.root):
        assert os.stat(folder).st_mode & 0o777 == 0o700
        for name in files:
            if name != "b.whl":
                assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_entry_and_no_litter(tmp_path: Path) -> None:
    bucket = Cache(tmp_path).bucket("things")
    bucket.put("demo/a", b"old")

    def refuse(name: str, path: str) -> None:
        if name == "replace":
            raise OSError(28, "no space left")

    with guarded(refuse), pytest.raises(OSError, match="no space"):
        bucket.put("demo/a", b"new")
    assert bucket.get("demo/a") == b"old"
    assert list(bucket.root.iterdir()) == [Path(bucket.file("demo/a"))]


def test_publishing_folders_keeps_the_first(tmp_path: Path) -> None:
    bucket = Cache(tmp_path).bucket("trees")
    for content in ("first", "second"):
        staging = bucket.staging()
        staging.mkdir()
        (staging / "f").write_text(content)
        published = bucket.publish("demo/tree", staging)
        assert (published / "f").read_text() == "first"
    assert not list((bucket.root / "=staging").iterdir())


def test_size_and_clear(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.bucket("a").put("demo/x", b"x" * 1000)
    cache.bucket("b").put("demo/y", b"y" * 1000)
    cache.bucket("b").put("other/y", b"y" * 1000)
    assert cache.size() == 3 * 1024
    assert cache.clear("demo") == 2 * 1024
    assert cache.bucket("b").get("other/y") is not None
    assert cache.bucket("a").get("demo/x") is None
    (tmp_path / "mine.txt").write_text("not the cache's")
    cache.clear()
    assert cache.size() == 0
    assert (tmp_path / "mine.txt").exists()


def test_prune_by_age_and_by_least_recent_use(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    bucket = cache.bucket("a")
    now = time.time()
    for age, name in ((100, "old"), (50, "middle"), (1, "new")):
        bucket.put(f"{name}/x", b"x" * 976)
        os.utime(bucket.file(f"{name}/x"), (now - age * 3600, now - age * 3600))
    assert bucket.get("middle/x")  # its use is noted
    assert cache.prune(max_age=72 * 3600) == 1000
    assert bucket.get("old/x") is None
    assert cache.prune(max_bytes=1000) == 1000
    assert bucket.get("middle/x") is not None
    assert bucket.get("new/x") is None


def test_prune_removes_what_killed_processes_left(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    bucket = cache.bucket("a")
    stale, young = bucket.staging(), bucket.staging(".part")
    for path in (stale, young):
        path.write_bytes(b"x" * 100)
    os.utime(stale, (time.time() - 90_000,) * 2)
    assert cache.prune() == 100
    assert young.exists()
    assert not stale.exists()


@pytest.mark.parametrize("remove", ["prune", "clear"])
def test_what_a_killed_clear_left_is_removed(tmp_path: Path, remove: str) -> None:
    """It is killed when all that it removes is out of the way, and nothing of it is gone."""
    cache = Cache(tmp_path)
    cache.bucket("a").put("demo/x", b"x" * 100)

    def cut_off(name: str, path: str) -> None:
        if name == "unlink" and path.startswith(f"{tmp_path}{os.sep}."):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), guarded(cut_off):
        cache.clear()
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert left != []
    assert cache.bucket("a").get("demo/x") is None
    if remove == "prune":
        assert cache.prune() == 0
        assert left[0].exists()
        os.utime(left[0], (time.time() - 90_000,) * 2)
    assert (cache.prune() if remove == "prune" else cache.clear()) >= 100
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("remove", ["prune", "clear", "clear a project"])
def test_nothing_is_removed_under_a_lease(tmp_path: Path, remove: str) -> None:
    """Whoever removes waits, also in the same process, and not for ever."""
    cache = Cache(tmp_path)
    entry = cache.bucket("a").file("demo/x")
    cache.bucket("a").put("demo/x", b"x")
    calls = {
        "prune": lambda seconds: cache.prune(max_bytes=0, lock_timeout=seconds),
        "clear": lambda seconds: cache.clear(lock_timeout=seconds),
        "clear a project": lambda seconds: cache.clear("demo", lock_timeout=seconds),
    }
    remover = threading.Thread(target=calls[remove], args=(300,))
    with cache.lease(), Cache(tmp_path).lease():
        remover.start()
        remover.join(0.1)
        assert remover.is_alive()
        assert os.path.exists(entry)
    remover.join(60)
    assert not os.path.exists(entry)
    cache.bucket("a").put("demo/x", b"x")
    with cache.lease():
        calls[remove](0.05)
    assert not os.path.exists(entry)


def test_a_lease_does_not_wait_for_trees_to_be_deleted(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    bucket = cache.bucket("a")
    staging = bucket.staging()
    staging.mkdir()
    (staging / "f").write_text("x")
    entry = bucket.publish("demo/tree", staging)
    waited: list[float] = []

    def guard(name: str, path: str) -> None:
        if name == "unlink" and path.endswith("f"):
            assert not entry.exists()
            with cache.lease(waited.append):
                pass

    with guarded(guard):
        cache.clear()
    assert waited == []


def test_a_lease_where_there_can_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without locks, or where nothing can be written, everything goes on as if there were no leases."""
    cache = Cache(tmp_path)
    cache.bucket("a").put("demo/x", b"x")

    def refuse(path: str, *rest: object, **options: object) -> int:
        raise OSError(errno.EROFS, "read-only", path)

    for module, name in ((os, "open"), (locks, "_try_lock")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, refuse)
            with cache.lease():
                pass
    with monkeypatch.context() as patch:
        patch.setattr(locks, "_try_lock", refuse)
        assert cache.clear() > 0
    assert cache.size() == 0


def test_waiting_for_a_lease_ends_with_cancelling(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    removing = locks.FileLock(str(tmp_path / "in-use")).acquire(timeout=0)

    def pause(seconds: float) -> None:
        raise Cancelled("no longer wanted")

    with removing, pytest.raises(Cancelled), cache.lease(pause):
        pass


def test_a_temporary_cache_goes_away_with_its_object() -> None:
    cache = Cache(None)
    cache.bucket("a").put("demo/x", b"x")
    root = cache.root
    assert root.exists()
    del cache
    assert not root.exists()


def test_bucket_names_are_checked(tmp_path: Path) -> None:
    for name in ("", "../x", "A", "a/b"):
        with pytest.raises(ValueError, match="bucket"):
            Cache(tmp_path).bucket(name)


HAMMER = """
import sys, random
from envkit.cache import Cache
bucket = Cache(sys.argv[1]).bucket("a")
rng = random.Random(int(sys.argv[2]))
for _ in range(400):
    key = f"p{rng.randrange(5)}/x"
    if rng.random() < 0.4:
        bucket.put(key, key.encode() * rng.randrange(1, 4000))
    elif rng.random() < 0.1:
        bucket.remove(key)
    else:
        data = bucket.get(key)
        assert data is None or data == key.encode() * (len(data) // 4), data[:40]
"""


def test_many_processes_see_whole_entries_only(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", HAMMER, str(tmp_path), str(seed)], stderr=subprocess.PIPE)
        for seed in range(4)
    ]
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()
