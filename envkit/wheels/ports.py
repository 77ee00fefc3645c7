"""What building needs from outside: environments with the build requirements in them.

A build needs an environment, an environment needs a resolution and an installation, and those may need builds. The knot
is cut here: ``envkit.kit.builds`` implements these protocols with the other layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class BuildRequirements(Protocol):
    """Build requirements as resolved; *fingerprint* is equal for equal choices of files only."""

    @property
    def fingerprint(self) -> str:
        """What a cache of built wheels is keyed by."""
        ...


class BuildEnvironment(Protocol):
    """A place where a backend can be imported. *python* is run as it is; *scripts* comes first on its PATH."""

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        ...

    @property
    def scripts(self) -> str | None:
        """The folder of its programs."""
        ...

    def update(self, requirements: BuildRequirements) -> None:
        """Make these requirements, which include the ones before, be there. Called at most once."""
        ...

    def close(self) -> None:
        """Remove it. May be called again."""
        ...


class BuildEnvironments(Protocol):
    """Makes build environments. Called from any thread; every error is one of envkit's tree."""

    @property
    def interpreter(self) -> str:
        """A text that is equal for equal interpreters on equal platforms only."""
        ...

    def resolve(self, requirements: Sequence[str], *, chain: tuple[str, ...]) -> BuildRequirements:
        """Choose files for *requirements* under the build constraints.

        *chain* names the builds that wait for this one, the outermost first, so that a build that would need itself is
        found out. Called for every build, also for those that a cache then answers.
        """
        ...

    def make(self, requirements: BuildRequirements, *, chain: tuple[str, ...]) -> BuildEnvironment:
        """Make an isolated environment that holds *requirements* and nothing else."""
        ...

    def shared(self) -> BuildEnvironment:
        """Give the environment that builds without isolation run in; closing it does nothing."""
        ...
