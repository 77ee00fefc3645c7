"""The pool: each wheel is checked and unpacked once, by any number of processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass

import pytest

from envkit.cache import Cache
from envkit.errors import HashMismatch, InstallError
from envkit.host import looking
from envkit.host.gate import guarded
from envkit.testing.wheels import make_wheel, wheel_bytes
from envkit.wheels import pool_manifest
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.pool import WheelPool
from envkit.wheels.pool_bytecode import compile_wheels


@dataclass(frozen=True)
class Current:
    executable: str = sys.executable
    version: str = ".".join(map(str, sys.version_info[:3]))
    implementation: str = "cpython"


@pytest.fixture
def wheel(tmp_path):
    files = {f"thing/{number}.py": f"X = {number}\n" for number in range(20)}
    return make_wheel(tmp_path, "thing", "1.0", files=files, entry_points="[console_scripts]\nthing = thing:main\n")


def test_a_second_time_nothing_is_written(tmp_path, wheel):
    pool = WheelPool(tmp_path / "pool")
    first = pool.add(wheel)
    effects = []
    with guarded(lambda name, path: effects.append(name)):
        assert pool.add(wheel) == first
        assert pool.get(first.sha256, filename=first.filename) == first
    assert effects == []
    assert pool.get("0" * 64) is None
    with pytest.raises(InstallError):
        pool.get("../../etc")


def test_what_unpacking_gives_is_what_zipfile_reads(tmp_path, wheel):
    found = WheelPool(tmp_path / "pool").add(wheel)
    with zipfile.ZipFile(wheel) as archive:
        for path, size in found.files():
            content = (found.root / path).read_bytes()
            assert content == archive.read(path)
            assert len(content) == size
        names = {name for name in archive.namelist() if not name.endswith("RECORD")}
    assert {path for path, _ in found.files()} == names
    assert found.file_count == len(names)


@pytest.mark.parametrize("how", ["stored", "descriptor", "folders", "zip64"])
def test_archives_that_honest_tools_write(tmp_path, wheel, how):
    changed = tmp_path / "changed" / wheel.name
    changed.parent.mkdir()

    class Pipe:
        """A file that cannot be sought, so that sizes follow the data."""

        def __init__(self, file):
            self.file = file

        def write(self, data):
            return self.file.write(data)

        def flush(self):
            self.file.flush()

    with zipfile.ZipFile(wheel) as source, open(changed, "wb") as file:
        target = Pipe(file) if how == "descriptor" else file
        method = zipfile.ZIP_STORED if how == "stored" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(target, "w", method) as archive:
            if how == "folders":
                archive.writestr("thing/", b"")
            for member in source.infolist():
                fresh = zipfile.ZipInfo(member.filename, (2020, 1, 1, 0, 0, 0))
                fresh.compress_type = method
                fresh.external_attr = 0o100644 << 16
                with archive.open(fresh, "w", force_zip64=how == "zip64") as out:
                    out.write(source.read(member))
    assert WheelPool(tmp_path / "pool").add(changed).file_count == WheelPool(tmp_path / "pool").add(wheel).file_count


def test_a_fault_leaves_nothing(tmp_path, wheel):
    pool = WheelPool(tmp_path / "pool")
    for position in range(1, 100):
        seen = 0

        def guard(name, path, position=position):
            nonlocal seen
            seen += 1
            if seen == position:
                raise OSError(28, "No space left on device")

        try:
            with guarded(guard):
                found = pool.add(wheel)
        except InstallError:
            assert not list((tmp_path / "pool").glob("=staging/*"))
            assert not list((tmp_path / "pool").glob("*/*/manifest"))
        else:
            break
    assert position > 25
    assert pool.get(found.sha256) is not None


def test_many_processes_at_once(tmp_path, wheel):
    code = (
        "import sys; from envkit.wheels.pool import WheelPool\n"
        "pool = WheelPool(sys.argv[1])\n"
        "for _ in range(20):\n"
        "    wheel = pool.add(sys.argv[2])\n"
        "    assert wheel.file_count == int(sys.argv[3])\n"
        "    pool.evict(wheel.sha256) if _ % 5 == 4 else None\n"
    )
    count = WheelPool(tmp_path / "other").add(wheel).file_count
    command = [sys.executable, "-c", code, str(tmp_path / "pool"), str(wheel), str(count)]
    environ = {**os.environ, "PYTHONPATH": os.getcwd()}
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) for _ in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        # A reader whose entry is removed under it may say so; it never sees half of one.
        assert process.returncode == 0 or "changed while they were written" in errors, errors
    assert not list((tmp_path / "pool").glob("=staging/*"))


def test_bytecode_is_made_once_and_again_when_damaged(tmp_path, wheel):
    pool = WheelPool(tmp_path / "pool")
    found = pool.add(wheel)
    compiled = compile_wheels(pool, [found], Current())[found.sha256]
    assert sum(len(group[3]) for group in compiled.groups) == 20
    effects = []
    with guarded(lambda name, path: effects.append(name)):
        assert compile_wheels(pool, [found], Current()) == {found.sha256: compiled}
    assert effects == []
    victim = next(compiled.root.rglob("*.pyc"))
    victim.write_bytes(b"poison")
    again = compile_wheels(pool, [found], Current())[found.sha256]
    assert next(again.root.rglob(victim.name)).read_bytes() != b"poison"


def test_poison_that_looks_right_is_found_by_content(tmp_path, wheel):
    pool = WheelPool(tmp_path / "pool")
    found = pool.add(wheel)
    compiled = compile_wheels(pool, [found], Current())[found.sha256]
    for victim in (next(compiled.root.rglob("*.pyc")), found.root / "thing/3.py"):
        good, facts = victim.read_bytes(), victim.stat()
        victim.write_bytes(bytes(reversed(good)))
        os.utime(victim, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert compile_wheels(pool, [found], Current())[found.sha256].root == compiled.root
        assert pool.get(found.sha256) is not None
        if victim.suffix == ".pyc":
            compile_wheels(pool, [found], Current(), verify="hash")
            assert victim.read_bytes() == good
        else:
            assert pool.get(found.sha256, verify="hash") is None


def test_bytecode_by_an_interpreter_that_cannot_run(tmp_path, wheel):
    pool = WheelPool(tmp_path / "pool")
    found = pool.add(wheel)
    for executable in ("/nowhere/python", "/bin/true"):
        with pytest.raises(InstallError):
            compile_wheels(pool, [found], Current(executable=executable))
    assert not list((tmp_path / "pool").glob("=staging/*"))


def test_promised_hashes(tmp_path, wheel):
    pool = WheelPool(tmp_path / "pool")
    with pytest.raises(HashMismatch):
        pool.add(wheel, sha256="0" * 64)
    found = pool.add(wheel)
    assert pool.add(wheel, sha256=found.sha256.upper()) == found


@pytest.mark.parametrize("when", ["looked", *range(8)])
def test_a_file_that_changes_after_it_was_hashed_is_not_unpacked(tmp_path, when):
    """Whoever shares a folder of wheels could else have anything unpacked under the hash of something else."""
    filename, good = wheel_bytes("thing", "1.0", files={"thing.py": "X = 'good'\n"})
    others = (wheel_bytes("thing", "1.0", files={"thing.py": f"X = 'evil{number}'\n"})[1] for number in range(1000))
    evil = next(other for other in others if len(other) == len(good))
    path = tmp_path / filename
    path.write_bytes(good)
    seen = []

    def change(name, place):
        if when in (name, len(seen)):
            with path.open("r+b") as file:
                file.write(evil)
        seen.append(name)

    class Pool(WheelPool):
        def get(self, *args, **options):  # the last thing before the file is unpacked
            found = super().get(*args, **options)
            change("looked", "")
            return found

    sha256 = hashlib.sha256(good).hexdigest()
    with guarded(change), suppress(InstallError):
        assert Pool(tmp_path / "pool").add(path, sha256=sha256).sha256 == sha256
    pool = WheelPool(tmp_path / "pool")
    found = pool.get(sha256)
    assert found is None or (found.root / "thing.py").read_text() == "X = 'good'\n"
    assert path.read_bytes() == evil
    assert not list((tmp_path / "pool").glob("=staging/.*"))
    path.write_bytes(good)
    assert (pool.add(path).root / "thing.py").read_text() == "X = 'good'\n"


def test_bounds_can_be_set(tmp_path, wheel):
    for bounds in (ArchiveBounds(total=10), ArchiveBounds(entries=3), ArchiveBounds(depth=1), ArchiveBounds(path=5)):
        with pytest.raises(InstallError):
            WheelPool(tmp_path / "pool", bounds=bounds).add(wheel)


@pytest.mark.parametrize("relative", [True, False], ids=["from an open folder", "by whole paths"])
def test_every_edit_is_seen_on_every_platform(tmp_path, wheel, relative, monkeypatch):
    if relative and os.stat not in os.supports_dir_fd:
        pytest.skip("this platform cannot look relative to open folders")
    monkeypatch.setattr(looking, "_RELATIVE", relative)
    for edit in (
        lambda path: path.write_bytes(path.read_bytes() + b"#"),
        lambda path: os.utime(path, ns=(0, 0)),
        lambda path: path.chmod(0o600),
        lambda path: path.unlink(),
    ):
        pool = WheelPool(tmp_path / "pool")
        found = pool.add(wheel)
        assert pool.get(found.sha256) is not None
        edit(found.root / "thing/7.py")
        assert pool.get(found.sha256) is None
        assert not found.root.exists()


def test_manifests_that_are_damaged_are_not_read():
    data = pool_manifest.encode(("a", (1, 2), b"x"))
    assert pool_manifest.decode(data) == ("a", (1, 2), b"x")
    for at in range(0, len(data), 3):
        assert pool_manifest.decode(data[:at]) is None
        assert pool_manifest.decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) is None


def pool_in_cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    return cache, WheelPool(cache.bucket("wheels").root)


def test_a_cache_is_pruned_of_the_wheels_that_were_not_used_for_longest(tmp_path):
    cache, pool = pool_in_cache(tmp_path)
    wheels = [pool.add(make_wheel(tmp_path, name, "1", files={f"{name}.py": name * 1000})) for name in ("a", "b", "c")]
    compile_wheels(pool, wheels, Current())
    whole = cache.size()
    assert whole > 6000
    long_ago = time.time_ns() - 10 * 24 * 3600 * 10**9
    for age, wheel in enumerate(wheels):
        os.utime(pool.entry(wheel.sha256), ns=(long_ago - age * 10**12, long_ago - age * 10**12))
    assert pool.get(wheels[2].sha256) is not None  # used just now, so it is the last to go
    cache.size()  # looking is no use
    assert cache.prune(max_age=24 * 3600) > 4000
    assert [pool.get(wheel.sha256) is not None for wheel in wheels] == [False, False, True]
    cache.prune(max_bytes=10**9)
    assert pool.get(wheels[2].sha256) is not None
    cache.prune(max_bytes=0)
    assert pool.get(wheels[2].sha256) is None
    assert cache.size() == 0


def test_a_cache_is_pruned_of_what_killed_processes_left_in_the_pool(tmp_path):
    cache, pool = pool_in_cache(tmp_path)
    kept = pool.add(make_wheel(tmp_path, "kept", "1"))
    old, fresh = pool.temporary(), pool.temporary()
    for folder in (old, fresh):
        with open(os.path.join(folder, "half"), "w") as file:
            file.write("x" * 100)
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    assert cache.prune() == 100
    assert not os.path.exists(old)
    assert os.path.exists(fresh)  # somebody may be at work in it
    assert pool.get(kept.sha256) is not None


def test_use_is_noted_without_changing_what_is_checked(tmp_path, wheel):
    _, pool = pool_in_cache(tmp_path)
    found = pool.add(wheel)
    entry = pool.entry(found.sha256)
    os.utime(entry, ns=(10**18, 10**18))
    assert pool.get(found.sha256, verify="hash") is not None
    assert time.time() - os.stat(entry).st_mtime < 100
    noted = os.stat(entry).st_mtime_ns
    assert pool.get(found.sha256, verify="hash") is not None
    assert os.stat(entry).st_mtime_ns == noted
