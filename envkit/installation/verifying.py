"""Compare an environment with its records."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from envkit.errors import InstallError
from envkit.installation.layout import Layout, inside
from envkit.installation.removal import absolute
from envkit.installation.walking import NOT_THERE
from envkit.installed import record
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.plan import Problem
from envkit.transaction.state import is_state


def find_problems(installed: Iterable[InstalledDistribution], layout: Layout) -> tuple[Problem, ...]:
    """Give every difference, by path: files missing or changed, files of nobody, distributions that others hide."""
    problems: list[Problem] = []
    owned: set[str] = set()
    names: set[str] = set()
    for distribution in installed:
        name = normalize(distribution.name)
        if name in names:
            problems.append(Problem(kind="shadowed", path=os.fspath(distribution.path), distribution=name))
        names.add(name)
        if distribution.kind == "dist-info":
            problems += _check_files(distribution, name, layout, owned)
        else:
            owned.update(_below(os.fspath(distribution.path)))
    problems += _find_orphans(layout, owned)
    problems.sort(key=lambda problem: (problem.path, problem.kind))
    return tuple(problems)


def _check_files(distribution: InstalledDistribution, name: str, layout: Layout, owned: set[str]) -> Iterator[Problem]:
    location = os.path.realpath(distribution.location)
    info = os.path.join(location, distribution.path.name)
    try:
        rows = record.read(info)
    except InstallError:
        owned.update(_below(info))
        yield Problem(kind="no-record", path=info, distribution=name)
        return
    for row in rows:
        path = absolute(row.path, location)
        if path is None or not any(inside(path, base) for base in (layout.root, *layout.schemes.values())):
            yield Problem(kind="outside", path=path or row.path, distribution=name)
            continue
        owned.add(path)
        state = compare(path, row.hash)
        if state != "good" and not (state == "missing" and path.endswith(".pyc")):
            yield Problem(kind="missing" if state == "missing" else "changed", path=path, distribution=name)


def compare(path: str, hashed: str) -> str:
    """Tell whether a file is as recorded: "good", "missing" or "changed"."""
    if not hashed:
        return "good" if os.path.lexists(path) else "missing"
    try:
        return "good" if record.has_digest(path, hashed) else "changed"
    except OSError as error:
        return "missing" if error.errno in NOT_THERE else "changed"
    except ValueError:
        return "changed"


def _find_orphans(layout: Layout, owned: set[str]) -> Iterator[Problem]:
    """Find files in the library folders that nothing records; bytecode belongs to its source."""
    for library in layout.libraries:
        for path in _below(library):
            if path in owned:
                continue
            folder, name = os.path.split(path)
            if os.path.basename(folder) == "__pycache__" and name.endswith(".pyc"):
                source = os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")
                if source in owned:
                    continue
            yield Problem(kind="orphaned", path=path)


def _below(folder: str) -> Iterator[str]:
    if not os.path.isdir(folder) or os.path.islink(folder):
        yield folder
        return
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if base != folder or not is_state(name)]
        for name in names:
            yield os.path.join(base, name)
        for name in folders:
            if os.path.islink(os.path.join(base, name)):
                yield os.path.join(base, name)
