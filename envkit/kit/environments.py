"""Make environments for whatever names a Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from envkit.environment.environment import Environment
from envkit.errors import InterpreterError
from envkit.interpreter.interpreter import Interpreter

if TYPE_CHECKING:
    from envkit.kit.parts import Parts


def create(parts: Parts, path: str | os.PathLike[str], python: Any, options: dict[str, Any]) -> Environment:
    """Make an environment; see `envkit.Kit.create`."""
    from envkit.kit.env_builder import EnvBuilder

    # what `python -m venv` does where the class itself is more careful
    options = {"symlinks": os.name != "nt", "scm_ignore_files": ("git",), **options}
    return EnvBuilder(interpreter=choose_interpreter(parts, python), parts=parts, **options).create(path)


def choose_interpreter(parts: Parts, python: Any) -> Interpreter:
    """Give the interpreter that *python* names; of several the newest."""
    if python is None:
        return Interpreter.current()
    if isinstance(python, Interpreter):
        return python
    facts = os.path.join(parts.cache_dir, "interpreters")
    if not isinstance(python, str) or os.path.sep in python:
        return Interpreter.probe(python, cache_dir=facts)
    from envkit.interpreter.discovery import find_interpreters

    found = find_interpreters(python, env=os.environ, cache_dir=facts)
    if not found:
        raise InterpreterError(
            f"no interpreter for {python!r} was found",
            hint="install it, or give the path of its executable",
            context={"spec": python},
        )
    return found[0]
