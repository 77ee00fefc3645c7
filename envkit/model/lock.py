"""The parts of a lock: what every lock file format comes down to."""

from __future__ import annotations

from packaging.version import Version

from envkit.dataclass import dataclass
from envkit.model.candidate import Artifact
from envkit.model.source import Origin
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage(Value):
    """One version of one project, for the environments in which *marker* holds (None: in all that the lock is for).

    *name* is normalized; *version* may be None for sources (PEP 751). *artifacts* are all files of the version, wheels
    before the sdist; a file whose *url* is "" is known by name and hash only, and has to be looked up in an index.
    *dependencies* are requirement texts with their markers, for reading; *marker* alone decides. *origin* is set for what
    comes from a repository, a folder or a direct archive.
    """

    name: str
    version: Version | None = None
    marker: str | None = None
    requires_python: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    dependencies: tuple[str, ...] = ()
    origin: Origin | None = None
    index: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockChange(Value):
    """How one project differs between two locks; versions are texts, sorted, none where it is not in that lock."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
