"""Make a broken environment whole, and keep what is installed in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from envkit.environment.environment import Environment
from envkit.environment.rules import CLAIM, Rules
from envkit.errors import VenvError
from envkit.host import files
from envkit.interpreter.pyvenv import read_config


def remove_programs(path: str, rules: Rules) -> None:
    """Take away the names that the Python of an environment has, so that they are made anew."""
    folder = os.path.join(path, *rules.parts["scripts"])
    own = os.path.basename(rules.interpreter.base.executable)
    for name in (own, *rules.aliases):
        program = os.path.join(folder, name)
        if os.path.islink(program) or os.path.isfile(program):
            files.unlink(program, missing_ok=True)


def prepare(environment: Environment | str | os.PathLike[str], rules: Rules) -> tuple[str, dict[str, Any]]:
    """Give the path of an environment that can be repaired by these rules, and the arguments of a builder of its like.

    What is installed stays where it is, so the interpreter must be of the version that the environment was made for
    (3.11, whichever 3.11 it is). Raises `VenvError` where it is another, or where there is no environment.
    """
    path: str = environment.path if isinstance(environment, Environment) else os.path.abspath(environment)
    config = read_config(path)
    if config is None:
        if not os.path.lexists(os.path.join(path, CLAIM)):
            raise VenvError(f"{path} is not an environment", context={"path": path, "problem": "not-an-environment"})
        config = {}
    made = (config.get("version") or config.get("version_info") or "").split(".")[:2]
    ours = [str(number) for number in rules.version[:2]]
    if len(made) == 2 and made != ours:
        raise VenvError(
            f"{path} was made for Python {'.'.join(made)}, and cannot be repaired with {'.'.join(ours)}",
            hint=f"repair it with a builder for Python {'.'.join(made)}, or create it again",
            context={"path": path, "problem": "other-interpreter"},
        )
    return path, {
        "system_site_packages": config.get("include-system-site-packages", "").lower() == "true",
        "prompt": prompt_of(config),
        "relocatable": config.get("relocatable", "").lower() == "true",
    }


def prompt_of(config: Mapping[str, str]) -> str | None:
    """Give the prompt that a ``pyvenv.cfg`` names: ``venv`` writes it as Python would, other tools as it is."""
    text = config.get("prompt")
    if text is None or text[:1] not in ("'", '"'):
        return text
    import ast

    try:
        prompt = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return prompt if isinstance(prompt, str) else text
