"""Open what is there: tell which tool made an environment, and what is wrong with a broken one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from envkit.environment.rules import CLAIM
from envkit.errors import InterpreterError, VenvError
from envkit.interpreter.interpreter import Interpreter
from envkit.interpreter.pyvenv import CONFIG, base_executables, environment_of, python_in, read_config
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Found(NamedTuple):
    """What an `Environment` is made of."""

    path: str
    interpreter: Interpreter
    config: Mapping[str, str]
    kind: str


_PATIENCE = 0.5  # seconds to wait for one that is being made, which takes milliseconds
_REPAIR = "EnvBuilder.repair() makes it whole, or create it again"


def recover(root: str) -> None:
    """Bring to an end what was cut off in an environment; next to nothing where there is nothing to do."""
    from envkit.transaction.recovery import recover as recover_transaction

    recover_transaction(root)


def open_environment(
    path: str,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    claimed: bool = False,
) -> Found:
    """Open an environment; see `Environment.open`. With *claimed* the caller holds the claim on it."""
    if os.path.isfile(path):
        root = environment_of(path)
        if root is None:
            return _system(_probe_installation(path, path, cache_dir, environ))
        path = root
    if not os.path.isdir(path):
        raise _problem(path, "missing", f"there is no environment at {path or repr('')}", hint="create it first")
    config = read_config(path)
    if not claimed:
        check_finished(path)
    recover(path)
    if config is None:
        return _open_installation(path, cache_dir, environ)
    python = python_in(path)
    if python is None:
        if not any(os.path.isfile(base) for base in base_executables(path, os.path.join(path, "bin", "python"))):
            raise _problem(path, "interpreter-gone", f"the interpreter that {path} was made from is gone", hint=_REPAIR)
        raise _problem(path, "interpreter-gone", f"{path} has a {CONFIG} and no Python", hint=_REPAIR)
    try:
        interpreter = _probe_in(path, python, cache_dir, environ)
    except InterpreterError as error:
        raise _problem(path, "interpreter-gone", f"{path} cannot be used: {error.message}", hint=_REPAIR) from error
    environment = Found(path, interpreter, config, kind_of(config))
    problem = find_problem(environment)
    if problem is not None:
        raise _problem(path, problem[0], f"{path} {problem[1]}", hint=_REPAIR)
    return environment


def _probe_in(
    path: str, python: str, cache_dir: str | os.PathLike[str] | None, environ: Mapping[str, str] | None
) -> Interpreter:
    """Probe an environment's Python; one that was made from the running one need not be asked, not even a copy."""
    own = Interpreter.current()
    real = os.path.realpath(own.base.executable)
    if os.path.realpath(python) == real:
        return own.base.in_environment(path, python)
    if os.path.isfile(python) and os.access(python, os.X_OK):
        there = (base for base in base_executables(path, python) if os.path.isfile(base) and base != python)
        if os.path.realpath(next(there, "")) == real:
            return own.base.in_environment(path, python)
    return Interpreter.probe(python, cache_dir=cache_dir, environ=environ)


def check_there(path: str, kind: str, executable: str) -> None:
    """Raise `VenvError` where an environment that was opened is there no more; one `os.stat` where it is."""
    mark = {"conda": "conda-meta", "system": ""}.get(kind, CONFIG)
    if os.path.exists(os.path.join(path, mark)):
        return
    if not os.path.isdir(path):
        raise _problem(path, "missing", f"there is no environment at {path} any more", hint="open it where it is now")
    if mark == CONFIG and environment_of(executable) is not None:
        return  # PEP 405 allows the file beside the executable too
    raise _problem(path, "not-an-environment", f"{path} is not an environment any more")


def kind_of(config: Mapping[str, str]) -> str:
    """Tell from its keys which tool wrote a ``pyvenv.cfg``."""
    if "uv" in config:
        return "uv"
    if "virtualenv" in config:
        return "virtualenv"
    return "venv"


def check_finished(path: str) -> None:
    """Raise `VenvError` where an environment is being made, or where that was cut off."""
    marker = os.path.join(path, CLAIM)
    if not os.path.lexists(marker):
        return
    from envkit.host.claims import holder

    deadline = time.monotonic() + _PATIENCE
    process = holder(marker)
    while process is not None and time.monotonic() < deadline:
        time.sleep(0.005)
        process = holder(marker)
    if process is not None:
        raise _problem(path, "being-made", f"{path} is being made by process {process}", hint="wait for it")
    if os.path.lexists(marker):
        raise _problem(
            path, "unfinished", f"the making of {path} was cut off", hint="create it again: that completes it"
        )


def find_problem(environment: Found) -> tuple[str, str] | None:
    """Compare an environment with the interpreter that it has now."""
    config = environment.config
    version = config.get("version") or config.get("version_info") or ""
    made = version.split(".")[:2]
    now = environment.interpreter.version.split(".")[:2]
    if len(made) == 2 and made != now:
        return (
            "interpreter-changed",
            f"was made for Python {'.'.join(made)}, but its interpreter is {environment.interpreter.version} now",
        )
    if not os.path.isdir(environment.interpreter.paths["purelib"]):
        return "no-site-packages", "has no site-packages"
    return None


def _open_installation(path: str, cache_dir: str | os.PathLike[str] | None, environ: Mapping[str, str] | None) -> Found:
    python = python_in(path)
    conda = os.path.isdir(os.path.join(path, "conda-meta"))
    if python is None:
        what = "a conda environment without a Python" if conda else "not an environment"
        raise _problem(path, "not-an-environment", f"{path} is {what}", hint=f"there is no {CONFIG} in it")
    interpreter = _probe_installation(path, python, cache_dir, environ)
    if conda:
        return Found(path, interpreter, {}, "conda")
    return _system(interpreter)


def _probe_installation(
    path: str, python: str, cache_dir: str | os.PathLike[str] | None, environ: Mapping[str, str] | None
) -> Interpreter:
    try:
        return Interpreter.probe(python, cache_dir=cache_dir, environ=environ)
    except InterpreterError as error:
        raise _problem(path, "not-an-environment", f"{path} is not an environment: {error.message}") from error


def _system(interpreter: Interpreter) -> Found:
    root = interpreter.prefix
    if interpreter.is_environment:
        config = read_config(root) or {}
        return Found(root, interpreter, config, kind_of(config))
    recover(root)
    kind = "conda" if os.path.isdir(os.path.join(root, "conda-meta")) else "system"
    return Found(root, interpreter, {}, kind)


def current_environment() -> Found:
    """Open what the running Python is in; see `Environment.current`."""
    interpreter = Interpreter.current()
    if interpreter.is_environment:
        recover(interpreter.prefix)
    return _system(interpreter)


def _problem(path: str, problem: str, message: str, hint: str | None = None) -> VenvError:
    return VenvError(message, hint=hint, context={"path": path, "problem": problem})
