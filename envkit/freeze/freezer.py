"""Freeze an environment, and ask it about itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from envkit.events import Reporter
from envkit.freeze.lines import Frozen, freeze_one
from envkit.freeze.ports import FrozenEnvironment
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_STANDARD_LIBRARY = frozenset(("python", "wsgiref", "argparse"))


def seed_names(python: str) -> frozenset[str]:
    """Give the names that freezing leaves out unless asked: pip, and before Python 3.12 the build tools of old."""
    try:
        old = Version(python) < Version("3.12.dev0")
    except InvalidVersion:
        old = False
    return frozenset(("pip", "setuptools", "distribute", "wheel") if old else ("pip",))


class Freezer:
    """Looks at one environment; every call looks anew. Thread-safe, and changes nothing."""

    def __init__(self, environment: FrozenEnvironment, *, reporter: Reporter | None = None) -> None:
        self._environment = environment
        self._reporter = reporter

    def distributions(self, *, local: bool = False, user: bool = False) -> tuple[InstalledDistribution, ...]:
        """Give what is installed, each project once, in the order of the environment's path.

        *local* leaves out what comes from outside the environment, *user* all but the user's own folder.
        """
        found: dict[str, InstalledDistribution] = {}
        for distribution in self._environment.distributions():
            key = normalize(distribution.name)
            if _NAME.fullmatch(key):
                found.setdefault(key, distribution)
        chosen: Iterable[InstalledDistribution] = found.values()
        if local:
            root = os.path.realpath(self._environment.root)
            chosen = [one for one in chosen if _is_below(one, root)]
        if user:
            folder = getattr(self._environment, "user_site", None)
            chosen = [one for one in chosen if folder is not None and _is_below(one, os.path.realpath(folder))]
        return tuple(chosen)

    def freeze(
        self,
        *,
        requirements: Sequence[str | Path] = (),
        include_all: bool = False,
        exclude: Iterable[str] = (),
        exclude_editable: bool = False,
        local: bool = False,
        user: bool = False,
    ) -> tuple[str, ...]:
        """Give the lines that ``pip freeze`` prints for this environment.

        *requirements* are files whose order and comments are kept (``-r``); *include_all* also lists pip and, before
        Python 3.12, setuptools and wheel (``--all``); *exclude* names projects to leave out. Credentials are in no
        line. Raises `RequirementError` for a file of *requirements* that cannot be read.
        """
        left_out = {normalize(name) for name in exclude} | _STANDARD_LIBRARY
        if not include_all:
            left_out |= seed_names(self._environment.interpreter.version)
        frozen: dict[str, Frozen] = {}
        for distribution in self.distributions(local=local, user=user):
            one = freeze_one(distribution)
            if not (exclude_editable and one.editable):
                frozen[one.key] = one
        lines: list[str] = []
        if requirements:
            from envkit.freeze.ordered import in_order_of

            lines += in_order_of(requirements, frozen, self._reporter)
        rest = sorted(frozen.values(), key=lambda one: one.name.lower())
        lines += [line for one in rest if one.key not in left_out for line in one.lines]
        return tuple(lines)


def _is_below(distribution: InstalledDistribution, root: str) -> bool:
    folder = distribution.path.parent if distribution.kind == "egg-link" else distribution.location
    return os.path.realpath(folder).startswith(root)
