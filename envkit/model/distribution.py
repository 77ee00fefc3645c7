"""Distributions that are here: verified wheels in the pool, and what is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from envkit.model.source import Origin
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFile:
    """One file of an unpacked wheel: *path* is relative with forward slashes, *mtime_ns* is what linking compares."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWheel:
    """A verified wheel, unpacked at *root*: checked against its hash, its structure and every row of its RECORD.

    *sha256* is the archive's; *files* is the manifest; *dist_info* and *data_dir* are folder names inside *root*.
    *origin* is set for direct references, *index* and *url* (no credentials) tell where an indexed file came from.
    """

    name: str
    version: str
    filename: str
    sha256: str
    root: Path
    files: tuple[PoolFile, ...]
    dist_info: str
    data_dir: str
    root_is_purelib: bool
    origin: Origin | None = None
    index: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledDistribution(Value):
    """One distribution found in an environment, from its metadata folder (or legacy egg) alone.

    *name* and *version* are as the metadata has them; *path* is the metadata folder or file; *location* the folder on
    ``sys.path`` that holds it; *direct_url* is the content of ``direct_url.json`` (PEP 610).
    """

    name: str
    version: str
    path: Path
    location: Path
    kind: Literal["dist-info", "egg-info", "egg-link", "egg"] = "dist-info"
    installer: str | None = None
    requested: bool = False
    editable: bool = False
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    provides_extra: tuple[str, ...] = ()
    direct_url: Mapping[str, object] | None = field(default=None)
