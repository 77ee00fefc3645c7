"""``python -m benchmarks.installing``: install, do nothing and uninstall, with warm caches and cold ones, all in turns.

Every peer gets the same exact versions of one folder of wheels, which pip downloads once. Nothing is resolved, but for the
cold part, where an index on loopback serves the folder. envkit is called in this process; uv and pip pay for starting, as
whoever calls them does. Verification is on; uv links hard. All environments and caches are on one file system, and none is
removed before the end. Ratios below 1 mean that envkit is faster.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from benchmarks.peer_programs import program
from benchmarks.processes import run, surroundings
from benchmarks.serving import ROOT, served
from benchmarks.timing import Subject, Table, interleave
from benchmarks.workloads import USUAL

WORKLOADS = {workload.name: workload for workload in USUAL if not workload.hard}


def main(arguments: list[str] | None = None) -> None:
    """Time it and print the Markdown."""
    import platformdirs

    home = Path(platformdirs.user_cache_dir("envkit-benchmarks")) / "installing"
    parser = argparse.ArgumentParser(prog="python -m benchmarks.installing", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", default="warm,nothing,uninstall,swap,bytecode,cold", help="with commas; also: pip")
    parser.add_argument("--home", type=Path, default=home, help="folder for wheels, caches and environments")
    options = parser.parse_args(arguments)
    for name in options.workloads:
        folder = download(name, options.home)
        shutil.rmtree(options.home / "work", ignore_errors=True)
        bench = Bench(folder, options.home / "work")
        try:
            for part in options.parts.split(","):
                subjects, base = getattr(bench, f"part_{part}")()
                table = interleave(subjects, rounds=options.rounds)
                print(
                    table.markdown(base, f"{name} ({len(bench.requests)} distributions, {bench.files} files): {part}")
                )
                print(flush=True)
        finally:
            bench.opened.close()
            shutil.rmtree(options.home / "work", ignore_errors=True)


def download(name: str, home: Path) -> Path:
    """Fill a folder with the wheels of a workload and of all that they need, unless it is there."""
    folder = home / "wheels" / name
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "-d", str(folder)]
        ended = run([*command, *WORKLOADS[name].requirements], env=dict(os.environ))
        if ended.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise SystemExit(ended.stderr)
    return folder


class Bench:
    """The subjects of one workload. Each takes a fresh environment from `prepare`, which is not timed."""

    def __init__(self, folder: Path, work: Path) -> None:
        from envkit.testing.supply import folder_resolution

        self.folder, self.work = folder, work
        parsed = [parse_wheel_filename(path.name) for path in sorted(folder.glob("*.whl"))]
        self.requests = [f"{each[0]}=={each[1]}" for each in parsed]
        self.resolution = folder_resolution(folder, *self.requests)
        self.pool = work / "pool"
        self.supply = self._supply(self.pool)
        self.environ = surroundings(UV_CACHE_DIR=str(work / "uv"), UV_LINK_MODE="hardlink")
        self.opened = ExitStack()
        self._made = 0
        wheels = [wheel for _, wheel in self.supply.wheels(self.resolution.pins.values())]
        self.files = sum(wheel.file_count for wheel in wheels)
        wheels.sort(key=lambda wheel: wheel.file_count)
        self.largest = [wheel.name for wheel in wheels[-2:]]
        self.uv(self.venv())

    @staticmethod
    def _supply(pool: Path) -> Any:
        from envkit.kit.supply import PoolSupply
        from envkit.wheels.pool import WheelPool

        return PoolSupply(_Folder(), WheelPool(pool))

    def venv(self) -> Path:
        """Make a fresh environment. None is removed before the end: ext4 passes over every inode that was freed in the last
        minutes, one by one, whenever it makes a file, so that a removal would be paid for by whoever comes next.
        """
        self._made += 1
        path = self.work / f"env{self._made}"
        command = [program("uv"), "venv", "-q", "--python", sys.executable, str(path)]
        _check(run(command, env=self.environ).returncode)
        return path

    def installer(self, path: Path, **options: Any) -> Any:
        from envkit.environment.environment import Environment
        from envkit.installation.installer import Installer

        return Installer(Environment.open(path), self.supply, "hardlink", **options)

    def envkit(self, installer: Any) -> None:
        installer.apply(installer.plan(self.resolution))

    def uv(self, path: Path, *options: str) -> None:
        command = [program("uv"), "pip", "install", "-q", "--offline", "--no-deps", "--no-index", "--python", str(path)]
        _check(run([*command, "-f", str(self.folder), *options, *self.requests], env=self.environ).returncode)

    def pip(self, path: Path) -> None:
        command = [program("pip"), "--python", str(path), "install", "-q", "--no-deps", "--no-index"]
        _check(run([*command, "-f", str(self.folder), *self.requests], env=self.environ).returncode)

    def part_warm(self) -> tuple[dict[str, Subject], str]:
        return {
            "uv": Subject(self.uv, self.venv),
            "envkit": Subject(self.envkit, lambda: self.installer(self.venv())),
        }, "uv"

    def part_pip(self) -> tuple[dict[str, Subject], str]:
        return {
            "pip": Subject(self.pip, self.venv, rounds=1),
            "envkit": Subject(self.envkit, lambda: self.installer(self.venv())),
        }, "pip"

    def part_swap(self) -> tuple[dict[str, Subject], str]:
        """One more distribution into an environment that is full."""
        last = self.largest[0]

        def full(**options: Any) -> Any:
            installer = self.installer(self.venv(), **options)
            self.envkit(installer)
            installer.uninstall([last])
            return installer

        return {
            "entries": Subject(self.envkit, full),
            "swap": Subject(self.envkit, lambda: full(atomic="swap")),
        }, "entries"

    def part_bytecode(self) -> tuple[dict[str, Subject], str]:
        def without() -> Any:
            return self.installer(self.venv())

        def within() -> Any:
            return self.installer(self.venv(), compile_bytecode=True)

        name = "uv --compile-bytecode"
        return {
            name: Subject(lambda path: self.uv(path, "--compile-bytecode"), self.venv, rounds=3),
            "envkit with bytecode": Subject(self.envkit, within),
            "envkit without": Subject(self.envkit, without),
        }, name

    def part_nothing(self) -> tuple[dict[str, Subject], str]:
        path = self.venv()
        installer = self.installer(path)
        self.envkit(installer)
        return {
            "uv": Subject(lambda: self.uv(path)),
            "envkit": Subject(lambda: self.envkit(installer), loops=5),
        }, "uv"

    def part_uninstall(self) -> tuple[dict[str, Subject], str]:
        def filled_by_uv() -> Path:
            path = self.venv()
            self.uv(path)
            return path

        def filled() -> Any:
            installer = self.installer(self.venv())
            self.envkit(installer)
            return installer

        def uv(path: Path) -> None:
            command = [program("uv"), "pip", "uninstall", "-q", "--python", str(path), *self.largest]
            _check(run(command, env=self.environ).returncode)

        return {
            "uv": Subject(uv, filled_by_uv),
            "envkit": Subject(lambda installer: installer.uninstall(self.largest), filled),
        }, "uv"

    def part_cold(self) -> tuple[dict[str, Subject], str]:
        """From an index on loopback, with empty caches: pages, metadata, downloads, unpacking and links."""
        url = self.opened.enter_context(served(ROOT / "none", wheels=self.folder, max_age=86_400)).url

        def envkit(path: Path) -> None:
            from envkit.environment.environment import Environment
            from envkit.kit.kit import Kit

            kit = Kit(indexes=(url,), cache_dir=path / "cold", link_mode="hardlink")
            kit.install(Environment.open(path), self.requests)

        def uv(path: Path) -> None:
            command = [program("uv"), "pip", "install", "-q", "--python", str(path), "--default-index", url]
            _check(run([*command, "--cache-dir", str(path / "cold"), *self.requests], env=self.environ).returncode)

        return {"uv": Subject(uv, self.venv), "envkit": Subject(envkit, self.venv)}, "uv"


class _Folder:
    """Artifacts of a folder are where their URL says."""

    def fetch(self, artifact: Any) -> Path:
        from urllib.parse import unquote, urlsplit

        return Path(unquote(urlsplit(artifact.url).path))

    def prefetch_files(self, artifacts: Sequence[Any]) -> None:
        """Nothing to begin."""


def _check(returncode: int) -> None:
    if returncode:
        raise RuntimeError(f"exit code {returncode}")


__all__ = ["Bench", "Table", "main"]

if __name__ == "__main__":
    main()
