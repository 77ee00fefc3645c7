"""``python -m benchmarks.building``: a pure-Python sdist to an installed distribution, against pip and uv, in turns.

Two tables for each backend, all caches warm (pages, build requirements, environments made beforehand). "anew": every
round has an sdist that nobody has seen, so each subject has to build. "again": the same sdist as before; uv and envkit
keep the wheel, pip does not for local files. Build requirements come from one loopback index, which lets everyone keep
its pages for ten minutes; the wheels in it are fetched from PyPI before.
"""

from __future__ import annotations

import argparse
import gzip
import io
import itertools
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.processes import run, surroundings
from benchmarks.timing import Subject, interleave
from envkit.testing.loopback import LoopbackIndex

BACKENDS = {
    "flit": '[build-system]\nrequires = ["flit_core>=3.8,<4"]\nbuild-backend = "flit_core.buildapi"\n',
    "setuptools": '[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n',
    "hatchling": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
}
REQUIREMENTS = {"flit": "flit_core>=3.8,<4", "setuptools": "setuptools>=61", "hatchling": "hatchling"}
PROJECT = '[project]\nname = "demo-project"\nversion = "1.0"\ndescription = "for timing"\n'
_salts = itertools.count()


def fetch_wheels(backend: str) -> dict[str, bytes]:
    """Give the wheels that the backend needs, by file name."""
    from envkit.interpreter.interpreter import Interpreter
    from envkit.kit.kit import Kit

    with Kit() as kit:
        resolution = kit.resolve([REQUIREMENTS[backend]], target=Interpreter.current())
        artifacts = [pin.artifacts[0] for pin in resolution.pins.values()]
        return {artifact.filename: kit._parts.client.fetch(artifact).read_bytes() for artifact in artifacts}  # noqa: SLF001


def make_sdist(folder: Path, backend: str, salt: object) -> Path:
    """Write an sdist of one small package; another *salt* makes other content."""
    files = {
        "pyproject.toml": BACKENDS[backend] + PROJECT,
        "PKG-INFO": "Metadata-Version: 2.2\nName: demo-project\nVersion: 1.0\n\n",
        "demo_project/__init__.py": f'"""For timing."""\n\nSALT = "{salt}"\n',
        **{f"demo_project/part{number}.py": f"value = {number}\n" for number in range(20)},
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"demo_project-1.0/{name}")
            member.size, member.mtime = len(text.encode()), 1_500_000_000
            archive.addfile(member, io.BytesIO(text.encode()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "demo_project-1.0.tar.gz"
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


class Bench:
    """The subjects, each with a cache of its own below *folder*."""

    def __init__(self, folder: Path, backend: str, url: str, *, anew: bool) -> None:
        from envkit.kit.kit import Kit

        self.folder = folder
        self.backend = backend
        self.anew = anew
        self.fixed = make_sdist(folder / "fixed", backend, "fixed")
        self.url = url
        self.kit = Kit(indexes=[url], cache_dir=folder / "envkit-cache")

    def prepare(self) -> tuple[Path, Path]:
        """Give an empty environment and the sdist of this round."""
        from envkit.environment.builder import EnvBuilder

        place = Path(tempfile.mkdtemp(dir=self.folder))
        EnvBuilder(symlinks=True).create(place / "env")
        sdist = make_sdist(place, self.backend, next(_salts)) if self.anew else self.fixed
        return place / "env", sdist

    def envkit(self, given: tuple[Path, Path]) -> Path:
        """Install in this process."""
        from envkit.environment.environment import Environment

        env, sdist = given
        self.kit.install(Environment.open(env), [sdist])
        return env

    def process(self, *command: str) -> Callable[[tuple[Path, Path]], Path]:
        """Give a subject that is a program."""

        def install(given: tuple[Path, Path]) -> Path:
            env, sdist = given
            python = str(env / "bin" / "python")
            ended = run([*command, "--index-url", self.url, "--python", python, str(sdist)], env=surroundings())
            if ended.returncode:
                raise RuntimeError(ended.stderr[-300:])
            return env

        return install

    @staticmethod
    def check(env: Path) -> None:
        """Every subject has to have installed it."""
        found = list(env.glob("lib/*/site-packages/demo_project/part19.py"))
        if not found:
            raise RuntimeError("not installed")
        shutil.rmtree(env.parent)

    def subjects(self) -> dict[str, Any]:
        """Give the subjects by name."""
        uv = shutil.which("uv") or "uv"
        pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--cache-dir", str(self.folder / "pip-cache")]
        runs = {
            "envkit": self.envkit,
            "uv": self.process(uv, "pip", "install", "--quiet", "--cache-dir", str(self.folder / "uv-cache")),
            "pip": self._pip(pip),
        }
        return {name: Subject(call, self.prepare, self.check) for name, call in runs.items()}

    def _pip(self, base: list[str]) -> Callable[[tuple[Path, Path]], Path]:
        def install(given: tuple[Path, Path]) -> Path:
            env, sdist = given
            python = str(env / "bin" / "python")
            command = [*base, "--python", python, "install", "--index-url", self.url, str(sdist)]
            ended = run(command, env=surroundings())
            if ended.returncode:
                raise RuntimeError(ended.stderr[-300:])
            return env

        return install


def main(arguments: list[str]) -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.building", description=main.__doc__)
    parser.add_argument("backends", nargs="*", help=f"of {', '.join(BACKENDS)}; all without any")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    for backend in options.backends or BACKENDS:
        wheels = fetch_wheels(backend)
        for anew in (True, False):
            with tempfile.TemporaryDirectory() as folder, LoopbackIndex(wheels, max_age=600) as index:
                bench = Bench(Path(folder), backend, index.url, anew=anew)
                table = interleave(bench.subjects(), rounds=options.rounds, warmup=1)
                bench.kit.close()
            print(table.markdown("uv", f"{backend}, {'anew' if anew else 'again'}"))
            if all(row.error is None for row in table.rows.values()):
                print(
                    f"\nenvkit / uv {table.ratio('envkit', 'uv'):.2f}, pip / envkit {table.ratio('pip', 'envkit'):.1f}\n"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
