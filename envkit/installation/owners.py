"""Which installed distributions the files of an environment belong to, as far as their records tell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from envkit.dataclass import dataclass
from envkit.errors import InstallError
from envkit.installation.layout import Layout, inside
from envkit.installation.removal import absolute
from envkit.installed import record
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """*names* maps paths to the projects that own them; *unknown* are projects that do not tell what they own."""

    names: Mapping[str, str]
    unknown: tuple[str, ...]


def find_owners(paths: Iterable[str], distributions: Iterable[InstalledDistribution], layout: Layout) -> Owners:
    """Find who owns the absolute real *paths*. A folder belongs to whoever has a file in it, bytecode to its source's."""
    asked: dict[str, list[str]] = {}
    folders: dict[str, str] = {}
    for path in paths:
        for key in (path, source_of(path)):
            if key is not None:
                asked.setdefault(os.path.normcase(key), []).append(path)
        if os.path.isdir(path):
            folders[os.path.normcase(path) + os.sep] = path
    names: dict[str, str] = {}
    unknown: list[str] = []
    for distribution in distributions:
        name = normalize(distribution.name)
        info = os.path.join(os.path.realpath(distribution.location), distribution.path.name)
        names.update((path, name) for each in asked.values() for path in each if inside(path, info) is not None)
        try:
            for place in _places(distribution, layout):
                names.update(dict.fromkeys(asked.get(place, ()), name))
                names.update((path, name) for prefix, path in folders.items() if place.startswith(prefix))
        except (InstallError, OSError, ValueError):
            unknown.append(name)
    return Owners(names=names, unknown=tuple(unknown))


def source_of(path: str) -> str | None:
    """Give the source file of bytecode in ``__pycache__`` (PEP 3147); None for anything else."""
    folder, name = os.path.split(path)
    above, cache = os.path.split(folder)
    if cache != "__pycache__" or not name.endswith(".pyc"):
        return None
    return os.path.join(above, name.partition(".")[0] + ".py")


def _places(distribution: InstalledDistribution, layout: Layout) -> Iterator[str]:
    """Give the places that a distribution records, comparable: RECORD may lead through symlinks. Raises `InstallError`."""
    location = os.path.realpath(distribution.location)
    if distribution.kind == "dist-info":
        rows = record.read(os.path.join(location, distribution.path.name))
        paths: Iterable[str | None] = (absolute(row.path, location) for row in rows)
    else:
        from envkit.installation.legacy import legacy_files

        paths = legacy_files(distribution, layout, {})
    real: dict[str, str] = {}
    for path in paths:
        if path is None:
            continue
        folder, name = os.path.split(path)
        if folder not in real:
            real[folder] = os.path.realpath(folder)
        yield os.path.normcase(os.path.join(real[folder], name))
