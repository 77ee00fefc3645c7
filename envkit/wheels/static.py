"""Find the metadata of a source without running any of its code (PEP 621, PEP 643).

What is found is given as core metadata of the fields that resolution reads. Where the source does not promise that a
build would say the same, nothing is given, and a build has to tell.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit.errors import InvalidSource, RequirementError
from envkit.formats.toml import load_toml
from envkit.model.identity import parse_specifier, parse_version
from envkit.model.metadata import parse_metadata
from envkit.model.requirement import parse_requirement
from envkit.wheels.reading import read_file

_READ = ("requires-dist", "requires-python", "provides-extra", "version", "name")
_PROJECT_READ = frozenset(("version", "dependencies", "optional-dependencies", "requires-python"))
MAX_PYPROJECT_BYTES = 4 * 1024 * 1024


def from_pkg_info(data: bytes) -> bytes | None:
    """Give *data*, an sdist's PKG-INFO, where it promises what a wheel would say: 2.2 or later, nothing read dynamic."""
    try:
        metadata = parse_metadata(data, where="PKG-INFO")
        major, _, minor = metadata.metadata_version.partition(".")
        if (int(major), int(minor or 0)) < (2, 2):
            return None
    except (RequirementError, ValueError):
        return None
    if any(field in _READ for field in metadata.dynamic):
        return None
    return data


def read_pyproject(root: str, *, confined: bool = True) -> Mapping[str, Any]:
    """Read ``pyproject.toml``; an empty mapping without one. Raises `InvalidSource` for one that is no TOML."""
    data = read_file(root, "pyproject.toml", confined=confined, limit=MAX_PYPROJECT_BYTES)
    if data is None:
        return {}
    try:
        return load_toml(data.decode("utf-8"))
    except ValueError as error:
        raise InvalidSource(
            f"{os.path.join(root, 'pyproject.toml')} is not TOML: {error}", context={"project": root}
        ) from error


def from_pyproject(pyproject: Mapping[str, Any]) -> bytes | None:
    """Give core metadata where ``[project]`` tells all that resolution reads, and it is well-formed; else None."""
    project = pyproject.get("project")
    if not isinstance(project, dict):
        return None
    table = cast("dict[str, Any]", project)
    try:
        if _PROJECT_READ & set(_texts(table.get("dynamic", []))):
            return None
        return _render(table)
    except (RequirementError, TypeError, ValueError, KeyError, AttributeError):
        return None  # the backend will say better than we what is wrong


def _render(project: Mapping[str, Any]) -> bytes:
    name, version = _text(project["name"]), _text(project["version"])
    canonicalize_name(name, validate=True)
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {parse_version(version)}"]
    if "requires-python" in project:
        lines.append(f"Requires-Python: {parse_specifier(_text(project['requires-python']))}")
    lines += [f"Requires-Dist: {parse_requirement(text)}" for text in _texts(project.get("dependencies", []))]
    for extra, texts in dict(project.get("optional-dependencies", {})).items():
        extra_name = canonicalize_name(_text(extra), validate=True)
        lines.append(f"Provides-Extra: {extra_name}")
        lines += [f"Requires-Dist: {_with_extra(text, extra_name)}" for text in _texts(texts)]
    return ("\n".join(lines) + "\n\n").encode()


def _with_extra(text: str, extra: str) -> str:
    parsed = parse_requirement(text)
    marker = f'extra == "{extra}"'
    if parsed.marker is not None:
        marker = f"({parsed.marker}) and {marker}"
    bare = Requirement(str(parsed))
    bare.marker = None
    return f"{bare} ; {marker}"


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\n" in value:
        raise TypeError("not one line of text")
    return value


def _texts(values: Any) -> Iterable[str]:
    items: list[Any] = values
    if not isinstance(values, list):
        raise TypeError("not a list")
    return [_text(value) for value in items]


def tree_metadata(root: str, *, sdist: bool, confined: bool = True) -> bytes | None:
    """Give the static metadata of the project in the folder *root*, else None.

    A PKG-INFO counts in an unpacked sdist alone: in a working folder it may be a left-over.
    """
    if sdist:
        data = read_file(root, "PKG-INFO", confined=confined)
        found = from_pkg_info(data) if data is not None else None
        if found is not None:
            return found
    return from_pyproject(read_pyproject(root, confined=confined))


def declared_name(root: str, *, confined: bool = True) -> str | None:
    """Give the project's name as ``pyproject.toml`` declares it, where it does."""
    project: Any = read_pyproject(root, confined=confined).get("project")
    name: Any = cast("dict[str, Any]", project).get("name") if isinstance(project, dict) else None
    return name if isinstance(name, str) else None
