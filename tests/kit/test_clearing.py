"""What is cleared from the cache for one project: all that is kept of it, and nothing of others."""

from __future__ import annotations

import os

import pytest

import envkit
from envkit.cache import Cache
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes


def _folder(tmp_path):
    folder = tmp_path / "Own_Project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n')
    name, data = wheel_bytes("own-project", "1.0")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / name).write_bytes(data)
    (folder / "b.py").write_text(
        "import shutil\ndef build_wheel(folder, *_):\n    print('built')\n"
        f"    shutil.copy({str(tmp_path / 'made' / name)!r}, folder)\n    return {name!r}\n"
    )
    return folder


@pytest.mark.parametrize("project", ["demo-one", "own-project"])
def test_a_project_is_cleared_with_its_unpacked_and_built_wheels(tmp_path, project):
    seen = []
    with LoopbackIndex(dict([wheel_bytes("demo-one", "1.0"), wheel_bytes("demo", "1.0")])) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache", reporter=seen.append)
        wanted = ["Demo.One", "demo", _folder(tmp_path)]
        kit.install(kit.create(tmp_path / "first"), wanted)
        wheels = {pin.name for pin in kit.list(envkit.Environment.open(tmp_path / "first"))}
        assert {"demo-one", "demo", "own-project"} <= {name.lower().replace("_", "-") for name in wheels}
        before = _entries(tmp_path / "cache")
        assert Cache(tmp_path / "cache").clear(project) > 0
        gone = before - _entries(tmp_path / "cache")
        pool = [path for path in gone if path.startswith("wheels-")]
        assert len(pool) == 1
        assert not [path for path in gone if path.startswith("built-wheels-")] or project == "own-project"
        kit.install(kit.create(tmp_path / "second"), wanted)
        assert _entries(tmp_path / "cache") >= set(pool)
        builds = [event for event in seen if type(event).__name__ == "BuildOutput" and event.line == "built"]
        assert len(builds) == (2 if project == "own-project" else 1)


def _entries(root):
    found = set()
    for bucket in os.listdir(root):
        if not os.path.isdir(root / bucket):
            continue
        for group in os.listdir(root / bucket):
            if group != "=staging" and os.path.isdir(root / bucket / group):
                found |= {f"{bucket}/{group}/{name}" for name in os.listdir(root / bucket / group)}
    return found
