"""A cache folder that cannot be used costs time, not the operation: a temporary one takes its place, and that is told."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import envkit
from envkit import events
from envkit.host.gate import guarded
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="folders have no owners and modes there"),
    pytest.mark.skipif(
        sys.platform == "darwin" and os.geteuid() == 0, reason="root cannot give up its rights there but for good"
    ),
]

ROOT = Path(__file__).resolve().parents[2]
FILES = dict([wheel_bytes("demo", "1.0", requires=["other"]), wheel_bytes("other", "2.0")])
STRANGER = 65534
_PR_CAPBSET_DROP = 24

INSTALL = """
import json, os, sys, tempfile
import envkit
from envkit import events

given = json.loads(sys.argv[1])
tempfile.tempdir = given["temporary"]
seen = []
kit = envkit.Kit(indexes=given["indexes"], cache_dir=given["cache"], reporter=seen.append, **given.get("options", {}))
env = kit.create(given["env"], python=sys.executable)
try:
    kit.install(env, ["demo"], compile_bytecode=given.get("bytecode", False))
    kit.with_options(link_mode="copy").install(env, ["demo"], reinstall=True)
except envkit.EnvkitError as error:
    print(json.dumps({"error": error.message, "hint": error.hint, "context": dict(error.context)}))
else:
    warned = [event.message for event in seen if isinstance(event, events.Warned) and event.code == "temporary-cache"]
    fetched = [event.filename for event in seen if isinstance(event, events.DownloadFinished)]
    during = os.listdir(given["temporary"])
    del kit
    code = env.run(["python", "-c", "import demo, other"]).returncode
    print(json.dumps({"lines": envkit.freeze(env), "warned": warned, "fetched": sorted(fetched), "during": during,
                      "works": code == 0}))
"""


@pytest.fixture
def place():
    """A folder for the caches, the environments and what is temporary."""
    folder = Path(tempfile.mkdtemp(prefix="envkit-place-"))
    folder.chmod(0o755)
    for name in ("temporary", "mine"):
        (folder / name).mkdir()
    yield folder
    for path, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(path, name)):
                os.chmod(os.path.join(path, name), 0o700)
    shutil.rmtree(folder)


@pytest.fixture
def index():
    with LoopbackIndex(FILES) as index:
        yield index


def give_up_rights() -> None:
    """Have modes of files count for this process, which is root's, as for any other one's."""
    libc = ctypes.CDLL(None)
    for right in (0, 1, 2, 3):  # to change owners, to write and read what modes forbid, to act as any owner
        if libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0):
            os._exit(99)


def run(place: Path, cache: Path, *indexes: str, **more: object) -> dict:
    """Install in a process that has no rights of root, and give what came of it."""
    given = {"cache": str(cache), "indexes": indexes, "temporary": str(place / "temporary"), **more}
    given["env"] = str(place / "mine" / f"env{len(list((place / 'mine').iterdir()))}")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(place / "mine")}
    done = subprocess.run(
        [sys.executable, "-c", INSTALL, json.dumps(given)],
        env=environ,
        cwd=place,
        capture_output=True,
        text=True,
        preexec_fn=give_up_rights if os.geteuid() == 0 else None,
    )
    if done.returncode == 99:
        pytest.skip("root's rights cannot be given up here")
    assert done.returncode == 0, done.stderr
    assert list((place / "temporary").iterdir()) == []  # whatever was made is gone with the kit
    return json.loads(done.stdout)


def lock_up(folder: Path) -> None:
    """Let nobody without rights write below *folder*."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def test_a_folder_that_cannot_be_written_costs_the_cache_alone(place, index):
    cache = place / "cache"
    cache.mkdir()
    lock_up(cache)
    done = run(place, cache, index.url, bytecode=True)
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert done["works"]
    assert len(done["warned"]) == 1  # once for a kit and its twins
    assert f"cannot be written: {cache}" in done["warned"][0]
    assert done["fetched"] == sorted(FILES)  # once: the twin shares the temporary folder
    assert len(done["during"]) == 1


def test_a_folder_that_cannot_be_made_costs_the_cache_alone(place, index):
    (place / "closed").mkdir(mode=0o555)
    done = run(place, place / "closed/cache", index.url)
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert "cannot be made (Permission denied)" in done["warned"][0]


def test_what_is_in_a_folder_that_cannot_be_written_is_used(place, index):
    cache = place / "cache"
    kit = envkit.Kit(indexes=(index.url,), cache_dir=cache)
    kit.install(kit.create(place / "first"), ["demo"])
    lock_up(cache)
    before = {str(path): path.stat().st_mtime_ns for path in cache.rglob("*")}
    done = run(place, cache, index.url, bytecode=True, options={"offline": True})
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert done["works"]
    assert done["fetched"] == []
    assert {str(path): path.stat().st_mtime_ns for path in cache.rglob("*")} == before


def test_damage_in_a_folder_that_cannot_be_written_is_mended_in_the_temporary_one(place, index):
    cache = place / "cache"
    kit = envkit.Kit(indexes=(index.url,), cache_dir=cache)
    kit.install(kit.create(place / "first"), ["demo"], compile_bytecode=False)
    (module,) = cache.rglob("tree/demo.py")
    module.unlink()
    module.write_text("raise SystemExit('planted')\n")
    lock_up(cache)
    done = run(place, cache, index.url)
    assert done["works"]
    assert module.read_text() == "raise SystemExit('planted')\n"


@pytest.mark.parametrize("mode", [0o777, 0o757])
def test_a_folder_that_others_can_write_to_is_not_used(place, index, mode):
    cache = place / "mine/cache"
    cache.mkdir()
    cache.chmod(mode)
    done = run(place, cache, index.url)
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert "cannot be trusted" in done["warned"][0]
    assert not list(cache.glob("*-v*"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_somebody_else_is_not_read(place, index):
    cache = place / "cache"
    kit = envkit.Kit(indexes=(index.url,), cache_dir=cache)
    kit.install(kit.create(place / "first"), ["demo"])
    for path in (cache, *cache.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
        os.chown(path, STRANGER, STRANGER)
    cache.chmod(0o755)
    done = run(place, cache, index.url)
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert "belongs to somebody else" in done["warned"][0]
    assert done["fetched"] == sorted(FILES)


def test_a_bucket_that_cannot_be_written_costs_that_bucket_alone(place, index):
    """As one ``sudo`` leaves it."""
    cache = place / "cache"
    cache.mkdir(mode=0o700)
    (cache / "files-v1").mkdir(mode=0o500)
    done = run(place, cache, index.url)
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert f"{cache}/files-v1 can only be read" in done["warned"][0]
    assert len(list(cache.glob("wheels-v*/*/*/manifest"))) == 2


def test_where_nobody_can_touch_what_is_another_s_a_private_folder_is_used(place, index):
    cache = place / "shared"
    cache.mkdir()
    cache.chmod(0o1777)
    for _ in range(2):
        done = run(place, cache, index.url)
        assert done["lines"] == ["demo==1.0", "other==2.0"]
        assert done["warned"] == []
    assert done["fetched"] == []
    (own,) = cache.glob("envkit-*")
    assert own.stat().st_mode & 0o777 == 0o700
    assert own.stat().st_uid == os.geteuid()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give folders away")
@pytest.mark.parametrize("planted", ["folder", "link", "open"])
def test_what_others_planted_for_the_private_folder_is_not_used(place, index, planted):
    cache = place / "shared"
    cache.mkdir()
    cache.chmod(0o1777)
    own = cache / f"envkit-{os.geteuid()}"
    if planted == "link":
        own.symlink_to(place / "mine")
        os.chown(own, STRANGER, STRANGER, follow_symlinks=False)
    else:
        own.mkdir()
        own.chmod(0o777)
        if planted == "folder":
            own.chmod(0o700)
            os.chown(own, STRANGER, STRANGER)
    done = run(place, cache, index.url)
    assert done["lines"] == ["demo==1.0", "other==2.0"]
    assert "cannot be trusted" in done["warned"][0]
    assert not list(own.glob("*-v*"))


def test_who_asks_for_it_gets_an_error_instead(place, index):
    (place / "closed").mkdir(mode=0o555)
    (place / "open").mkdir()
    (place / "open").chmod(0o777)
    for name, problem in (("closed/cache", "cannot be written"), ("open", "cannot be trusted")):
        done = run(place, place / name, index.url, options={"unusable_cache": "refuse"})
        assert problem in done["error"]
        assert "cache_dir" in done["hint"]
        assert done["context"]["path"].startswith(str(place / name))


def test_links_to_a_cache_that_goes_away_are_not_made(place, index):
    (place / "closed").mkdir(mode=0o555)
    assert run(place, place / "closed/cache", index.url, options={"link_mode": "symlink"})["works"]


def test_a_full_disk_is_an_error(tmp_path, index):
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache", reporter=(seen := []).append)
    env = kit.create(tmp_path / "env")

    def full(kind: str, path: str) -> None:
        if path.startswith(str(tmp_path / "cache")) and kind in ("write", "mkdir"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with guarded(full), pytest.raises(envkit.EnvkitError, match="No space left"):
        kit.install(env, ["demo"])
    assert not [event for event in seen if isinstance(event, events.Warned)]
