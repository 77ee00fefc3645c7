"""Installers for folders that are no environments, with the wheels of a kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.environment.environment import Environment
from envkit.kit.parts import Parts

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.installation.installer import Installer


class Elsewhere:
    """The part of a `Kit` that gives the layer below, for what `install` and `sync` do not do."""

    _parts: Parts

    def installer(
        self,
        env: Environment,
        *,
        target: str | Path | None = None,
        prefix: str | Path | None = None,
        root: str | Path | None = None,
        user_base: str | Path | None = None,
    ) -> Installer:
        """Give an installer for *env*, or for one of the folders with *env*'s Python, as ``pip install --target`` and so
        on take them. It fetches and builds as this kit does. Raises `InstallError` for more than one folder.
        """
        return self._parts.installer(env, target=target, prefix=prefix, root=root, user_base=user_base)
