"""Find interpreters on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from envkit.dataclass import dataclass
from envkit.errors import InterpreterError
from envkit.host.processes import inherited
from envkit.interpreter.interpreter import Interpreter
from envkit.interpreter.places import candidates
from envkit.interpreter.spec import Spec, parse_spec
from envkit.interpreter.windows import known_to_windows

if TYPE_CHECKING:
    from concurrent.futures import Future

_WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A program that was passed over; *code* is stable, *reason* is for people."""

    path: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a search found, the best first, and what it passed over."""

    found: tuple[Interpreter, ...]
    skipped: tuple[Skipped, ...]


def find_interpreters(
    spec: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 5.0,
) -> tuple[Interpreter, ...]:
    """Give the interpreters that fit *spec*, the best first; see `discover`, which also tells what was passed over."""
    return discover(spec, env=env, cache_dir=cache_dir, timeout=timeout).found


def discover(
    spec: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 5.0,
) -> Discovery:
    """Search PATH, version managers, active environments, conda, uv, and the registry and launcher of Windows.

    *spec* is a version ("3.12"), a range (">=3.10,<3.13"), "pypy3.10", "3.13t", "3.12-32", or a path; None is any. The
    running interpreter comes first among equals, and newer versions before older; final ones before previews. Environments
    lead to the interpreters that they were made from. Each program that has to be asked gets *timeout* seconds, side by
    side, and all together three times that; *env* are the variables to look at (None: this process's), *cache_dir* keeps
    the answers. Raises `InterpreterError` for a spec that cannot be read.
    """
    wish = parse_spec(spec)
    variables = inherited() if env is None else env
    if wish.path is not None:
        return _at_path(wish.path, variables, cache_dir, timeout)
    current = Interpreter.current()
    windows = known_to_windows(variables, timeout)
    paths = [
        path
        for path in candidates(variables, current.base.executable, windows)
        if wish.may_fit_name(os.path.basename(path))
    ]
    found, skipped = _probe_all(paths, current, variables, cache_dir, timeout)
    return Discovery(found=_choose(found, wish), skipped=tuple(skipped))


def _at_path(
    path: str, variables: Mapping[str, str], cache_dir: str | os.PathLike[str] | None, timeout: float
) -> Discovery:
    try:
        found = Interpreter.probe(path, cache_dir=cache_dir, timeout=timeout, environ=variables)
    except InterpreterError as error:
        return Discovery(found=(), skipped=(_skipped(path, error),))
    return Discovery(found=(found,), skipped=())


def _probe_all(
    paths: list[str],
    current: Interpreter,
    variables: Mapping[str, str],
    cache_dir: str | os.PathLike[str] | None,
    timeout: float,
) -> tuple[list[Interpreter], list[Skipped]]:
    deadline = time.monotonic() + 3 * timeout

    def ask(path: str) -> Interpreter | Skipped:
        left = deadline - time.monotonic()
        if left <= 0:
            return Skipped(path=path, code="no-time", reason=f"{path} was not asked: there was no time left")
        try:
            if path == current.base.executable:
                return current.base
            limit = min(timeout, left)
            return Interpreter.probe(path, cache_dir=cache_dir, timeout=limit, environ=variables).base
        except InterpreterError as error:
            return _skipped(path, error)

    from envkit.interpreter.probe import is_known

    # Asking a pool costs more than remembering.
    ready = {path: ask(path) for path in paths if path == current.base.executable or is_known(path)}
    waiting = [path for path in paths if path not in ready]
    answers: dict[str, Interpreter | Skipped] = dict(ready)
    if waiting:
        from envkit.host.threads import Threads

        with Threads(min(_WORKERS, len(waiting)), "envkit-probe") as executor:
            futures: dict[str, Future[Interpreter | Skipped]] = {path: executor.submit(ask, path) for path in waiting}
            answers.update({path: future.result() for path, future in futures.items()})
    ordered = [answers[path] for path in paths]
    return [one for one in ordered if isinstance(one, Interpreter)], [
        one for one in ordered if isinstance(one, Skipped)
    ]


def _choose(found: list[Interpreter], wish: Spec) -> tuple[Interpreter, ...]:
    kept: dict[object, Interpreter] = {}
    for interpreter in found:
        if wish.fits(interpreter):
            kept.setdefault(_identity(interpreter), interpreter)
    return tuple(sorted(kept.values(), key=_preference))


def _identity(interpreter: Interpreter) -> object:
    """Tell one interpreter under several names; conda has the same file in many installations."""
    try:
        seen = os.stat(interpreter.executable)
    except OSError:
        return interpreter.executable
    return seen.st_dev, seen.st_ino, interpreter.prefix, interpreter.free_threaded, interpreter.debug


def _preference(interpreter: Interpreter) -> tuple[bool, bool, bool, list[int], bool]:
    """Order: CPython, final versions, with the lock, newest; sorting keeps the order of discovery among equals."""
    info = interpreter.core["version_info"]
    return (
        interpreter.implementation != "cpython",
        len(info) > 3 and info[3] != "final",
        interpreter.free_threaded,
        [-number for number in interpreter.version_info],
        interpreter.debug,
    )


def _skipped(path: str, error: InterpreterError) -> Skipped:
    return Skipped(path=path, code=str(error.context.get("reason", error.code)), reason=error.message)
