"""Other destinations, compared with where pip and the interpreter's own `sysconfig` put the same wheel."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from envkit.environment.environment import Environment
from envkit.installation.installer import Installer
from envkit.testing.supply import FolderSupply, folder_resolution
from envkit.testing.wheels import make_wheel

FILES = {
    "full/__init__.py": "",
    "{dist}.data/platlib/plat.py": "",
    "{dist}.data/data/share/x": "x",
    "{dist}.data/scripts/run": "#!python\n",
    "{dist}.data/headers/full.h": "int x;",
}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "wheels").mkdir()
    points = "[console_scripts]\nfull = full:main\n"
    make_wheel(tmp_path / "wheels", "full", "1", files=FILES, entry_points=points)
    venv.EnvBuilder(with_pip=False, symlinks=os.name == "posix").create(tmp_path / "env")
    return tmp_path


def install(place: Path, **options) -> None:
    installer = Installer(Environment.open(place / "env"), FolderSupply(place / "wheels"), **options)
    installer.apply(installer.plan(folder_resolution(place / "wheels", "full==1")))


def files(root: Path) -> set[str]:
    """All files below *root*; what each installer writes about itself is left out."""
    return {
        os.path.relpath(os.path.join(base, name), root)
        for base, _, names in os.walk(root)
        for name in names
        if ".envkit" not in base and name != "envkit.json"
    }


@pytest.mark.parametrize("option", ["target", "prefix", "root"])
def test_files_are_where_pip_puts_them(place, option):
    command = [sys.executable, "-m", "pip", "--python", str(place / "env"), "--disable-pip-version-check", "install"]
    command += [
        "-q",
        "--no-compile",
        "--no-index",
        "-f",
        str(place / "wheels"),
        f"--{option}",
        str(place / "pip"),
        "full",
    ]
    subprocess.run(command, check=True, capture_output=True)
    install(place, **{option: place / "ours"})
    assert files(place / "ours") == files(place / "pip")
    (record,) = (place / "ours").rglob("RECORD")
    with open(record, newline="") as file:
        recorded = {os.path.normpath(record.parent.parent / path) for path, *_ in csv.reader(file)}
    assert {os.path.relpath(path, place / "ours") for path in recorded} - files(place / "ours") == {
        os.path.relpath(record.parent / "envkit.json", place / "ours")
    }
    assert all(os.path.exists(path) for path in recorded)


@pytest.mark.skipif(os.name != "posix", reason="the scheme's name is another one elsewhere")
def test_the_users_site_is_where_the_interpreter_looks(place):
    install(place, user_base=place / "user")
    scheme = sysconfig.get_preferred_scheme("user")
    paths = sysconfig.get_paths(scheme, vars={"userbase": str(place / "user")})
    assert Path(paths["purelib"], "full/__init__.py").exists()
    assert Path(paths["platlib"], "plat.py").exists()
    assert Path(paths["scripts"], "run").exists()
    assert Path(paths["data"], "share/x").exists()
