"""What freezing and inspection need from an environment, by shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from envkit.model.candidate import Artifact
from envkit.model.distribution import InstalledDistribution


class InterpreterFacts(Protocol):
    """The Python that an environment runs."""

    @property
    def version(self) -> str:
        """The full version: "3.12.1"."""
        ...

    @property
    def is_environment(self) -> bool:
        """Whether it is the Python of an environment, not one that environments are made of."""
        ...

    @property
    def markers(self) -> Mapping[str, str]:
        """PEP 508's variables, without ``extra``."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Compatibility tags, the most wanted first."""
        ...


class FrozenEnvironment(Protocol):
    """An environment to look at; nothing here writes to it."""

    @property
    def root(self) -> Path:
        """Its folder (``sys.prefix``)."""
        ...

    @property
    def interpreter(self) -> InterpreterFacts:
        """Its Python."""
        ...

    def distributions(self) -> tuple[InstalledDistribution, ...]:
        """Every distribution that its Python would find, in the order of its path, the first of each name first.

        Called once for each question that is asked of a `Freezer`, so that answers are of one moment.
        """
        ...


class FileLookup(Protocol):
    """Knows what indexes have, for distributions of which nobody wrote down what file they came from."""

    def files(self, name: str, version: str) -> tuple[Artifact, ...]:
        """Give every file of one version (normalized *name*); none where no index knows it.

        Raises `IndexAccessError` where an index cannot be asked.
        """
        ...

    def record(self, artifact: Artifact) -> Mapping[str, str]:
        """Give what the RECORD of a wheel says of the files that go beside its metadata folder: hashes by path.

        Raises `IndexAccessError` or `InvalidWheel`. Asked for once for each wheel that may be the installed one.
        """
        ...
