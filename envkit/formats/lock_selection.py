"""Files that fit a target, and lines for pip, from locked packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from envkit.errors import LockError
from envkit.model.candidate import Artifact
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import EMPTY, MarkerSets, Node
from envkit.model.marker_text import marker_of, set_of
from envkit.model.secret import strip_credentials
from envkit.model.target import Target

if TYPE_CHECKING:
    from packaging.version import Version

PIP_HASHES = ("sha256", "sha384", "sha512")


def usable_artifacts(package: LockedPackage, target: Target) -> tuple[Artifact, ...]:
    """Give the files of *package* that fit *target*, the preferred wheel first and the sdist last.

    Raises `LockError` where none does.
    """
    if package.origin is not None:
        return package.artifacts
    if package.version is None and not package.artifacts:
        raise LockError(
            f"the lock has no version of {package.name}",
            hint="it was made where that is not needed: make it where it is, or resolve what Lock.to_requirements() gives",
            context={"name": package.name},
        )
    if any(not artifact.url for artifact in package.artifacts):
        raise LockError(
            f"the lock does not say where the files of {package.name} {package.version} are",
            hint="resolve what Lock.to_requirements() gives: it has the versions and the hashes",
        )
    ranked = [(rank(artifact.filename, target), artifact) for artifact in package.artifacts if artifact.is_wheel]
    wheels = sorted(((at, one) for at, one in ranked if at is not None), key=lambda pair: (pair[0], pair[1].filename))
    sdists = [artifact for artifact in package.artifacts if not artifact.is_wheel]
    found = (*(one for _, one in wheels), *sdists)
    if not found:
        raise LockError(
            f"no file of {package.name} {package.version} fits the target",
            context={"files": tuple(artifact.filename for artifact in package.artifacts[:50])},
        )
    return found


def rank(filename: str, target: Target) -> int | None:
    """Give the place of a wheel's best tag on *target* (0 is the most wanted), or None where none fits."""
    parts = filename[:-4].split("-")
    if len(parts) < 5:
        return None
    ranks = target.ranks
    places = [
        ranks[tag]
        for python in parts[-3].split(".")
        for abi in parts[-2].split(".")
        for platform in parts[-1].split(".")
        if (tag := f"{python}-{abi}-{platform}") in ranks
    ]
    return min(places, default=None)


def version_of(artifacts: Sequence[Artifact]) -> Version | None:
    """Give the version that the name of the first file tells, or None."""
    for artifact in artifacts[:1]:
        try:
            if artifact.is_wheel:
                return parse_wheel_filename(artifact.filename)[1]
            return parse_sdist_filename(artifact.filename)[1]
        except (InvalidWheelFilename, InvalidSdistFilename):
            return None
    return None


def requirement_lines(
    packages: Sequence[LockedPackage], extras: Sequence[str], groups: Sequence[str], *, hashes: bool
) -> Iterator[str]:
    """Yield a line for each package that the extras and groups bring; long ones go on over several."""
    sets = MarkerSets()
    chosen = {("extras", name) for name in extras} | {("dependency_groups", name) for name in groups}
    for package in packages:
        node = with_choices(sets, set_of(sets, package.marker), chosen)
        if node == EMPTY or sets.is_empty(node):
            continue
        marker = marker_of(sets, node)
        text = _requirement(package) + (f" ; {marker}" if marker else "")
        if hashes and (package.version is not None if package.origin is None else package.origin.kind == "archive"):
            text += "".join(f" \\\n    --hash={one}" for one in _hashes(package))
        yield text


def with_choices(sets: MarkerSets, node: Node, chosen: set[tuple[str, str]]) -> Node:
    """Answer every question about extras and groups."""
    for atom in sets.atoms(node):
        if atom[1] == "has":
            node = sets.fix(node, atom, (atom[0], atom[2]) in chosen)
    return node


def _requirement(package: LockedPackage) -> str:
    origin = package.origin
    if origin is None:
        return f"{package.name}=={package.version}" if package.version is not None else package.name
    url = strip_credentials(origin.url)
    fragment = f"#subdirectory={origin.subdirectory}" if origin.subdirectory else ""
    if origin.kind == "vcs":
        return f"{package.name} @ {origin.vcs}+{url}@{origin.commit}{fragment}"
    if origin.kind == "directory" and origin.editable:
        return f"-e {url}{fragment}"
    return f"{package.name} @ {url}{fragment}"


def _hashes(package: LockedPackage) -> list[str]:
    found: set[str] = set()
    for artifact in package.artifacts:
        best = next((name for name in PIP_HASHES if name in artifact.hashes), None)
        if best is None:
            raise LockError(f"{artifact.filename} of {package.name} has no hash that pip takes")
        found.add(f"{best}:{artifact.hashes[best]}")
    if not found and package.origin is not None:
        found = {f"{name}:{value}" for name, value in package.origin.hashes if name in PIP_HASHES}
    if not found:
        raise LockError(f"{package.name} has no file whose hash is known")
    return sorted(found)
