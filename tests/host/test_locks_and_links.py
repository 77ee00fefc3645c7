"""Locks that drop with their holder, links that step down, renames that never overwrite."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from envkit.host import exchange, links
from envkit.host.locks import Busy, FileLock


def test_a_lock_names_its_holder(tmp_path):
    path = str(tmp_path / "lock")
    with FileLock(path).acquire(timeout=0, purpose="testing"):
        with pytest.raises(Busy) as caught:
            FileLock(path).acquire(timeout=0)
        assert caught.value.holder["pid"] == os.getpid()
        assert caught.value.holder["purpose"] == "testing"
    FileLock(path).acquire(timeout=0).release()


def test_threads_wait_for_each_other(tmp_path):
    path = str(tmp_path / "lock")
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with FileLock(path).acquire(timeout=30):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_killed_process_holds_nothing(tmp_path):
    path = str(tmp_path / "lock")
    code = (
        "import sys, time; from envkit.host.locks import FileLock\n"
        "FileLock(sys.argv[1]).acquire(timeout=0); print('held', flush=True); time.sleep(60)"
    )
    environ = {**os.environ, "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, env=environ)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(Busy):
        FileLock(path).acquire(timeout=0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    FileLock(path).acquire(timeout=5).release()


def test_waiting_can_be_broken_off(tmp_path):
    path = str(tmp_path / "lock")

    def pause(seconds: float) -> None:
        raise InterruptedError

    with FileLock(path).acquire(timeout=0), pytest.raises(InterruptedError):
        FileLock(path).acquire(timeout=60, pause=pause)


def test_a_lock_on_a_file_that_was_replaced_does_not_count(tmp_path):
    path = str(tmp_path / "lock")
    with FileLock(path).acquire(timeout=0):
        os.unlink(path)
        with FileLock(path).acquire(timeout=0):
            pass


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_that_lives_on_holds_nothing(tmp_path):
    path = str(tmp_path / "lock")
    for shared in (False, True):
        held = FileLock(path, shared=shared).acquire(timeout=0)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # until the parent is done
            os._exit(0)
        os.close(reading)
        held.release()
        try:
            FileLock(path).acquire(timeout=0).release()
        finally:
            os.close(writing)
            os.waitpid(child, 0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_gives_nothing_back(tmp_path):
    path = str(tmp_path / "lock")
    with FileLock(path).acquire(timeout=0, purpose="testing") as held:
        child = os.fork()
        if child == 0:
            held.release()
            os._exit(0)
        assert os.waitpid(child, 0) == (child, 0)
        with pytest.raises(Busy) as caught:
            FileLock(path).acquire(timeout=0)
        assert caught.value.holder["purpose"] == "testing"


def test_those_who_share_keep_out_whoever_wants_to_be_alone(tmp_path):
    path = str(tmp_path / "lock")
    alone, first, second = FileLock(path), FileLock(path, shared=True), FileLock(path, shared=True)
    with first.acquire(timeout=0), second.acquire(timeout=0), pytest.raises(Busy):
        alone.acquire(timeout=0)
    with alone.acquire(timeout=0), pytest.raises(Busy):
        first.acquire(timeout=0)
    os.chmod(path, 0o400)
    first.acquire(timeout=0).release()


def test_renames_never_overwrite(tmp_path):
    for kind in ("file", "folder"):
        source, target = tmp_path / f"{kind}-a", tmp_path / f"{kind}-b"
        for path in (source, target):
            path.write_text(path.name) if kind == "file" else path.mkdir()
        with pytest.raises(FileExistsError):
            exchange.rename_new(str(source), str(target))
        assert source.exists()
    exchange.rename_new(str(tmp_path / "file-a"), str(tmp_path / "new"))
    assert (tmp_path / "new").read_text() == "file-a"
    with pytest.raises(FileNotFoundError):
        exchange.rename_new(str(tmp_path / "file-a"), str(tmp_path / "newer"))


def test_an_exchange(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").mkdir()
    if not exchange.exchange(str(tmp_path / "a"), str(tmp_path / "b")):
        pytest.skip("this file system cannot exchange")
    assert (tmp_path / "a").is_dir()
    assert (tmp_path / "b").read_text() == "a"
    with pytest.raises(FileNotFoundError):
        exchange.exchange(str(tmp_path / "a"), str(tmp_path / "missing"))


@pytest.fixture
def folders(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for name in ("one", "two", "three"):
        (source / name).write_text(name)
    os.chmod(source / "two", 0o755)
    return source, target


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP])
def test_what_cannot_be_linked_is_copied(folders, monkeypatch, number):
    source, target = folders

    def link(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    linker = links.Linker("hardlink")
    linker.link_folder(str(source), str(target), ["one", "two", "three"])
    assert linker.used == "copy"
    for name in ("one", "two", "three"):
        assert (target / name).read_text() == name
        assert (target / name).stat().st_mtime_ns == (source / name).stat().st_mtime_ns
    assert os.access(target / "two", os.X_OK)


def test_a_file_with_too_many_links_is_copied_and_the_rest_linked(folders, monkeypatch):
    source, target = folders
    link = os.link

    def refuse_two(one, two, **options):
        if one.endswith("two"):
            raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))
        link(one, two, **options)

    monkeypatch.setattr(os, "link", refuse_two)
    linker = links.Linker("hardlink")
    linker.link_folder(str(source), str(target), ["one", "two", "three"])
    assert linker.used == "hardlink"
    assert [(target / name).stat().st_nlink for name in ("one", "two", "three")] == [2, 1, 2]


def test_a_place_that_is_taken_is_an_error(folders):
    source, target = folders
    (target / "two").write_text("mine")
    for mode in ("hardlink", "copy", "symlink"):
        with pytest.raises(FileExistsError):
            links.Linker(mode).link_folder(str(source), str(target), ["two"])
        assert (target / "two").read_text() == "mine"


@pytest.mark.parametrize("relative", [True, False], ids=["from open folders", "by whole paths"])
def test_an_error_names_the_file_in_the_source(folders, monkeypatch, relative):
    source, target = folders
    if relative and os.link not in os.supports_dir_fd:
        pytest.skip("this platform has no links relative to open folders")
    monkeypatch.setattr(links, "_RELATIVE", relative)
    with pytest.raises(FileNotFoundError) as caught:
        links.Linker("hardlink").link_folder(str(source), str(target), ["one", "gone", "two", "three"])
    assert caught.value.filename == f"{source}/gone"
    assert sorted(os.listdir(target)) == ["one"]
    with pytest.raises(FileNotFoundError) as caught:
        links.Linker("hardlink").link_folder(f"{source}/nowhere", str(target), ["one", "two", "three"])
    assert str(caught.value.filename).startswith(f"{source}/nowhere")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at descriptors in /proc")
def test_opened_folders_are_closed_again(folders, tmp_path):
    source, target = folders
    for _ in range(20):
        links.Linker("hardlink").link_folder(str(source), str(target), ["one", "two", "three"])
        for name in ("one", "two", "three"):
            (target / name).unlink()
        with pytest.raises(FileNotFoundError):
            links.Linker("hardlink").link_folder(f"{source}/nowhere", str(target), ["one", "two", "three"])
    opened = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            opened.append(os.readlink(f"/proc/self/fd/{name}"))
    assert not [path for path in opened if path.startswith(str(tmp_path))]


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
def test_who_may_write_to_a_shared_environment_may_lock_it(tmp_path):
    """With the umask of those who share with their group, as for everything else that is made there."""
    before = os.umask(0o002)
    try:
        with FileLock(str(tmp_path / "lock")).acquire(timeout=1):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o664
