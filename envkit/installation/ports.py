"""What the installer needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol, cast

from envkit.model.distribution import CompiledWheel, LocalWheel
from envkit.model.resolution import Pin


class InterpreterFacts(Protocol):
    """The interpreter that an environment runs; *executable* is what scripts start."""

    @property
    def executable(self) -> str:
        """The path that scripts start."""
        ...

    @property
    def version(self) -> str:
        """The full version."""
        ...

    @property
    def implementation(self) -> str:
        """The name in lower case: cpython, pypy."""
        ...


class EnvironmentLike(Protocol):
    """A place to install into; *paths* has the keys of `sysconfig` (purelib, platlib, scripts, data, stdlib)."""

    @property
    def root(self) -> Path:
        """The folder of the environment."""
        ...

    @property
    def interpreter(self) -> InterpreterFacts:
        """What it runs."""
        ...

    @property
    def paths(self) -> Mapping[str, str]:
        """Destinations by scheme."""
        ...

    @property
    def externally_managed(self) -> str | None:
        """The message of whoever manages it (PEP 668)."""
        ...


class WheelSupply(Protocol):
    """Gives verified wheels for pins."""

    def wheels(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel]]:
        """Yield each pin with its wheel, in any order, as they become ready.

        Called before anything is written, and once more for pins whose wheel turned out to be damaged since. Raises
        errors of envkit's tree; when it raises, nothing has been changed.
        """
        ...

    def compiled(self, wheels: Sequence[LocalWheel], interpreter: InterpreterFacts) -> Mapping[str, CompiledWheel]:
        """Give the bytecode of *wheels* for an interpreter, by the sha256 of their archives.

        Called only where bytecode is wanted. A wheel may be missing in the answer: it is installed without.
        """
        ...


class LeasedSupply(WheelSupply, Protocol):
    """A supply whose wheels others may remove. A supply need not be one: then wheels that went away are asked for again."""

    @property
    def lease(self) -> Callable[[Callable[[float], object]], AbstractContextManager[object]]:
        """What keeps wheels where they are, from before the first is asked for until all are in place.

        It is given a function that waits for so many seconds, and may raise to give up.
        """
        ...


class UnlookedSupply(WheelSupply, Protocol):
    """A supply that can leave to the installer the look at each file of a wheel. A supply need not be one."""

    def unlooked(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel, bool]]:
        """Do as `wheels`, but files of unpacked wheels may have changed since; yields whether they certainly have not.

        The installer compares them with the manifest before anything is moved in, and asks for `wheels` where they differ.
        """
        ...


def lease_of(supply: WheelSupply | None, pause: Callable[[float], object]) -> AbstractContextManager[object]:
    """Give the lease of a `LeasedSupply`, else one that does nothing."""
    return cast(LeasedSupply, supply).lease(pause) if hasattr(supply, "lease") else nullcontext()
