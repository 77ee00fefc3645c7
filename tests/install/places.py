"""Environments without an interpreter of their own, wheels to put into them, and a look at everything that is there."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkit.host import effect, exchange
from envkit.installation.installer import Installer
from envkit.testing.supply import FolderSupply, folder_resolution
from envkit.testing.wheels import make_wheel

VERSION = ".".join(map(str, sys.version_info[:3]))
LIBRARY = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


@dataclass(frozen=True)
class FakeInterpreter:
    executable: str
    version: str = VERSION
    implementation: str = "cpython"


@dataclass(frozen=True)
class FakeEnvironment:
    root: Path
    interpreter: FakeInterpreter
    paths: Mapping[str, str] = field(default_factory=dict)
    externally_managed: str | None = None

    @property
    def library(self) -> Path:
        return self.root / LIBRARY

    @property
    def scripts(self) -> Path:
        return self.root / "bin"


def make_environment(root: Path, *, executable: str | None = None, managed: str | None = None) -> FakeEnvironment:
    library = root / LIBRARY
    library.mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to(sys.executable)
    (root / "bin/activate").write_text("# activate\n")
    (root / "pyvenv.cfg").write_text(
        f"home = {os.path.dirname(os.path.realpath(sys.executable))}\ninclude-system-site-packages = false\n"
        f"version = {VERSION}\n"
    )
    paths = {
        "purelib": str(library),
        "platlib": str(library),
        "scripts": str(root / "bin"),
        "data": str(root),
        "include": str(root / "include"),
        "stdlib": f"{sys.base_prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}",
    }
    return FakeEnvironment(root, FakeInterpreter(executable or str(root / "bin/python")), paths, managed)


@dataclass
class Workshop:
    """A folder of wheels, a pool and an environment to install into."""

    folder: Path
    environment: FakeEnvironment

    @classmethod
    def at(cls, tmp_path: Path, **options) -> Workshop:
        folder = tmp_path / "wheels"
        folder.mkdir()
        return cls(folder, make_environment(tmp_path / "env", **options))

    @property
    def supply(self) -> FolderSupply:
        return FolderSupply(self.folder)

    def wheel(self, name: str, version: str, **options) -> Path:
        return make_wheel(self.folder, name, version, **options)

    def installer(self, **options) -> Installer:
        return Installer(self.environment, self.supply, **options)

    def install(self, *requests: str, mode: str = "install", plan: Mapping = {}, **options):
        installer = self.installer(**options)
        return installer.apply(installer.plan(folder_resolution(self.folder, *requests), mode, **plan))

    def uninstall(self, *names: str, **options):
        return self.installer(**options).uninstall(names)

    def snapshot(self) -> dict[str, str]:
        return snapshot(self.environment.root)


def put_in_a_lower_layer(root: Path, monkeypatch) -> None:
    """Let the folders that are below *root* now be what they are in a container: an overlay does not rename them."""
    # Kept open: the number of a folder that is gone would else go to a new one, which then would not be renamed either.
    folders = [os.open(base, os.O_RDONLY | os.O_DIRECTORY) for base, _, _ in os.walk(root)]
    lower = {os.fstat(folder).st_ino for folder in folders}
    rename_new, swap = exchange.rename_new, exchange.exchange

    def stays(path: str) -> bool:
        return os.path.isdir(path) and not os.path.islink(path) and os.lstat(path).st_ino in lower

    weakref.finalize(stays, lambda: [os.close(folder) for folder in folders])

    def rename(source: str, target: str) -> None:
        if stays(source):
            effect("rename", source)
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)
        rename_new(source, target)

    def change_places(source: str, target: str) -> bool:
        if stays(source) or stays(target):
            effect("exchange", source)
            return False
        return swap(source, target)

    monkeypatch.setattr(exchange, "rename_new", rename)
    monkeypatch.setattr(exchange, "exchange", change_places)


def snapshot(root: Path) -> dict[str, str]:
    """Everything below *root* by relative path: kind, permissions and content; not the bookkeeping."""
    found: dict[str, str] = {}
    for base, folders, names in os.walk(root):
        if ".envkit" in folders:
            folders.remove(".envkit")
        for name in [*folders, *names]:
            path = os.path.join(base, name)
            inner = os.path.relpath(path, root)
            if os.path.islink(path):
                found[inner] = f"link {os.readlink(path)}"
            elif os.path.isdir(path):
                found[inner] = "folder"
            else:
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()[:16]
                found[inner] = f"file {os.stat(path).st_mode & 0o777:o} {digest}"
    return found


def litter(root: Path) -> list[str]:
    """What the bookkeeping holds besides the lock, the last operation and what it needs to be undone."""
    state = root / ".envkit"
    if not state.exists():
        return []
    names = set(os.listdir(state)) - {"lock", "last", "undone", "records", "kept"}
    stages = {name for name in names if name.startswith("txn-")}
    return sorted(names - stages) + sorted(stages)[(1 if (state / "last").exists() else 0) :]


def check_records(root: Path) -> dict[str, str]:
    """Compare every RECORD with what is there, both ways; give name and version of what is installed.

    An independent reading: nothing of the library is used.
    """
    import base64

    library = root / LIBRARY
    owned: set[str] = set()
    found: dict[str, str] = {}
    for info in sorted(library.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        assert name not in found, f"{name} is there twice"
        found[name] = version
        with open(info / "RECORD", newline="") as file:
            for path, hashed, size in csv.reader(file):
                place = os.path.normpath(library / path)
                owned.add(place)
                content = Path(place).read_bytes()
                if hashed:
                    algorithm, _, value = hashed.partition("=")
                    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
                    assert digest == value, f"{path} of {info.name} differs from RECORD"
                    assert str(len(content)) == size
    for base, _, names in os.walk(library):
        for name in names:
            path = os.path.join(base, name)
            assert path in owned, f"{path} belongs to nothing"
    return found
