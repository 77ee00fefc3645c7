"""The rules of pip's hash mode: what is asked for has to have a known hash."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from envkit.errors import RequirementError
from envkit.model.requested import RequirementEntry
from envkit.model.requirement import marker_holds, parse_marker


def check_entries(
    requirements: Iterable[RequirementEntry],
    constraints: Iterable[RequirementEntry],
    markers: Mapping[str, str] | None = None,
) -> None:
    """Raise `RequirementError`, with file and line, for the first of *requirements* that breaks a rule.

    The pin and the hashes of a project may be on any of its lines, also in *constraints*. What does not hold with *markers*
    is passed over.
    """
    wanted = [entry for entry in requirements if _holds(entry, markers)]
    groups: dict[str, list[RequirementEntry]] = {}
    for entry in (*wanted, *(entry for entry in constraints if _holds(entry, markers))):
        if entry.name is not None:
            groups.setdefault(entry.name, []).append(entry)
    for entry in wanted:
        problem = _problem(entry, groups.get(entry.name or "", []))
        if problem:
            raise RequirementError(
                f"{entry.file}, line {entry.line}: in hash mode {problem}: {entry}",
                hint="every requirement needs an exact version and a hash when one of them has a hash",
                file=entry.file,
                line=entry.line,
            )


def _holds(entry: RequirementEntry, markers: Mapping[str, str] | None) -> bool:
    if markers is None or entry.marker is None:
        return True
    return marker_holds(parse_marker(entry.marker), {**markers, "extra": ""})


def _problem(entry: RequirementEntry, group: Iterable[RequirementEntry]) -> str | None:
    if entry.editable or (entry.path is not None and os.path.isdir(entry.path)):
        return "a folder of sources has no hash to check"
    if entry.url is not None and "+" in urlsplit(entry.url).scheme:
        return "a repository has no hash to check"
    lines = (entry, *group)
    if any(one.hashes for one in lines):
        return None  # which also says which version it can be
    return (
        "every requirement needs a hash"
        if any(one.is_pinned for one in lines)
        else "every version must be pinned with =="
    )
