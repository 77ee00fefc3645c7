"""Environments made by others, and what pip says of them."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from envkit.environment.environment import Environment

ENVIRON = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "GIT_"))},
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_OFFLINE": "1",
    "UV_NO_CONFIG": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "HGRCPATH": "",
    "SOURCE_DATE_EPOCH": "1600000000",
}


def run(*arguments: str | Path, cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        env={**ENVIRON, **(environ or {})},
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def site_of(python: Path) -> Path:
    """Give the folder that packages are installed into."""
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())


def uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    assert found, "uv is one of the test dependencies"
    return found


def make(folder: Path, maker: str, *, system: bool = False) -> Path:
    """Make an environment with ``venv`` or ``uv``; give its Python."""
    if maker == "venv":
        flags = ["--system-site-packages"] if system else []
        run(sys.executable, "-m", "venv", "--without-pip", *flags, folder)
    else:
        flags = ["--system-site-packages"] if system else []
        run(uv(), "venv", "--quiet", "--python", sys.executable, *flags, folder)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pip(python: Path, *arguments: str | Path) -> None:
    """Install with pip, without an index."""
    run(sys.executable, "-m", "pip", "--python", python, *arguments)


def ask_pip(
    python: Path, *commands: list[str], cwd: Path | None = None, environ: dict[str, str] | None = None
) -> list[dict]:
    spec = importlib.util.find_spec("pip")
    assert spec is not None
    assert spec.origin is not None
    driver = str(Path(__file__).with_name("pip_driver.py"))
    done = subprocess.run(
        [str(python), driver, str(Path(spec.origin).parent.parent)],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        env={**ENVIRON, **(environ or {})},
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def open_environment(python: Path) -> Environment:
    return Environment.open(python.parent.parent)


def plain(python: Path, wheels: Path, tmp: Path) -> None:
    pip(python, "install", "-q", "--no-index", "-f", wheels, "alpha", "local", "Big_Name==0.1.dev0")
