"""What environments need from above: something that installs distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from envkit.environment.environment import Environment


class Seeder(Protocol):
    """Puts distributions into a new environment."""

    def install_wheels(self, environment: Environment, wheels: Sequence[str]) -> None:
        """Install wheel files as asked for by name, and nothing that they depend on.

        Called once, without any lock held but the claim on the new environment. Raises errors of envkit's tree.
        """
        ...

    def install_latest(self, environment: Environment, names: Sequence[str]) -> None:
        """Install projects, or upgrade them to their newest versions, from the configured indexes."""
        ...
