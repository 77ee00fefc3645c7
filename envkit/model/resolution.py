"""The outcome of resolving: a pin for each project, and who asked for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.version import Version

from envkit.model.candidate import Artifact
from envkit.model.source import Origin
from envkit.model.target import Target
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
    """

    name: str
    version: Version
    extras: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    dependencies: tuple[str, ...] = ()
    requested_by: tuple[Request, ...] = ()
    origin: Origin | None = None
    index: str | None = None
    requires_python: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution(Value):
    """A choice of versions that satisfies every requirement on *target*.

    *roots* are the requirements as given, *pins* map normalized names to pins in name order.
    """

    target: Target
    roots: tuple[str, ...]
    pins: Mapping[str, Pin]
    edges: tuple[Edge, ...]
