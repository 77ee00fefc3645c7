"""Where installed distributions came from, as installers recorded it or as indexes can tell, and a lock made of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.dataclass import replace
from envkit.errors import InstallError, LockError
from envkit.formats.lock_content import LockContent
from envkit.inspection.lines import Frozen, archive_hash
from envkit.inspection.metadata import read_member, tags_of
from envkit.inspection.ports import FileLookup, InterpreterFacts
from envkit.installed import record
from envkit.model.candidate import Artifact
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.source import Origin


def recorded_lock(
    distributions: Iterable[InstalledDistribution], interpreter: InterpreterFacts, lookup: FileLookup | None = None
) -> LockContent:
    """Give the lock; *lookup* is asked for what is not recorded.

    Raises `LockError` naming every distribution of which too little is known, and the errors of *lookup*.
    """
    packages: list[LockedPackage] = []
    unknown: list[str] = []
    for one in distributions:
        package = recorded_package(one, lookup)
        if package is None:
            unknown.append(f"{one.name}=={one.version}")
        else:
            packages.append(package)
    if unknown:
        raise LockError(
            f"it is not known which files {len(unknown)} distributions came from: {', '.join(unknown[:10])}",
            hint="look them up in the index that has them" if lookup is None else "no index has just these files",
            context={"unknown": tuple(unknown)},
        )
    python = ".".join(interpreter.version.split(".")[:2])
    return LockContent(packages=tuple(packages), requires_python=f"=={python}.*")


def recorded_package(one: InstalledDistribution, lookup: FileLookup | None = None) -> LockedPackage | None:
    """Give what is known of one distribution, or None where that does not say which bytes it came from."""
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
        found = recorded_artifact(one)
        if found is None and lookup is not None:
            found = _looked_up(one, version, lookup)
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
        index=artifacts[0].index if artifacts else None,
    )


def with_hashes(frozen: Mapping[str, Frozen], distributions: Iterable[InstalledDistribution]) -> dict[str, Frozen]:
    """Give the same lines with the recorded hash of each.

    Raises `LockError` naming those that have none: their lines would make the whole file unusable in hash mode.
    """
    done: dict[str, Frozen] = {}
    without: list[str] = []
    for one in distributions:
        line = frozen.get(normalize(one.name))
        if line is None:
            continue
        known = recorded_artifact(one) if one.direct_url is None else None
        digest = known.hashes.get("sha256") if known is not None else None
        if digest is not None:
            done[line.key] = replace(line, text=f"{line.text} --hash=sha256:{digest}")
        elif "#sha256=" in line.text:
            done[line.key] = line
        else:
            without.append(line.name)
    if without:
        raise LockError(
            f"no hash is recorded of {len(without)} distributions: {', '.join(without[:10])}",
            hint="leave them out with exclude, or lock the environment instead",
            context={"unknown": tuple(without)},
        )
    return done


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


def recorded_artifact(one: InstalledDistribution) -> Artifact | None:
    """Give the file of an index that a distribution was installed from, with its hashes, where that was recorded.

    envkit writes ``envkit.json``; some installers write ``provenance_url.json`` (PEP 710).
    """
    return _from_facts(one) or _from_provenance(one)


def _from_facts(one: InstalledDistribution) -> Artifact | None:
    data = _json(one, "envkit.json")
    url, index, filename = data.get("url"), data.get("index"), data.get("filename")
    hashes = _hashes(data.get("hashes"))
    # without a URL it was built here, and nobody else has that file
    if not isinstance(url, str) or not url or not isinstance(filename, str) or not hashes:
        return None
    return Artifact(filename=filename, url=url, hashes=hashes, index=index if isinstance(index, str) else None)


def _from_provenance(one: InstalledDistribution) -> Artifact | None:
    data = _json(one, "provenance_url.json")
    url, archive = data.get("url"), data.get("archive_info")
    hashes = _hashes(cast("Mapping[str, object]", archive).get("hashes")) if isinstance(archive, Mapping) else {}
    if not isinstance(url, str) or not hashes:
        return None
    return Artifact(filename=url.partition("#")[0].rpartition("/")[2], url=url, hashes=hashes)


def _json(one: InstalledDistribution, name: str) -> Mapping[str, object]:
    text = read_member(one, name)
    try:
        data: Any = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", data) if isinstance(data, dict) else {}


def _hashes(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(digest) for key, digest in cast("Mapping[object, object]", value).items()}


def _looked_up(one: InstalledDistribution, version: Version, lookup: FileLookup) -> Artifact | None:
    """Give the file that an index has of an installed version, or None.

    A wheel counts where its RECORD has the very files that were installed; only those are asked for whose names have one
    of the installed tags. Where there is none, the distribution was built here, and the sdist is what it can be built of
    again.
    """
    files = [artifact for artifact in lookup.files(normalize(one.name), str(version)) if artifact.hashes]
    tags, build = tags_of(one) or frozenset(), _build_of(one)
    for artifact in files:
        if _is_tagged(artifact, tags, build) and _has_files(one, lookup.record(artifact)):
            return artifact
    sdists = [artifact for artifact in files if not artifact.is_wheel]
    return sdists[0] if len(sdists) == 1 else None


def _is_tagged(artifact: Artifact, tags: frozenset[str], build: str) -> bool:
    if not artifact.is_wheel:
        return False
    try:
        _, _, number, found = parse_wheel_filename(artifact.filename)
    except InvalidWheelFilename:
        return False
    return not tags.isdisjoint(map(str, found)) and (f"{number[0]}{number[1]}" if number else "") == build


def _build_of(one: InstalledDistribution) -> str:
    for line in (read_member(one, "WHEEL") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == "build":
            return value.strip()
    return ""


def _has_files(one: InstalledDistribution, wanted: Mapping[str, str]) -> bool:
    try:
        installed = {row.path: row.hash for row in record.read(one.path)}
    except InstallError:
        return False
    return all(installed.get(path) == digest for path, digest in wanted.items() if digest)
