"""Install flask, rich, numpy and pandas from warm caches into empty environments, all peers in turns.

Resolving is part of it. The wheels are downloaded once from the default index with pip and served on loopback, where each
peer fetches them in its first, uncounted turn. Environments are made untimed; they and the caches share a file system.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.peer_programs import program
from benchmarks.peers import request, versions
from benchmarks.processes import Ended, run, surroundings
from benchmarks.serving import ROOT, served
from benchmarks.timing import Subject, Table, Timed, interleave
from benchmarks.workers import Worker
from benchmarks.workloads import Workload

STACK = ("flask", "rich", "numpy", "pandas")
HOT, FIRST, PROCESS = "envkit, hot call", "envkit, first call", "envkit, fresh process"
BYTECODE = "with bytecode"


def main(arguments: list[str] | None = None) -> None:
    """Time it, write ``install.md``, ``.json`` and ``.png``, and print the Markdown."""
    import platformdirs

    parser = argparse.ArgumentParser(prog="python -m benchmarks install", description=__doc__)
    parser.add_argument("requirements", nargs="*", default=list(STACK))
    parser.add_argument("--peers", default="uv,pip,envkit", help="with commas")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--bytecode", action="store_true", help="time all peers with compiling to bytecode, too")
    parser.add_argument("--budget", type=float, default=120.0, help="seconds for all rounds of one peer")
    wheels = (
        Path(platformdirs.user_cache_dir("envkit-benchmarks")) / f"wheels-{sys.version_info[0]}{sys.version_info[1]}"
    )
    parser.add_argument("--wheels", type=Path, default=wheels, help="folder of wheels; filled if it is not there")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args(arguments)
    facts = machine.facts()
    download(options.requirements, options.wheels)
    table, installed = time_install(options)
    text = markdown(options.requirements, table, facts, installed)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "install.md").write_text(text)
    data = {
        "schema": 1,
        "machine": facts,
        "requirements": options.requirements,
        **table.to_dict(),
        "installed": installed,
    }
    (options.output / "install.json").write_text(json.dumps(data, indent=1) + "\n")
    print(text)
    times = {label: row.median for label, row in table.rows.items() if row.samples and row.error is None}
    if "uv" in times:
        from benchmarks.chart import ratio_chart

        title = f"Installing {', '.join(options.requirements)}, warm caches"
        ratio_chart(options.output / "install.png", {"install": times}, "uv", title, machine.markdown(facts))


def download(requirements: list[str], folder: Path) -> None:
    """Fill *folder* with the wheels of *requirements* and of all that they need, unless it is there."""
    mark = folder / "requirements.txt"
    if mark.exists() and mark.read_text().split() == requirements:
        return
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", str(folder)]
    _check(run([*command, *requirements]))
    mark.write_text("\n".join(requirements) + "\n")


def time_install(options: argparse.Namespace) -> tuple[Table, dict[str, list[str]]]:
    """Time all peers; give the table, and what each installed as ``uv pip freeze`` prints it."""
    installed: dict[str, list[str]] = {}
    with (
        served(ROOT / "none", wheels=options.wheels, max_age=86_400) as index,
        tempfile.TemporaryDirectory(prefix="envkit-install-") as folder,
    ):
        bench = _Bench(Path(folder), index.url, options.requirements, installed)
        try:
            subjects = bench.subjects(options.peers.split(","), compiled=options.bytecode)
            table = interleave(subjects, rounds=options.rounds, warmup=1, budget=options.budget)
        finally:
            bench.close()
    return table, installed


class _Bench:
    def __init__(self, folder: Path, url: str, requirements: list[str], installed: dict[str, list[str]]) -> None:
        self.folder, self.url, self.requirements, self.installed = folder, url, requirements, installed
        self.count = 0
        self.workers: list[Worker] = []
        self.resident: Worker | None = None
        self.template: Path | None = None

    def subjects(self, peers: list[str], *, compiled: bool) -> dict[str, Subject]:
        """Give the peers that are asked for as they come by default, or all of them compiling and not."""
        made: dict[str, Subject] = {}
        if "pip" in peers:
            made["pip"] = self._process("pip", self._pip, compiled=True, pip=True)
        for variant in (False, True) if compiled else (False,):
            suffix = f" {BYTECODE}" if variant else ""
            if "uv" in peers:
                made[f"uv{suffix}"] = self._process(f"uv{suffix}", self._uv, compiled=variant)
            if "envkit" in peers:
                made[f"{PROCESS}{suffix}"] = self._process(f"{PROCESS}{suffix}", self._envkit, compiled=variant)
                for label, worker in ((FIRST, self._fresh), (HOT, self._hot)):
                    made[label + suffix] = self._in_worker(label + suffix, worker, compiled=variant)
            if "pip" in peers and not variant:
                made["pip --no-compile"] = self._process("pip --no-compile", self._pip, compiled=False, pip=True)
        return made

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.close()

    def _process(
        self, label: str, install: Callable[[Path, bool], Ended], *, compiled: bool, pip: bool = False
    ) -> Subject:
        def timed(env: Path) -> Timed:
            ended = install(env, compiled)
            _check(ended)
            return Timed(ended.seconds, env)

        return Subject(timed, prepare=lambda: self._env(pip=pip), finish=lambda env: self._done(label, env))

    def _in_worker(self, label: str, worker: Callable[[], Worker], *, compiled: bool) -> Subject:
        def timed(prepared: tuple[Worker, Path]) -> Timed:
            outcome = prepared[0].install(Workload("install", tuple(self.requirements)), prepared[1], compiled=compiled)
            if outcome.error is not None:
                raise RuntimeError(outcome.error)
            return Timed(outcome.seconds, prepared)

        def finish(prepared: tuple[Worker, Path]) -> None:
            if prepared[0] is not self.resident:
                prepared[0].close()
            self._done(label, prepared[1])

        return Subject(timed, prepare=lambda: (worker(), self._env()), finish=finish)

    def _fresh(self) -> Worker:
        return Worker(self.url, self.folder / "envkit-cache")

    def _hot(self) -> Worker:
        if self.resident is None:
            self.resident = self._fresh()
            self.workers.append(self.resident)
            env = self._env()
            self.resident.install(Workload("install", tuple(self.requirements)), env, compiled=False)
            shutil.rmtree(env)
        return self.resident

    def _env(self, *, pip: bool = False) -> Path:
        self.count += 1
        env = self.folder / f"env-{self.count}"
        command = [sys.executable, "-m", "venv", *(() if pip else ("--without-pip",)), str(env)]
        _check(run(command))
        if pip:  # the same pip for all: the one that is timed elsewhere too
            _check(run([program("uv"), "pip", "install", "--quiet", "--python", str(env), f"pip=={versions()['pip']}"]))
        return env

    def _uv(self, env: Path, compiled: bool) -> Ended:
        command = [program("uv"), "pip", "install", "--quiet", "--python", str(env / "bin" / "python"), "--no-config"]
        command += ["--index-url", self.url, "--cache-dir", str(self.folder / "uv-cache"), "--only-binary", ":all:"]
        return run([*command, *(("--compile-bytecode",) if compiled else ()), *self.requirements])

    def _pip(self, env: Path, compiled: bool) -> Ended:
        command = [
            str(env / "bin" / "python"),
            "-m",
            "pip",
            "--isolated",
            "install",
            "--quiet",
            "--only-binary",
            ":all:",
        ]
        command += ["--index-url", self.url, "--cache-dir", str(self.folder / "pip-cache"), "--no-input"]
        return run([*command, *(() if compiled else ("--no-compile",)), *self.requirements])

    def _envkit(self, env: Path, compiled: bool) -> Ended:
        command = [
            sys.executable,
            "-m",
            "benchmarks.envkit_worker",
            self.url,
            str(self.folder / "envkit-cache"),
            "--once",
        ]
        wanted = Workload("install", tuple(self.requirements))
        ended = run(
            command,
            stdin=request(wanted, environment=str(env), compiled=compiled),
            env=surroundings(PYTHONPATH=str(ROOT)),
        )
        if ended.returncode == 0 and (error := json.loads(ended.stdout).get("error")):
            raise RuntimeError(error)
        return ended

    def _done(self, label: str, env: Path) -> None:
        if label not in self.installed:
            frozen = run([program("uv"), "pip", "freeze", "--python", str(env / "bin" / "python"), "--no-config"])
            _check(frozen)
            _check(
                run([program("uv"), "pip", "check", "--python", str(env / "bin" / "python"), "--no-config", "--quiet"])
            )
            self.installed[label] = [
                line for line in frozen.stdout.split() if not line.startswith(("pip=", "setuptools="))
            ]
        shutil.rmtree(env)


def markdown(requirements: list[str], table: Table, facts: dict[str, Any], installed: dict[str, list[str]]) -> str:
    """Give the report."""
    base = "uv" if "uv" in table else None
    lines = [f"# Installing {', '.join(requirements)} from warm caches, interleaved", "", machine.markdown(facts), ""]
    lines += [table.markdown(base, "into an empty environment"), ""]
    for label in (FIRST, HOT, PROCESS):
        for suffix, pip in (("", "pip --no-compile"), (f" {BYTECODE}", "pip")):
            if all(name in table and table[name].samples for name in (pip, label + suffix)):
                lines.append(f"- {label}{suffix}: {table.ratio(pip, label + suffix):.1f} times faster than {pip}")
    if "pip" in table and table["pip"].samples and FIRST in table and table[FIRST].samples:
        lines.append(
            f"- {FIRST}, no bytecode, against pip as it comes: {table.ratio('pip', FIRST):.1f} times faster (aim: 20)"
        )
    same = len({tuple(sorted(found)) for found in installed.values()}) == 1
    lines.append(f"- all installed the same: {'yes' if same else f'no: {installed}'}")
    return "\n".join(lines) + "\n"


def _check(ended: Ended) -> None:
    if ended.returncode != 0:
        raise RuntimeError((ended.stderr.strip() or f"exit code {ended.returncode}").splitlines()[0])


if __name__ == "__main__":
    main()
