"""Freeze an environment, and ask it about itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from envkit.events import Reporter
from envkit.inspection.lines import Frozen, freeze_one
from envkit.inspection.ports import FileLookup, FrozenEnvironment
from envkit.model.arguments import one_text, several
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize

if TYPE_CHECKING:
    from envkit.formats.lock_content import LockContent
    from envkit.inspection.graph import Dependency, DependencyGraph, TreeNode
    from envkit.inspection.problems import Problem
    from envkit.inspection.report import Listed, Shown

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
    """Looks at one environment; every call looks anew. Thread-safe, and changes nothing.

    *user_site* is the folder of what its user has installed for all environments (``pip install --user``): where it is
    given, it is looked at too if the Python of the environment does.
    """

    def __init__(
        self,
        environment: FrozenEnvironment,
        *,
        user_site: str | os.PathLike[str] | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self._environment = environment
        self._user_site = os.path.abspath(user_site) if user_site is not None else None
        self._reporter = reporter

    def distributions(self, *, local: bool = False, user: bool = False) -> tuple[InstalledDistribution, ...]:
        """Give what is installed, each project once, in the order of the environment's path.

        *local* leaves out what comes from outside the environment, *user* all but the user's own folder.
        """
        found: dict[str, InstalledDistribution] = {}
        for distribution in (*self._environment.distributions(), *self._beside(local=local)):
            key = normalize(distribution.name)
            if _NAME.fullmatch(key):
                found.setdefault(key, distribution)
        chosen: Iterable[InstalledDistribution] = found.values()
        if local:
            root = os.path.realpath(self._environment.root)
            chosen = [one for one in chosen if _is_below(one, root)]
        if user:
            folder = self._user_site
            chosen = [one for one in chosen if folder is not None and _is_below(one, os.path.realpath(folder))]
        return tuple(chosen)

    def freeze(
        self,
        *,
        requirements: Sequence[str | Path] | str | Path = (),
        include_all: bool = False,
        exclude: Iterable[str] | str = (),
        exclude_editable: bool = False,
        local: bool = False,
        user: bool = False,
        hashes: bool = False,
    ) -> tuple[str, ...]:
        """Give the lines that ``pip freeze`` prints for this environment.

        *requirements* are files whose order and comments are kept (``-r``); *include_all* also lists pip and, before
        Python 3.12, setuptools and wheel (``--all``); *exclude* names projects to leave out. *hashes* adds ``--hash``
        for the recorded file of each, so that the lines can be installed in hash mode. Credentials are in no line.
        Raises `RequirementError` for a file of *requirements* that cannot be read, and `LockError` naming what has no
        recorded hash where *hashes* are wanted.
        """
        left_out = {normalize(name) for name in several("exclude", exclude, str)} | _STANDARD_LIBRARY
        if not include_all:
            left_out |= seed_names(self._environment.interpreter.version)
        frozen: dict[str, Frozen] = {}
        files = several("requirements", requirements, (str, Path))
        found = self.distributions(local=local, user=user)
        for distribution in found:
            one = freeze_one(distribution)
            if not (exclude_editable and one.editable):
                frozen[one.key] = one
        if hashes:
            from envkit.inspection.provenance import with_hashes

            frozen = with_hashes({key: one for key, one in frozen.items() if key not in left_out}, found)
        lines: list[str] = []
        if files:
            from envkit.inspection.ordered import in_order_of

            lines += in_order_of(files, frozen, self._reporter)
        rest = sorted(frozen.values(), key=lambda one: one.name.lower())
        lines += [line for one in rest if one.key not in left_out for line in one.lines]
        return tuple(lines)

    def _beside(self, *, local: bool) -> tuple[InstalledDistribution, ...]:
        """Give what else the Python of the environment finds: through ``.pth`` files, of the user, of the system."""
        from envkit.inspection.visible import with_path_files
        from envkit.installed.database import scan

        environment = self._environment
        own = list(dict.fromkeys(str(path) for path in getattr(environment, "site_packages", ())))
        folders = list(own)
        sees_system = getattr(environment, "includes_system", False)
        if not local and self._user_site is not None and (sees_system or not environment.interpreter.is_environment):
            folders.append(self._user_site)
        if not local and sees_system:
            folders += map(str, getattr(getattr(environment.interpreter, "base", None), "site_packages", ()))
        others = [folder for folder in with_path_files(folders) if folder not in own]
        return scan(others) if others else ()

    def graph(self, *, local: bool = False) -> DependencyGraph:
        """Give who needs whom: what `tree`, `why` and `orphans` look at."""
        from envkit.inspection.graph import DependencyGraph

        return DependencyGraph(self.distributions(local=local), self._environment.interpreter.markers)

    def tree(
        self, names: Iterable[str] | str = (), *, inverted: bool = False, depth: int | None = None
    ) -> tuple[TreeNode, ...]:
        """Give trees of dependencies; see `DependencyGraph.tree`."""
        return self.graph().tree(several("names", names, str), inverted=inverted, depth=depth)

    def why(self, name: str) -> tuple[tuple[Dependency, ...], ...]:
        """Give the chains of dependencies through which *name* is here; see `DependencyGraph.why`."""
        return self.graph().why(one_text("name", name))

    def orphans(self, keep: Iterable[str] | str = ()) -> tuple[str, ...]:
        """Give the names that could be removed, since nothing that was asked for needs them."""
        kept = several("keep", keep, str)
        return self.graph().orphans({*kept, *seed_names(self._environment.interpreter.version)})

    def check(self, *, files: bool = False) -> tuple[Problem, ...]:
        """Give what is wrong: dependencies that are missing or do not fit, wrong Pythons and platforms, duplicates.

        *files* also compares every file with its RECORD. What ``pip check`` reports are the kinds "missing",
        "incompatible" and "wrong-tags".
        """
        from envkit.inspection import problems
        from envkit.installed.database import scan

        chosen = self.distributions()
        interpreter = self._environment.interpreter
        found = list(problems.dependency_problems(chosen, interpreter.markers))
        found += problems.platform_problems(chosen, interpreter.version, interpreter.tags)
        folders = dict.fromkeys(str(one.path.parent) for one in self._environment.distributions())
        found += problems.duplicate_problems(scan(folders, shadowed=True))
        if files:
            found += [problem for one in chosen for problem in problems.file_problems(one)]
        return tuple(found)

    def report(self, *, local: bool = False, user: bool = False) -> dict[str, Any]:
        """Give everything that is installed as ``pip inspect`` does (its JSON schema, version 1)."""
        from envkit.inspection.report import inspect_report

        return inspect_report(self.distributions(local=local, user=user), self._environment.interpreter.markers)

    def list(
        self,
        *,
        local: bool = False,
        user: bool = False,
        editable: bool | None = None,
        not_required: bool = False,
        exclude: Iterable[str] | str = (),
    ) -> tuple[Listed, ...]:
        """Give names and versions as ``pip list`` does, by name.

        *editable* chooses (true) or leaves out (false) editable ones, *not_required* those that nothing else needs.
        """
        from envkit.inspection.report import listed, not_needed

        chosen = [*self.distributions(local=local, user=user)]
        if not_required:
            chosen = not_needed(chosen, self._environment.interpreter.markers)
        left_out = {normalize(name) for name in several("exclude", exclude, str)} | _STANDARD_LIBRARY
        rows = [listed(one) for one in chosen if normalize(one.name) not in left_out]
        if editable is not None:
            rows = [row for row in rows if (row.editable_project_location is not None) == editable]
        return tuple(sorted(rows, key=lambda row: normalize(row.name)))

    def show(self, name: str, *, sizes: bool = True) -> Shown | None:
        """Give everything about one project, or None where it is not installed; *sizes* also adds up its files."""
        from envkit.inspection.report import shown

        return shown(one_text("name", name), self.distributions(), self.graph(), sizes=sizes)

    def read_file(self, name: str, path: str) -> bytes:
        """Give the content of a file of a project; *path* as its RECORD has it. Raises `InstallError`."""
        from envkit.errors import InstallError
        from envkit.inspection.files import read_file

        wanted = normalize(one_text("name", name))
        for one in self.distributions():
            if normalize(one.name) == wanted:
                return read_file(one, path, within=(self._environment.root, one.location))
        raise InstallError(f"{name} is not installed")

    def pylock(self, *, lookup: FileLookup | None = None) -> LockContent:
        """Give a lock that brings exactly this environment back on machines like this one (PEP 751).

        It holds what installers recorded: direct references with their commit or hash, and the files of indexes that
        envkit installed. *lookup* is asked about the rest, which pip and others do not record; `Kit.pylock` gives one.
        Raises `LockError` naming the distributions of which nobody knows what file they came from.
        """
        from envkit.inspection.provenance import recorded_lock

        return recorded_lock(self.distributions(local=True), self._environment.interpreter, lookup)


def _is_below(distribution: InstalledDistribution, root: str) -> bool:
    folder = distribution.path.parent if distribution.kind == "egg-link" else distribution.location
    real = os.path.realpath(folder)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)
