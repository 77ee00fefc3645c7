"""The parts of a resolution: pins, edges, and who asked for what."""

from __future__ import annotations

from packaging.version import Version

from envkit.dataclass import dataclass
from envkit.model import source
from envkit.model.artifact import Artifact
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Value):
    """Who asked for a project, with which requirement text; *by* is a normalized name, or "" for the user."""

    by: str
    requirement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge(Value):
    """*parent* ("" for the user) depends on *child* through *requirement*."""

    parent: str
    child: str
    requirement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin(Value):
    """One chosen version.

    *name* is normalized; *extras* are normalized, sorted and those that were asked for; *artifacts* are the usable files
    of the version, the preferred one first; *dependencies* are the requirement texts that hold for the target with these
    extras; *origin* is set for what did not come from an index, *index* names the index otherwise.

    Where a newer version could have been used on the target, *latest* is the newest of them and *held_by* the requests
    that do not allow it; none of them means that something it needs did not fit, or that an older one was preferred.
    """

    name: str
    version: Version
    extras: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    dependencies: tuple[str, ...] = ()
    requested_by: tuple[Request, ...] = ()
    origin: source.Origin | None = None
    index: str | None = None
    requires_python: str | None = None
    latest: Version | None = None
    held_by: tuple[Request, ...] = ()
