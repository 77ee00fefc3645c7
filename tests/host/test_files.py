from __future__ import annotations

import os
from contextlib import nullcontext

import pytest

from envkit.host import files
from envkit.host.gate import guarded


def test_every_effect_passes_the_gate(tmp_path):
    seen = []
    base = str(tmp_path)
    with guarded(lambda name, path: seen.append(name)):
        files.make_dirs(f"{base}/a/b")
        files.write_bytes(f"{base}/a/b/f", b"x", sync=True)
        files.publish_bytes(f"{base}/a/b/g", b"y")
        files.rename(f"{base}/a/b/g", f"{base}/a/b/h")
        files.symlink("h", f"{base}/a/b/s")
        files.change_mode(f"{base}/a/b/h", 0o600)
        files.sync_dir(f"{base}/a")
        files.remove_tree(f"{base}/a")
    assert set(seen) == {"mkdir", "write", "sync", "replace", "rename", "symlink", "chmod", "unlink", "rmdir"}
    assert os.listdir(base) == []


def test_a_failed_publication_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail(name, _path):
        if name == "replace":
            raise OSError("no")

    with guarded(fail), pytest.raises(OSError, match="no"):
        files.publish_bytes(str(path), b"new")
    assert os.listdir(tmp_path) == ["f"]
    assert path.read_bytes() == b"old"


def test_removing_a_tree_does_not_follow_symlinks(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(outside)
    files.remove_tree(str(tree))
    assert (outside / "kept").exists()
    assert not tree.exists()
    files.remove_tree(str(tree))


def test_an_exclusive_write_follows_no_symlink(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        files.write_bytes(str(tmp_path / "link"), b"x", exclusive=True)
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("seen", [True, False])
def test_folders_below_one_are_made_with_those_above_them(tmp_path, seen):
    made: set[str] = set()
    (tmp_path / "there").mkdir()
    wanted = ["a/b/c", "a/b", "there", "there/x", "a/b/d", "e"]
    with guarded(lambda name, path: None) if seen else nullcontext():
        files.make_below(str(tmp_path), wanted, made)
        files.make_below(str(tmp_path), ["a/b/c/f"], made)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"a", *wanted, "a/b/c/f"}
    assert made >= {*wanted, "a/b/c/f"}
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as caught:
        files.make_below(str(tmp_path), ["file/x"], made)
    assert str(tmp_path) in str(caught.value.filename)


def test_make_dir_refuses_a_file_and_make_dirs_takes_a_link(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(FileExistsError):
        files.make_dir(str(tmp_path / "f"))
    with pytest.raises(OSError, match="f"):
        files.make_dirs(str(tmp_path / "f" / "g"))
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to(tmp_path / "d")
    files.make_dirs(str(tmp_path / "l"))


def test_guards_do_not_nest():
    with guarded(lambda *_: None), pytest.raises(RuntimeError), guarded(lambda *_: None):
        pass
