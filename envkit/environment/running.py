"""Run programs of an environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from envkit.errors import VenvError
from envkit.host import effect
from envkit.host.processes import inherited
from envkit.namedtuple import NamedTuple


class Place(NamedTuple):
    """Where programs run: *variable* is the one that names the *root* of an active environment of this kind."""

    root: str
    scripts: str
    executable: str
    variable: str | None


def active_variables(place: Place, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the variables that activation would leave: PATH, VIRTUAL_ENV, and no PYTHONHOME."""
    found = dict(environ) if environ is not None else inherited()
    found.pop("PYTHONHOME", None)
    found["PATH"] = os.pathsep.join([place.scripts, found["PATH"]]) if found.get("PATH") else place.scripts
    if place.variable is not None:
        found[place.variable] = place.root
    return found


def run(
    place: Place,
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Run a program; see `Environment.run`."""
    if isinstance(command, str):
        raise VenvError("a command is a list of words, not one text", hint="shlex.split(text) gives such a list")
    words = [os.fspath(word) for word in command]
    if not words:
        raise VenvError("there is no program to run: the command is empty")
    variables = active_variables(place, environ)
    words[0] = _program(place, words[0])
    options.setdefault("check", False)
    effect("process", words[0])
    options.update(env=variables, timeout=timeout)
    try:
        return subprocess.run(words, **options)  # noqa: PLW1510  # pyright: ignore[reportUnknownVariableType]
    except FileNotFoundError as error:
        if os.path.exists(place.executable):
            raise  # a program that is not there, or a folder to run it in
        raise VenvError(
            f"{place.executable} is gone: nothing can be run in {place.root}",
            hint="EnvBuilder.repair() makes an environment whole, or create it again",
            context={"path": place.root, "problem": "interpreter-gone"},
        ) from error


def _program(place: Place, name: str) -> str:
    if os.path.dirname(name):
        return name
    if name in ("python", "python3", "python.exe"):
        return place.executable
    folder = place.scripts
    for ending in ("", ".exe", ".cmd", ".bat") if os.name == "nt" else ("",):
        path = os.path.join(folder, name + ending)
        if os.path.isfile(path):
            return path
    return name
