"""Write ``pylock.toml`` (PEP 751) from locked packages. Deterministic, and without credentials."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from envkit.errors import LockError, RequirementError
from envkit.model.candidate import Artifact
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.requirement import parse_requirement
from envkit.model.secret import strip_credentials

HASHES = ("sha512", "sha384", "sha256", "blake2b", "sha3_256", "sha3_512", "sha1", "md5")


def write_pylock(
    packages: Iterable[LockedPackage],
    *,
    requires_python: str | None = None,
    environments: Sequence[str] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    default_groups: Sequence[str] = (),
    settings: Mapping[str, Sequence[Any]] | None = None,
    base: str | None = None,
) -> str:
    """Give the text of a lock file. With *base*, files below that folder are named relative to it.

    *settings* are lists of texts (or of such lists) that only envkit reads again: what the lock was made from.

    Raises `LockError` for a file without a hash or without a place, which the format cannot hold.
    """
    import tomli_w

    ordered = sorted(packages, key=lambda package: (package.name, str(package.version), package.marker or ""))
    names = {package.name for package in ordered}
    data: dict[str, Any] = {"lock-version": "1.0"}
    if environments:
        data["environments"] = list(environments)
    if requires_python:
        data["requires-python"] = requires_python
    if extras:
        data["extras"] = sorted(extras)
    if groups:
        data["dependency-groups"] = sorted(groups)
    if default_groups:
        data["default-groups"] = sorted(default_groups)
    data["created-by"] = "envkit"
    data["packages"] = [_package(package, names, base) for package in ordered]
    own = {key: _plain(values) for key, values in (settings or {}).items() if values}
    if own:
        data["tool"] = {"envkit": own}
    return tomli_w.dumps(data)


def _plain(value: Any) -> Any:
    return strip_credentials(value) if isinstance(value, str) else [_plain(one) for one in value]


def _package(package: LockedPackage, names: set[str], base: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {"name": package.name}
    if package.version is not None and (package.origin is None or package.origin.kind == "archive"):
        data["version"] = str(package.version)
    if package.marker:
        data["marker"] = package.marker
    if package.requires_python:
        data["requires-python"] = package.requires_python
    needed = sorted({name for name in map(_name, package.dependencies) if name in names})
    if needed:
        data["dependencies"] = [{"name": name} for name in needed]
    if package.origin is not None:
        data |= _origin(package, base)
    else:
        data |= _files(package, base)
    if package.dependencies:
        data["tool"] = {"envkit": {"requires": [strip_credentials(text) for text in package.dependencies]}}
    return data


def _name(text: str) -> str | None:
    try:
        return normalize(parse_requirement(text).name)
    except RequirementError:
        return None


def _files(package: LockedPackage, base: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if package.index is not None and "://" in package.index:
        data["index"] = strip_credentials(package.index)
    sdists = [artifact for artifact in package.artifacts if not artifact.is_wheel]
    wheels = [artifact for artifact in package.artifacts if artifact.is_wheel]
    if not sdists and not wheels:
        raise LockError(f"{package.name} {package.version} has no file to lock")
    if sdists:
        best = next((one for one in sdists if one.filename.endswith(".tar.gz")), sdists[0])
        data["sdist"] = _file(package, best, base)
    if wheels:
        data["wheels"] = [_file(package, wheel, base) for wheel in sorted(wheels, key=lambda one: one.filename)]
    return data


def _file(package: LockedPackage, artifact: Artifact, base: str | None) -> dict[str, Any]:
    hashes = _hashes(artifact.hashes)
    if not hashes or not artifact.url:
        what = "hash" if not hashes else "place"
        raise LockError(f"{artifact.filename} of {package.name} has no {what}, so it cannot be locked")
    data: dict[str, Any] = {"name": artifact.filename}
    if artifact.upload_time:
        time = _time(artifact.upload_time)
        if time is not None:
            data["upload-time"] = time
    data |= _place(artifact.url, base)
    if artifact.size is not None:
        data["size"] = artifact.size
    data["hashes"] = hashes
    return data


def _hashes(hashes: Any) -> dict[str, str]:
    known = {name: hashes[name] for name in HASHES if name in hashes}
    strong = {name: value for name, value in known.items() if name not in ("md5", "sha1")}
    return dict(sorted((strong or known).items()))


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)


def _place(url: str, base: str | None) -> dict[str, str]:
    parts = urlsplit(url)
    if base is not None and parts.scheme == "file" and os.name != "nt":
        return {"path": os.path.relpath(unquote(parts.path), base).replace(os.sep, "/")}
    return {"url": strip_credentials(url)}


def _origin(package: LockedPackage, base: str | None) -> dict[str, Any]:
    origin = package.origin
    assert origin is not None
    data: dict[str, Any]
    below = {"subdirectory": origin.subdirectory} if origin.subdirectory else {}
    if origin.kind == "vcs":
        data = {"type": origin.vcs, "url": strip_credentials(origin.url)}
        if origin.requested_revision:
            data["requested-revision"] = origin.requested_revision
        return {"vcs": {**data, "commit-id": origin.commit, **below}}
    if origin.kind == "directory":
        path = unquote(urlsplit(origin.url).path)
        data = {"path": os.path.relpath(path, base).replace(os.sep, "/") if base is not None else path}
        return {"directory": {**data, "editable": origin.editable, **below}}
    hashes = dict(origin.hashes) or (dict(package.artifacts[0].hashes) if package.artifacts else {})
    if not _hashes(hashes):
        raise LockError(f"{package.name} is an archive without a hash, so it cannot be locked")
    data = dict[str, Any](_place(origin.url, base))
    if package.artifacts and package.artifacts[0].size is not None:
        data["size"] = package.artifacts[0].size
    return {"archive": {**data, "hashes": _hashes(hashes), **below}}
