"""``python -m benchmarks.environments``: make environments and find interpreters, against uv and the standard library.

Prints a Markdown table for each bar, and the bars with what was measured. Programs run as users run them: compiled to
bytecode once, in a fresh process where that is what is timed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.timing import Subject, Table, interleave, seconds
from envkit.interpreter import discovery, probe
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.env_builder import EnvBuilder

ROOT = str(Path(__file__).parents[1])
FRESH = "import envkit; envkit.create({!r})"


class Folders:
    """Gives fresh names for environments.

    The environments stay until the end: ext4 looks at every file removed in the last minutes before it makes a new one,
    so removing one just before the next is timed makes that slower, for all peers; *remove* does it all the same.
    """

    def __init__(self, root: str, *, remove: bool = False) -> None:
        self._root = root
        self._remove = remove
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return os.path.join(self._root, f"env{self._count}")

    def subject(self, run: Callable[[str], Any], **options: Any) -> Subject:
        last: list[str] = []

        def prepare() -> str:
            for path in last if self._remove else ():
                shutil.rmtree(path, ignore_errors=True)
            last[:] = [self.name()]
            return last[0]

        return Subject(run, prepare=prepare, **options)


def command(*words: str) -> Callable[[str], None]:
    """Give a function that runs a program on a folder."""
    environ = {**os.environ, "PYTHONPATH": ROOT}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(path: str) -> None:
        filled = [word.replace("{}", path) if word != FRESH else FRESH.format(path) for word in words]
        subprocess.run(filled, check=True, capture_output=True, env=environ)

    return run


def started(python: str) -> str:
    """Give the Python to start for *python*: the one that runs this where both are of one kind, so that all start alike.

    What an installation's own site-packages run at each start (``.pth`` files) is not the work of any peer.
    """
    return sys.executable if python == Interpreter.current().base.executable else python


def empty(folders: Folders, python: str) -> str:
    """Give the Python of an environment with nothing in it, for all that is timed as a fresh process.

    A developer's own environment runs hooks at each start (``.pth`` files of setuptools and coverage take a fifth of it),
    which are nobody's work here.
    """
    return EnvBuilder(symlinks=True, interpreter=python).create(folders.name()).executable


def bare(root: str) -> None:
    """Make as many folders, files and links as an environment has, and nothing else: what the file system takes."""
    inner = ("include", "include/python3", "lib", "lib/python3", "lib/python3/site-packages", "bin")
    for name in ("", *inner):
        os.mkdir(os.path.join(root, name))
    for name in ("lib64", "bin/python", "bin/python3", "bin/python3.x"):
        os.symlink("lib", os.path.join(root, name))
    for number in range(9):
        with open(os.path.join(root, "bin", str(number)), "wb", buffering=0) as stream:
            stream.write(b"#" * 1300)


def create(folders: Folders, python: str, uv: str, rounds: int) -> Table:
    """Make environments without pip."""
    builder = EnvBuilder(symlinks=True, interpreter=python)
    fresh = empty(folders, python)
    return interleave(
        {
            "envkit, in process": folders.subject(builder.create),
            "envkit, fresh process": folders.subject(command(fresh, "-c", FRESH)),
            "uv venv": folders.subject(command(uv, "venv", "-q", "--offline", "-p", python, "{}")),
            "python -m venv --without-pip": folders.subject(command(fresh, "-m", "venv", "--without-pip", "{}")),
            "such a tree by bare calls": folders.subject(bare),
            "python -c pass": Subject(lambda: command(fresh, "-c", "pass")("")),
        },
        rounds=rounds,
    )


def with_pip(folders: Folders, python: str, uv: str, rounds: int, cache: str) -> Table:
    """Make environments with pip."""
    from envkit.kit.parts import Parts
    from envkit.kit.settings import Settings

    builder = EnvBuilder(symlinks=True, with_pip=True, interpreter=python, parts=Parts(Settings(cache_dir=cache)))
    return interleave(
        {
            "envkit, in process": folders.subject(builder.create),
            "python -m venv": folders.subject(command(started(python), "-m", "venv", "{}")),
            "uv venv --seed": folders.subject(command(uv, "venv", "-q", "--seed", "-p", python, "{}")),
        },
        rounds=rounds,
    )


def discover(rounds: int, cache: str) -> tuple[Table, int]:
    """Find all interpreters: cold, remembered on disk, and remembered in the process; and probe the slowest alone."""
    found = discovery.find_interpreters(cache_dir=cache)

    def forget() -> None:
        probe._known.clear()  # noqa: SLF001  the state of a fresh process
        probe._refused.clear()  # noqa: SLF001

    def prepare_cold() -> str:
        forget()
        return tempfile.mkdtemp(dir=cache)

    subjects: dict[str, Subject] = {
        "discovery, cold": Subject(lambda folder: discovery.discover(cache_dir=folder), prepare=prepare_cold),
        "discovery, known on disk": Subject(
            lambda _: discovery.discover(cache_dir=cache), prepare=lambda: (forget(), cache)[1]
        ),
        "discovery, known": Subject(lambda: discovery.discover(cache_dir=cache)),
        "one probe, known": Subject(lambda: Interpreter.probe(found[0].executable), loops=100),
    }
    for one in found:
        path = one.executable
        subjects[f"probe of {path}"] = Subject(
            lambda _, path=path: Interpreter.probe(path), prepare=lambda: (forget(), None)[1]
        )
    return interleave(subjects, rounds=rounds), len(found)


def main(arguments: list[str]) -> None:
    """Time all of it, and print Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--slow-rounds", type=int, default=7, help="of environments with pip, and of discovery")
    parser.add_argument("--python", default=Interpreter.current().base.executable)
    parser.add_argument("--folder", help="where environments are made; the default is the folder for temporary files")
    parser.add_argument("--remove", action="store_true", help="remove each environment before the next is made")
    parser.add_argument("--only", choices=("create", "pip", "discovery"), help="one table instead of all")
    options = parser.parse_args(arguments)
    uv = shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv") or "uv"
    with tempfile.TemporaryDirectory(dir=options.folder) as root:
        cache = os.path.join(root, "cache")
        os.mkdir(cache)
        folders = Folders(root, remove=options.remove)
        print(machine.markdown(machine.facts()), end="\n\n")
        bars: list[tuple[str, str, str]] = []
        if options.only in (None, "create"):
            plain = create(folders, options.python, uv, options.rounds)
            print(plain.markdown("uv venv", "create without pip"), end="\n\n")
            ours, fresh = "envkit, in process", "envkit, fresh process"
            bars += [
                ("in process, facts known", "2 ms", seconds(plain[ours].median)),
                ("in process / uv venv", "0.1", f"{plain.ratio(ours, 'uv venv'):.3f}"),
                ("fresh process / venv", "0.333", f"{plain.ratio(fresh, 'python -m venv --without-pip'):.3f}"),
            ]
        if options.only in (None, "pip"):
            pip = with_pip(folders, options.python, uv, options.slow_rounds, cache)
            print(pip.markdown("python -m venv", "create with pip"), end="\n\n")
            bars.append(("with pip / venv", "0.05", f"{pip.ratio('envkit, in process', 'python -m venv'):.3f}"))
        if options.only in (None, "discovery"):
            search, count = discover(options.slow_rounds, cache)
            print(search.markdown("discovery, cold", f"discovery of {count} interpreters"), end="\n\n")
            slowest = max(row.median for name, row in search.rows.items() if name.startswith("probe of"))
            bars += [
                ("cold discovery / slowest probe", "3", f"{search['discovery, cold'].median / slowest:.2f}"),
                ("discovery, known", "5 ms", seconds(search["discovery, known"].median)),
            ]
    print("| bar | aim | measured |\n|---|---|---|")
    for bar in bars:
        print("| " + " | ".join(bar) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
