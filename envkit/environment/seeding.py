"""Put pip into an environment: the one that the target's ``ensurepip`` bundles, without the network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from envkit.environment.environment import Environment
from envkit.errors import VenvError
from envkit.interpreter.interpreter import Interpreter

if TYPE_CHECKING:
    from envkit.environment.ports import Seeder

RunPython: TypeAlias = Callable[..., object]
_MAX_SOURCE = 256 * 1024
_VERSION = re.compile(r"""^_(PIP|SETUPTOOLS)_VERSION = ["']([^"']+)["']""", re.MULTILINE)


def bundled_wheels(interpreter: Interpreter, names: Sequence[str]) -> tuple[str, ...]:
    """Give the wheels that the interpreter's ``ensurepip`` would install, in that order; empty where it has them not.

    A distributor may keep them in a folder of its own (``WHEEL_PKG_DIR``), which counts only if all are there.
    """
    facts = interpreter.base.facts["details"]
    shared = facts["variables"].get("WHEEL_PKG_DIR")
    stdlib = os.path.join(str(facts["paths"]["stdlib"]), "ensurepip")
    folders = [str(shared)] if shared else []
    if os.path.isfile(os.path.join(stdlib, "__init__.py")):
        folders.append(os.path.join(stdlib, "_bundled"))
        if not shared:
            folders.append("/usr/share/python-wheels")  # where Debian's ensurepip looks, without saying so
    versions = _versions(os.path.join(stdlib, "__init__.py"))
    for folder in folders:
        found = [_find(folder, name, versions.get(name)) for name in names]
        if all(found):
            return tuple(path for path in found if path is not None)
    return ()


def _versions(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as stream:
            return {name.lower(): version for name, version in _VERSION.findall(stream.read(_MAX_SOURCE))}
    except (OSError, UnicodeError):
        return {}


def _find(folder: str, name: str, version: str | None) -> str | None:
    try:
        files = sorted(os.listdir(folder))
    except OSError:
        return None
    fitting = [file for file in files if file.startswith(f"{name}-") and file.endswith(".whl")]
    exact = [file for file in fitting if version is not None and file.startswith(f"{name}-{version}-")]
    chosen = exact or fitting
    return os.path.join(folder, chosen[-1]) if chosen else None


def seed(environment: Environment, seeder: Seeder | None, names: Sequence[str], run_python: RunPython) -> None:
    """Install what ``ensurepip`` brings. Raises `VenvError` where there is nothing to install it from."""
    wheels = bundled_wheels(environment.interpreter, names)
    if seeder is not None:
        if wheels:
            seeder.install_wheels(environment, wheels)
        else:
            seeder.install_latest(environment, tuple(reversed(names)))
        return
    if not wheels:
        raise VenvError(
            f"{environment.interpreter.base.executable} has no ensurepip to take pip from",
            hint="install the part of the distribution that has it (python3-venv on Debian), or create without pip",
            context={"path": environment.path, "problem": "no-ensurepip"},
        )
    _run(environment, run_python, "-m", "ensurepip", "--upgrade", "--default-pip")


def upgrade(environment: Environment, seeder: Seeder | None, names: Sequence[str], run_python: RunPython) -> None:
    """Upgrade what ``ensurepip`` brings to the newest versions."""
    if seeder is not None:
        seeder.install_latest(environment, names)
    else:
        _run(environment, run_python, "-m", "pip", "install", "--upgrade", *names)


def _run(environment: Environment, run_python: RunPython, *arguments: str) -> None:
    import subprocess

    try:
        run_python(*arguments, stderr=subprocess.STDOUT)
    except subprocess.CalledProcessError as error:
        output = error.output.decode("utf-8", "replace") if isinstance(error.output, bytes) else str(error.output)
        raise VenvError(
            f"{' '.join(arguments[:2])} failed in {environment.path}",
            context={"path": environment.path, "problem": "seeding", "output": output[-4000:]},
        ) from error
