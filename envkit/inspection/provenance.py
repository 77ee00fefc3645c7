"""A lock of an environment from what installers recorded of where things came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from packaging.version import InvalidVersion, Version

from envkit.errors import LockError
from envkit.formats.lock_content import LockContent
from envkit.inspection.lines import archive_hash
from envkit.inspection.metadata import read_member
from envkit.inspection.ports import InterpreterFacts
from envkit.model.candidate import Artifact
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.source import Origin


def recorded_lock(distributions: Iterable[InstalledDistribution], interpreter: InterpreterFacts) -> LockContent:
    """Give the lock. Raises `LockError` naming every distribution of which too little is recorded."""
    packages: list[LockedPackage] = []
    unknown: list[str] = []
    for one in distributions:
        package = recorded_package(one)
        if package is None:
            unknown.append(f"{one.name}=={one.version}")
        else:
            packages.append(package)
    if unknown:
        raise LockError(
            f"it is not recorded which files {len(unknown)} distributions came from: {', '.join(unknown[:10])}",
            hint="look them up in an index",
            context={"unknown": tuple(unknown)},
        )
    python = ".".join(interpreter.version.split(".")[:2])
    return LockContent(packages=tuple(packages), requires_python=f"=={python}.*")


def recorded_package(one: InstalledDistribution) -> LockedPackage | None:
    """Give what is recorded of one distribution, or None where that does not say which bytes it came from."""
    try:
        version = Version(one.version)
    except InvalidVersion:
        return None
    origin: Origin | None = None
    artifacts: tuple[Artifact, ...] = ()
    if one.direct_url is not None:
        origin = origin_of(one.direct_url)
        if origin is None or (origin.kind == "archive" and not origin.hashes):
            return None
    else:
        found = _recorded_artifact(one)
        if found is None:
            return None
        artifacts = (found,)
    return LockedPackage(
        name=normalize(one.name),
        version=version,
        artifacts=artifacts,
        dependencies=one.requires_dist,
        origin=origin,
        requires_python=one.requires_python,
    )


def origin_of(data: Mapping[str, object]) -> Origin | None:
    """Give the origin that ``direct_url.json`` describes (PEP 610), or None where it makes no sense."""
    url = data.get("url")
    if not isinstance(url, str):
        return None
    folder = data.get("subdirectory")
    subdirectory = folder if isinstance(folder, str) else None
    for key, kind in (("vcs_info", "vcs"), ("archive_info", "archive"), ("dir_info", "directory")):
        raw = data.get(key)
        if not isinstance(raw, Mapping):
            continue
        info = cast("Mapping[str, Any]", raw)
        if kind == "vcs":
            commit, vcs = info.get("commit_id"), info.get("vcs")
            if not isinstance(commit, str) or not isinstance(vcs, str):
                return None
            revision = info.get("requested_revision")
            return Origin(
                url=url,
                kind="vcs",
                vcs=vcs,
                commit=commit,
                requested_revision=revision if isinstance(revision, str) else None,
                subdirectory=subdirectory,
            )
        if kind == "archive":
            found = archive_hash(info)
            return Origin(url=url, kind="archive", hashes=(found,) if found else (), subdirectory=subdirectory)
        return Origin(url=url, kind="directory", editable=info.get("editable") is True, subdirectory=subdirectory)
    return None


def _recorded_artifact(one: InstalledDistribution) -> Artifact | None:
    """Read ``provenance_url.json`` (PEP 710): the file of an index that a distribution came from."""
    text = read_member(one, "provenance_url.json")
    if text is None:
        return None
    try:
        data: Any = json.loads(text)
        url, hashes = data["url"], data["archive_info"]["hashes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(url, str) or not isinstance(hashes, dict) or not hashes:
        return None
    known = {str(key): str(value) for key, value in cast("Mapping[object, object]", hashes).items()}
    return Artifact(filename=url.partition("#")[0].rpartition("/")[2], url=url, hashes=known)
