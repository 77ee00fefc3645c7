"""Who is timed: a small adapter for each, all of which give the same `Outcome`.

A further peer is one class with ``resolve`` and a line each in `PEERS` and `ASKED`.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from packaging.utils import canonicalize_name

from benchmarks.peer_programs import PINNED, program, told_version
from benchmarks.processes import Ended, run, surroundings
from benchmarks.serving import ROOT
from benchmarks.workloads import Workload


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a peer made of a workload: pins (normalised name -> version) or an error; seconds; peak memory in bytes."""

    pins: Mapping[str, str] | None
    seconds: float
    peak: int = 0
    error: str | None = None

    @property
    def impossible(self) -> bool:
        """Whether the peer found out that there is no resolution, in place of failing to look for one."""
        verdicts = ("No solution found", "ResolutionImpossible", "NoCandidate")
        return self.pins is None and any(text in (self.error or "") for text in verdicts)

    def summary(self) -> str:
        """Say it in a few words."""
        return f"{len(self.pins)} pins" if self.pins is not None else f"no resolution ({self.error})"


class Peer(Protocol):
    """A resolver with an index and a cache folder of its own; resolving twice makes the second time warm."""

    def resolve(self, workload: Workload) -> Outcome:
        """Resolve *workload* for the running interpreter, from wheels alone."""
        ...


@dataclass(frozen=True, slots=True)
class Served:
    """What every peer has: an index at *url*, a cache folder of its own, and seconds for one resolution."""

    url: str
    cache: Path
    timeout: float = 300.0


class Uv(Served):
    """``uv pip compile`` to standard output, so that no earlier output can lead it."""

    __slots__ = ()

    def resolve(self, workload: Workload) -> Outcome:
        command = [program("uv"), "pip", "compile", "-", "--index-url", self.url, "--cache-dir", str(self.cache)]
        command += ["--only-binary", ":all:", "--python", sys.executable, "--no-config", "--no-progress", "--quiet"]
        command += ["--no-header", "--no-annotate"]
        command += older(workload, "--exclude-newer")
        ended = run(command, stdin="\n".join(workload.requirements), timeout=self.timeout)
        return outcome(ended, lambda: read_pins(ended.stdout))


class Pip(Served):
    """``pip install --dry-run``; its report tells the pins."""

    __slots__ = ()

    def resolve(self, workload: Workload) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = [
                sys.executable,
                "-m",
                "pip",
                "--isolated",
                "install",
                "--dry-run",
                "--ignore-installed",
                "--quiet",
            ]
            command += ["--index-url", self.url, "--cache-dir", str(self.cache), "--only-binary", ":all:"]
            command += ["--report", str(report), "--no-input"]
            command += older(workload, "--uploaded-prior-to")
            ended = run([*command, *workload.requirements], timeout=self.timeout)
            return outcome(ended, lambda: _report_pins(json.loads(report.read_text())))


class EnvkitProcess(Served):
    """envkit in a process that starts, resolves and ends."""

    __slots__ = ()

    def resolve(self, workload: Workload) -> Outcome:
        command = [sys.executable, "-P", str(ROOT / "benchmarks" / "fresh_process.py"), self.url, str(self.cache)]
        command += [workload.exclude_newer] if workload.exclude_newer is not None else []
        stdin = "\n".join(workload.requirements)
        ended = run(command, stdin=stdin, timeout=self.timeout, env=surroundings(PYTHONPATH=str(ROOT)))
        return outcome(ended, lambda: read_pins(ended.stdout))


def _nab(url: str, cache: Path, timeout: float = 300.0) -> Peer:
    from benchmarks.lockers import Nab

    return Nab(url, cache, timeout)


def _pdm(url: str, cache: Path, timeout: float = 300.0) -> Peer:
    from benchmarks.lockers import Pdm

    return Pdm(url, cache, timeout)


PEERS: dict[str, Callable[..., Peer]] = {"uv": Uv, "pip": Pip, "envkit": EnvkitProcess, "nab": _nab, "pdm": _pdm}
#: how each is asked: the call, for wheels alone, for the running Python, for what is older than a workload's time
ASKED = {
    "uv": ("uv pip compile -", "--only-binary :all:", "--python", "--exclude-newer"),
    "pip": (
        "pip install --dry-run --ignore-installed --report",
        "--only-binary :all:",
        "runs in it",
        "--uploaded-prior-to",
    ),
    "envkit": ("Kit.resolve", "only_binary", "Interpreter.current()", "exclude_newer"),
    "nab": ("nab lock", "dist-policy", "--python", "uploaded-prior-to"),
    "pdm": ("pdm lock", "PDM_ONLY_BINARY", "--python, --platform, --implementation", "--exclude-newer"),
}


def request(
    workload: Workload, salt: int = 0, *, environment: str | None = None, compiled: bool = False, **more: Any
) -> str:
    """Give the line that asks a worker to resolve, or to install into *environment*, *compiled* or not.

    *more* is ``lock`` (options, see the worker) and ``again``. A *salt* makes the inputs new without changing the problem.
    """
    facts = {
        "requirements": workload.requirements,
        "exclude_newer": workload.exclude_newer,
        "salt": salt,
        "environment": environment,
        "compile": compiled,
        **more,
    }
    return json.dumps(facts) + "\n"


def versions() -> dict[str, str]:
    """Give the exact versions of all peers that are here."""
    found = {name: text for name in PINNED if (text := told_version(name))}
    for name in (
        "pyenvkit",
        "uv",
        "pip",
        "resolvelib",
        "packaging",
        "msgspec",  # these two make envkit's reading of large pages faster where they are installed
        "isal",
        "virtualenv",
        "urllib3",
        "matplotlib",
    ):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def older(workload: Workload, option: str) -> list[str]:
    """Give the *option* that leaves out what is newer than the workload, if it has a time."""
    return [option, workload.exclude_newer] if workload.exclude_newer is not None else []


def read_pins(text: str) -> dict[str, str]:
    """Read ``name==version`` lines."""
    pairs = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pairs}


def _report_pins(report: dict[str, Any]) -> dict[str, str]:
    pairs = [(entry["metadata"]["name"], entry["metadata"]["version"]) for entry in report["install"]]
    return {canonicalize_name(name): version for name, version in pairs}


def outcome(ended: Ended, pins: Callable[[], Mapping[str, str]]) -> Outcome:
    """Give the outcome of a process; *pins* reads its output if it went well."""
    if ended.timed_out:
        return Outcome(None, ended.seconds, ended.peak, f"not done after {ended.seconds:.0f} s")
    if ended.returncode != 0:
        lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()] or [
            f"exit code {ended.returncode}"
        ]
        return Outcome(None, ended.seconds, ended.peak, " ".join(lines[:3])[:300])
    return Outcome(pins(), ended.seconds, ended.peak)
