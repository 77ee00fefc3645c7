"""What a CI job does before its tests: make ``.venv`` or use the one that is there, and sync it to a requirements file.

    python ci_setup.py requirements.txt [--directory FOLDER]

The second run finds nothing to do and takes milliseconds. Whatever goes wrong ends in one readable paragraph and the exit
status 1, and the environment is as it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import envkit
from envkit.formats import requirements_txt


def prepare(requirements: Path, folder: Path) -> envkit.InstallReport:
    """Bring ``folder/.venv`` to exactly what *requirements* asks for."""
    kit = envkit.Kit.from_environment()
    path = folder / ".venv"
    try:
        env = envkit.Environment.open(path)
    except envkit.VenvError:
        env = kit.create(path)
    wanted = requirements_txt.read_requirements(requirements)
    return kit.sync(env, kit.resolve([wanted], target=env))


def main() -> int:
    """Read the arguments, do the work, say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--directory", type=Path, default=Path())
    arguments = parser.parse_args()
    try:
        report = prepare(arguments.requirements, arguments.directory)
    except envkit.EnvkitError as error:
        print(f"error[{error.code}]: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    print(f"{len(report.added)} added, {len(report.replaced)} replaced, {len(report.removed)} removed, ", end="")
    print(f"{len(report.kept)} kept in {sum(report.seconds.values()):.3f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
