"""``python -m benchmarks.listing``: list and freeze an environment of 100 distributions, against uv, pip and importlib.

The environment is made of generated wheels whose metadata is as long as that of usual projects. A "first" row is a process
that starts, imports what it needs and lists once; "first call" is what the first call in such a process takes alone. A
repeated call reads every file again, but what their texts mean is known by their content.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import envkit
from benchmarks import machine
from benchmarks.timing import Subject, Timed, interleave
from envkit.testing.wheels import make_wheel

COUNT = 100
FIELDS = {
    "Summary": "one of the distributions that are listed",
    "Author-email": "Someone <someone@example.org>",
    "License-Expression": "MIT",
    "Description-Content-Type": "text/markdown",
    "Project-URL": "Source, https://example.org/source",
    "Classifier": "\nClassifier: ".join(f"Programming Language :: Python :: 3.{minor}" for minor in range(8, 15)),
}
FIRST = """\
import sys, time
sys.path.insert(0, {root!r})
import envkit
from envkit.inspection.freezer import Freezer
env = envkit.Environment.open({env!r})
start = time.perf_counter()
env.distributions()
print(time.perf_counter() - start)
"""


def make_environment(folder: Path) -> envkit.Environment:
    """Make the environment: each distribution needs some of the others."""
    links = folder / "links"
    links.mkdir()
    names = [f"project-{number:03}" for number in range(COUNT)]
    for number, name in enumerate(names):
        needed = [f"{other}>=1.0; python_version >= '3.8'" for other in names[number + 1 : number + 7]]
        make_wheel(
            links, name, f"1.{number}", requires=needed, extras={"test": ["pytest", "other-tool"]}, fields=FIELDS
        )
    with envkit.Kit(indexes=(), find_links=(links,), cache_dir=folder / "cache") as kit:
        env = kit.create(folder / "env")
        kit.install(env, names)
    return env


def first_call(env: envkit.Environment) -> Timed:
    """Give what the first call takes in a process of its own."""
    code = FIRST.format(root=str(Path(__file__).parents[1]), env=str(env.root))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Timed(float(done.stdout))


def process(*command: str) -> Callable[[], Any]:
    """Give a function that runs a program."""
    return lambda: subprocess.run(command, check=True, capture_output=True)


def importlib_list(env: envkit.Environment) -> list[tuple[str, str]]:
    """List as a Python program does that knows only the standard library."""
    found = importlib.metadata.distributions(path=[env.paths["purelib"]])
    return [(one.metadata["Name"], one.version) for one in found]


def main(arguments: list[str]) -> None:
    """Print one table for listing and one for freezing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listing", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args(arguments)
    print(machine.markdown(machine.facts()))
    with tempfile.TemporaryDirectory() as folder:
        env = make_environment(Path(folder))
        freezer = envkit.Freezer(env)
        assert len(env.distributions()) == len(freezer.freeze()) == COUNT
        python = str(env.executable)
        pip = (sys.executable, "-m", "pip", "--python", python)
        for title, subjects in (
            (
                f"list {COUNT}",
                {
                    "envkit, repeated call": Subject(env.distributions, loops=5),
                    "envkit, first call": Subject(lambda: first_call(env)),
                    "importlib.metadata, repeated call": Subject(lambda: importlib_list(env)),
                    "uv pip list": Subject(process("uv", "pip", "list", "--python", python)),
                    "pip list": Subject(process(*pip, "list"), rounds=3),
                },
            ),
            (
                f"freeze {COUNT}",
                {
                    "envkit, repeated call": Subject(freezer.freeze, loops=5),
                    "uv pip freeze": Subject(process("uv", "pip", "freeze", "--python", python)),
                    "pip freeze": Subject(process(*pip, "freeze"), rounds=3),
                },
            ),
        ):
            print(interleave(subjects, rounds=options.rounds).markdown("envkit, repeated call", title), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
