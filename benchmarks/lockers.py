"""Peers that lock a project: ``uv lock``, and ``pdm lock`` and ``nab lock``, in pure Python, if they are on the path.

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

from benchmarks.peer_programs import program
from benchmarks.peers import Outcome, Served, older, outcome, read_pins
from benchmarks.processes import run, surroundings
from benchmarks.workloads import Workload

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Nab(Served):
    """``nab lock`` for the running interpreter, as requirement lines on standard output."""

    __slots__ = ()

    def resolve(self, workload: Workload) -> Outcome:
        settings = (
            f'[tool.nab]\ndist-policy = "wheel-only"\nindexes = [{{ name = "served", url = {json.dumps(self.url)} }}]\n'
        )
        settings += _older(workload, "uploaded-prior-to")
        with tempfile.TemporaryDirectory() as folder:
            path = _project(Path(folder), workload, settings)
            command = [program("nab"), "--no-progress", "lock", "--cache-dir", str(self.cache), "--output", "-"]
            command += ["--python", platform.python_version()]
            ended = run([*command, "--format", "requirements-without-hashes", str(path)], timeout=self.timeout)
        return outcome(ended, lambda: read_pins(ended.stdout))


class Pdm(Served):
    """``pdm lock`` for the running interpreter and platform."""

    __slots__ = ()

    def resolve(self, workload: Workload) -> Outcome:
        settings = (
            f'[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = {json.dumps(self.url)}\n'
        )
        with tempfile.TemporaryDirectory() as folder:
            path = _project(Path(folder), workload, settings)
            command = [program("pdm"), "lock", "--quiet", "--project", folder, "--python", f"=={PYTHON}.*"]
            command += ["--platform", platform.system().lower(), "--implementation", "cpython"]
            command += older(workload, "--exclude-newer")
            env = surroundings(
                PDM_CACHE_DIR=str(self.cache), PDM_CHECK_UPDATE="0", PDM_ONLY_BINARY=":all:", PDM_PYTHON=sys.executable
            )
            ended = run(command, timeout=self.timeout, env=env, cwd=path.parent)
            return outcome(ended, lambda: _read_lock(Path(folder) / "pdm.lock"))


@dataclass(frozen=True, slots=True)
class UvLock:
    """``uv lock`` for all platforms and Pythons that are asked for; with *kept* the lock of before stays in its place."""

    url: str
    cache: Path
    folder: Path
    requires_python: str
    environments: tuple[str, ...] = ()
    timeout: float = 300.0
    kept: bool = False

    def resolve(self, workload: Workload) -> Outcome:
        settings = f"[tool.uv]\npackage = false\nenvironments = {json.dumps(list(self.environments))}\n"
        settings += _older(workload, "exclude-newer")
        self.folder.mkdir(exist_ok=True)
        path = _project(self.folder, workload, settings, self.requires_python)
        lock = self.folder / "uv.lock"
        if not self.kept:
            lock.unlink(missing_ok=True)
        command = [program("uv"), "lock", "--default-index", self.url, "--cache-dir", str(self.cache), "--no-build"]
        command += ["--python", sys.executable, "--no-progress", "--quiet"]
        env = {key: value for key, value in surroundings().items() if key != "UV_NO_CONFIG"}
        ended = run(command, timeout=self.timeout, cwd=path.parent, env=env)
        return outcome(ended, lambda: _read_lock(lock))


def _project(folder: Path, workload: Workload, settings: str, requires_python: str = f"=={PYTHON}.*") -> Path:
    path = folder / "pyproject.toml"
    needed = json.dumps(list(workload.requirements), indent=1)
    head = f'[project]\nname = "benchmark"\nversion = "0"\nrequires-python = "{requires_python}"\n'
    path.write_text(f"{head}dependencies = {needed}\n{settings}")
    return path


def _older(workload: Workload, key: str) -> str:
    return f"{key} = {json.dumps(workload.exclude_newer)}\n" if workload.exclude_newer is not None else ""


def _read_lock(path: Path) -> dict[str, str]:
    packages = tomllib.loads(path.read_text())["package"]
    return {
        " ".join((canonicalize_name(package["name"]), *package.get("resolution-markers", ())[:1])): package["version"]
        for package in packages
    }
