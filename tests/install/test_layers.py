"""Environments in a lower layer of an overlay, as in a container: their folders cannot be renamed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.errors import InstallError
from envkit.host.gate import guarded
from envkit.transaction import recover

from .places import FakeEnvironment, FakeInterpreter, Workshop, check_records, litter, put_in_a_lower_layer
from .test_kills import run_child


def fill(shop: Workshop) -> None:
    for version in ("1", "2"):
        files = {
            "alpha/__init__.py": version,
            "alpha/deep/er.py": version,
            f"alpha/only{version}.py": "",
            "space/alpha.py": version,
        }
        points = "[console_scripts]\nalpha = alpha:main\n"
        shop.wheel("alpha", version, files=files, entry_points=points)
    shop.wheel("beta", "1", files={"beta/__init__.py": "", "space/beta.py": ""})
    shop.install("alpha==1", "beta==1")


@pytest.fixture
def lower(tmp_path) -> Iterator[Workshop]:
    """A real overlay, where the test may mount one."""
    for name in ("wheels", "lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    shop = Workshop.at(tmp_path / "lower")
    fill(shop)
    options = ",".join(f"{name}dir={tmp_path / name}" for name in ("lower", "upper", "work"))
    merged = tmp_path / "merged"
    if os.geteuid() != 0 or os.system(f"mount -t overlay overlay -o {options} {merged} 2>/dev/null") != 0:
        pytest.skip("mounting an overlay is not permitted here")
    try:
        root = merged / "env"
        paths = {
            name: path.replace(str(tmp_path / "lower"), str(merged)) for name, path in shop.environment.paths.items()
        }
        interpreter = FakeInterpreter(str(root / "bin/python"))
        yield Workshop(shop.folder, FakeEnvironment(root, interpreter, paths))
    finally:
        os.system(f"umount {merged}")


def test_everything_goes(lower: Workshop):
    root = lower.environment.root
    first = lower.snapshot()
    for change, expected in (
        (lambda: lower.install("alpha==2"), {"alpha": "2", "beta": "1"}),
        (lambda: lower.uninstall("alpha"), {"beta": "1"}),
        (lambda: lower.install("alpha==2", mode="sync"), {"alpha": "2"}),
    ):
        change()
        assert check_records(root) == expected
        assert litter(root) == []
        lower.installer().undo()
        assert lower.snapshot() == first
        assert litter(root) == []
    (root / "lib").chmod(0o750)
    lower.uninstall("alpha", "beta")
    assert os.listdir(lower.environment.library) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_kills(lower: Workshop):
    root = lower.environment.root
    first = lower.snapshot()
    killed = 0
    for position in range(1, 1000, 3):

        def work(position: int = position) -> None:
            left = position

            def guard(name: str, path: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            with guarded(guard):
                lower.install("alpha==2", mode="sync")

        _, status = os.waitpid(run_child(work), 0)
        recover(str(root))
        assert litter(root) == []
        if lower.snapshot() != first:
            assert check_records(root) == {"alpha": "2"}
            lower.installer().undo()
            assert lower.snapshot() == first
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    assert killed > 10


def test_permissions_of_folders_come_back(tmp_path, monkeypatch):
    shop = Workshop.at(tmp_path)
    fill(shop)
    folder = shop.environment.library / "alpha/deep"
    folder.chmod(0o2777)
    put_in_a_lower_layer(shop.environment.root, monkeypatch)
    shop.uninstall("alpha")
    assert not folder.exists()
    shop.installer().undo()
    assert folder.stat().st_mode & 0o7777 == 0o2777


def test_a_library_that_cannot_change_in_one_step_is_left_alone(tmp_path, monkeypatch):
    shop = Workshop.at(tmp_path)
    fill(shop)
    before = shop.snapshot()
    put_in_a_lower_layer(shop.environment.root, monkeypatch)
    with pytest.raises(InstallError) as caught:
        shop.install("alpha==2", atomic="swap")
    assert caught.value.hint is not None
    assert "atomic='entries'" in caught.value.hint
    assert shop.snapshot() == before
    assert litter(shop.environment.root) == []


@pytest.fixture
def mounted(tmp_path) -> Iterator[Workshop]:
    """An environment whose site-packages are a file system of their own, as a volume of a container."""
    shop = Workshop.at(tmp_path)
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs tmpfs {shop.environment.library} 2>/dev/null") != 0:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield shop
    finally:
        os.system(f"umount {shop.environment.library}")


def test_site_packages_on_another_device(mounted: Workshop):
    root, library = mounted.environment.root, mounted.environment.library

    def look() -> dict[str, str]:
        return {path: what for path, what in mounted.snapshot().items() if ".envkit-" not in path}

    fill(mounted)
    first = look()
    path = library / "alpha/__init__.py"
    path.unlink()
    path.write_text("edited")
    report = mounted.install("alpha==2", compile_bytecode=True)
    assert [Path(kept).read_text() for kept in report.set_aside.values()] == ["edited"]
    assert mounted.installer().verify() == ()
    mounted.installer().undo()
    assert path.read_text() == "edited"
    path.write_text("1")
    path.chmod(0o644)
    assert look() == first
    mounted.uninstall("alpha", "beta")
    assert [name for name in os.listdir(library) if not name.startswith(".envkit-")] == []
    assert litter(root) == []
