"""Where the programs of peers are: beside the running Python, on the path, or in an environment that is made for one.

Peers in pure Python bring dependencies of their own, in versions of their own: each that is not here yet is installed once
into an environment of the running Python in the user's cache folder, in a pinned version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

from benchmarks.processes import run, surroundings

#: what is installed; pdm's extra takes its dependencies as it was tested with
PINNED = {"nab": "nab==0.0.23", "pdm": "pdm[locked]==2.29.3"}


def program(name: str) -> str:
    """Find a program. Raises `FileNotFoundError` with what to do about it."""
    beside = str(Path(sys.executable).parent)
    for folder in (beside, None, str(_scripts(name))):
        found = shutil.which(name, path=folder)
        if found is not None:
            return found
    raise FileNotFoundError(f"{name} is not installed: pip install --group bench")


def told_version(name: str) -> str:
    """Give the version that a program tells, or an empty text where it is not here."""
    try:
        ended = run([program(name), "--version"], timeout=60)
    except FileNotFoundError:
        return ""
    return ended.stdout.strip().rpartition(" ")[2] if ended.returncode == 0 else ""


def install_missing(names: Iterable[str]) -> None:
    """Install those peers of *names* that are pinned here and not to be found."""
    for name in names:
        if name not in PINNED:
            continue
        try:
            program(name)
        except FileNotFoundError:
            _install(name)


def _install(name: str) -> None:
    print(f"installing {PINNED[name]} into {_home(name)} ...", file=sys.stderr, flush=True)
    try:
        venv.create(_home(name), clear=True)
        # The running Python's pip serves: the environment is to hold the peer alone.
        python = str(_scripts(name) / ("python.exe" if os.name == "nt" else "python"))
        command = [sys.executable, "-m", "pip", "--python", python, "install", "-qq", PINNED[name]]
        env = {key: value for key, value in surroundings().items() if key != "PIP_CONFIG_FILE"}
        subprocess.run([*command, "--disable-pip-version-check"], check=True, env=env, stdin=subprocess.DEVNULL)
    except BaseException:
        shutil.rmtree(_home(name), ignore_errors=True)  # half of one would be taken for the whole
        raise


def _home(name: str) -> Path:
    import platformdirs

    version = PINNED.get(name, name).rpartition("==")[2]
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Path(platformdirs.user_cache_dir("envkit-benchmarks")) / "peers" / f"{name}-{version}-python{python}"


def _scripts(name: str) -> Path:
    return _home(name) / ("Scripts" if os.name == "nt" else "bin")
