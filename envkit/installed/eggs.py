"""Distributions from before wheels: ``.egg-info``, ``.egg-link`` and ``.egg``."""

from __future__ import annotations

import os
from pathlib import Path

from envkit.installed.fields import read_fields
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize


def read(location: Path, folder: str, name: str) -> InstalledDistribution | None:
    """Read the entry *name* of *folder*; None where it describes no distribution."""
    path = f"{folder}/{name}"
    if name.endswith(".egg-link"):
        return _read_link(location, path)
    if name.endswith(".egg"):
        return _describe(location, path, name, "egg", f"{path}/EGG-INFO") if os.path.isdir(path) else None
    return _describe(location, path, name, "egg-info", path)


def _read_link(location: Path, path: str) -> InstalledDistribution | None:
    info = linked_info(path)
    return _describe(location, path, os.path.basename(info), "egg-link", info) if info is not None else None


def linked_info(path: str) -> str | None:
    """Give the metadata folder, beside the sources, of the project that an ``.egg-link`` points to."""
    source = link_target(path)
    if source is None:
        return None
    wanted = os.path.basename(path).removesuffix(".egg-link").replace("-", "_").lower()
    try:
        inside = sorted(os.listdir(source))
    except OSError:
        return None
    for other in inside:
        if other.endswith(".egg-info") and other.removesuffix(".egg-info").replace("-", "_").lower() == wanted:
            return f"{source}/{other}"
    return None


def link_target(path: str) -> str | None:
    """Give the folder that an ``.egg-link`` points to."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            source = file.readline(4096).strip()
    except OSError:
        return None
    return source if os.path.isabs(source) else None


def _describe(location: Path, path: str, name: str, kind: str, info: str) -> InstalledDistribution | None:
    is_dir = os.path.isdir(info)
    fields = read_fields(f"{info}/PKG-INFO" if is_dir else info)
    by_name = name.rpartition(".")[0].split("-")
    requires = fields.get("requires-dist") or (read_requires(f"{info}/requires.txt") if is_dir else [])
    version = fields.get("version", [""])[0] or (by_name[1] if len(by_name) > 1 else "")
    return InstalledDistribution(
        name=fields.get("name", [""])[0] or normalize(by_name[0]),
        version=version,
        path=Path(path),
        location=location,
        kind=kind,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        editable=kind == "egg-link",
        requires_dist=tuple(requires),
        requires_python=fields.get("requires-python", [""])[0] or None,
        provides_extra=tuple(fields.get("provides-extra", ())),
    )


def read_requires(path: str) -> list[str]:
    """Read setuptools' ``requires.txt``: requirements under ``[extra:marker]`` headings, as requirement texts."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(1 << 20).splitlines()
    except OSError:
        return []
    found: list[str] = []
    condition = ""
    for line in lines:
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            parts = [f"({marker})" if extra else marker] if marker else []
            parts += [f'extra == "{extra}"'] if extra else []
            condition = " and ".join(parts)
        elif line and not line.startswith("#"):
            found.append(f"{line} ; {condition}" if condition else line)
    return found
