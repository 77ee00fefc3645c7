"""Peers that lock a project: ``pdm lock`` and ``nab lock``, both in pure Python, if they are on the path.

They need a project: a folder with a ``pyproject.toml`` of the workload's requirements, made new for each resolution so
that no earlier lock leads them.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from benchmarks.peers import Outcome, outcome, program, read_pins
from benchmarks.processes import run, surroundings
from benchmarks.workloads import Workload

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True, slots=True)
class Nab:
    """``nab lock`` for the running interpreter, as requirement lines on standard output."""

    url: str
    cache: Path
    timeout: float = 300.0

    def resolve(self, workload: Workload) -> Outcome:
        settings = (
            f'[tool.nab]\ndist-policy = "wheel-only"\nindexes = [{{ name = "served", url = {json.dumps(self.url)} }}]\n'
        )
        if workload.exclude_newer is not None:
            settings += f"uploaded-prior-to = {json.dumps(workload.exclude_newer)}\n"
        with tempfile.TemporaryDirectory() as folder:
            path = _project(Path(folder), workload, settings)
            command = [program("nab"), "--no-progress", "lock", "--cache-dir", str(self.cache), "--output", "-"]
            ended = run([*command, "--format", "requirements-without-hashes", str(path)], timeout=self.timeout)
        return outcome(ended, lambda: read_pins(ended.stdout))


@dataclass(frozen=True, slots=True)
class Pdm:
    """``pdm lock`` for the running interpreter and platform."""

    url: str
    cache: Path
    timeout: float = 300.0

    def resolve(self, workload: Workload) -> Outcome:
        settings = (
            f'[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = {json.dumps(self.url)}\n'
        )
        with tempfile.TemporaryDirectory() as folder:
            path = _project(Path(folder), workload, settings)
            command = [program("pdm"), "lock", "--quiet", "--project", folder, "--python", f"=={PYTHON}.*"]
            command += ["--platform", platform.system().lower(), "--implementation", "cpython"]
            if workload.exclude_newer is not None:
                command += ["--exclude-newer", workload.exclude_newer]
            env = surroundings(
                PDM_CACHE_DIR=str(self.cache), PDM_CHECK_UPDATE="0", PDM_ONLY_BINARY=":all:", PDM_PYTHON=sys.executable
            )
            ended = run(command, timeout=self.timeout, env=env, cwd=path.parent)
            return outcome(ended, lambda: _read_lock(Path(folder) / "pdm.lock"))


def _project(folder: Path, workload: Workload, settings: str) -> Path:
    path = folder / "pyproject.toml"
    needed = json.dumps(list(workload.requirements), indent=1)
    head = f'[project]\nname = "benchmark"\nversion = "0"\nrequires-python = "=={PYTHON}.*"\ndependencies = {needed}\n'
    path.write_text(head + settings)
    return path


def _read_lock(path: Path) -> dict[str, str]:
    packages = tomllib.loads(path.read_text())["package"]
    return {canonicalize_name(package["name"]): package["version"] for package in packages}
