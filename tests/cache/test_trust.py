"""A cache folder that others could write to is refused: what is in it is believed."""

import os
import sys
from pathlib import Path

import pytest

from envkit.cache import Cache
from envkit.errors import EnvkitError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders have no owners and modes there")


def use(root: Path) -> None:
    bucket = Cache(root).bucket("things")
    bucket.put("demo/a", b"one")
    assert bucket.get("demo/a") == b"one"


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o775])
def test_an_own_folder_is_used(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    use(tmp_path)


@pytest.mark.parametrize("mode", [0o777, 0o702])
def test_a_folder_that_anyone_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(EnvkitError, match="others can write") as caught:
        use(tmp_path)
    assert caught.value.context == {"path": str(tmp_path)}
    assert not list(tmp_path.iterdir())
    use(tmp_path / "inside")  # is made private


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_bucket_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    use(tmp_path)
    (tmp_path / "things-v1").chmod(mode)
    with pytest.raises(EnvkitError, match="others can write"):
        use(tmp_path)


@pytest.mark.parametrize("place", ["", "things-v1"])
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    use(tmp_path)
    look = os.stat

    def stat(path: str, *, follow_symlinks: bool = True) -> os.stat_result:
        facts = look(path, follow_symlinks=follow_symlinks)
        if str(path) != str(tmp_path / place):
            return facts
        return os.stat_result((*facts[:4], os.geteuid() + 1, *facts[5:10]))

    monkeypatch.setattr("envkit.cache.store.os.stat", stat)
    with pytest.raises(EnvkitError, match="belongs to somebody else"):
        use(tmp_path)


def test_a_bucket_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/things-v1").symlink_to(tmp_path / "other")
    with pytest.raises(EnvkitError, match="is a symlink"):
        use(tmp_path / "cache")


def test_a_cache_that_is_a_link_to_a_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    use(tmp_path / "cache")


def test_the_folder_is_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        use(tmp_path / "a/b")
    finally:
        os.umask(before)
    for folder in ("a", "a/b", "a/b/things-v1"):
        assert os.stat(tmp_path / folder).st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a/b/things-v1").iterdir()} == {0o600}
