"""Where things are done: what a caller gives as an environment or a target, checked."""

from __future__ import annotations

from typing import Any, TypeAlias

from envkit.environment.environment import Environment
from envkit.errors import VenvError
from envkit.interpreter.interpreter import Interpreter
from envkit.model.target import Target

Place: TypeAlias = Environment | Interpreter | Target
_SHOWN = 80


def as_environment(place: Any) -> Environment:
    """Give *place* if it is an environment. Raises `VenvError`: a path is the usual mistake, and need not be one."""
    if isinstance(place, Environment):
        return place
    raise _misplaced("an Environment", place)


def as_target(place: Any) -> Target:
    """Give the target that an environment, an interpreter or a target stands for. Raises `VenvError`."""
    return place if isinstance(place, Target) else Target.of(interpreter_of(place))


def interpreter_of(place: Any) -> Interpreter:
    """Give the interpreter that builds for *place*: its own, for a mere target the running one. Raises `VenvError`."""
    if isinstance(place, Target):
        return Interpreter.current()
    if isinstance(place, Environment):
        return place.interpreter
    if isinstance(place, Interpreter):
        return place
    raise _misplaced("an Environment, Interpreter or Target", place)


def _misplaced(wanted: str, place: Any) -> VenvError:
    text = repr(place)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return VenvError(
        f"{wanted} is needed here, not {shown}",
        hint="Environment.open(path) opens an environment, Kit.create(path) makes one"
        + ("; Target.for_python(version, platform=...) describes a machine" if "Target" in wanted else ""),
        context={"type": type(place).__name__},
    )
