"""The Pythons that this machine has, for tests that want each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def _candidates() -> list[str]:
    found = sorted(Path.home().glob(".pyenv/versions/*/bin/python3"))
    found += [Path("/usr/bin/python3"), Path("/usr/bin/pypy3")]
    return [str(path) for path in found if path.exists()]


def _version(python: str) -> tuple[int, int]:
    command = [python, "-S", "-c", "import sys; print(*sys.version_info[:2])"]
    major, minor = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(major), int(minor)


def _base() -> str:
    return getattr(sys, "_base_executable", sys.executable)


VERSIONS = {python: _version(python) for python in dict.fromkeys(_candidates())} or {_base(): sys.version_info[:2]}
#: Every Python from 3.6 on; environments are made for those from 3.8 on.
PYTHONS = [python for python, version in VERSIONS.items() if version >= (3, 6)]
SUPPORTED = [python for python, version in VERSIONS.items() if version >= (3, 8)]
#: Those that can import the newest `packaging`.
RECENT = [python for python, version in VERSIONS.items() if version >= (3, 9)]
PYPY = os.path.exists("/usr/bin/pypy3")
