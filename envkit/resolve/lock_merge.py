"""From the forks of a universal resolution to packages with markers."""

from __future__ import annotations

from collections.abc import Sequence

from envkit.model.candidate import Artifact
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import EMPTY, MarkerSets, Node
from envkit.model.marker_text import marker_of
from envkit.model.resolution import Pin
from envkit.resolve.lock_forks import Fork
from envkit.resolve.lock_reach import Key, Reaching, pin_key


class _Merged:
    """One pin of all forks that chose it: where it is needed, and its files that any of them can use."""

    __slots__ = ("files", "fork", "node", "pin")

    def __init__(self, pin: Pin, fork: Fork) -> None:
        self.pin = pin
        self.fork = fork
        self.node: Node = EMPTY
        self.files: dict[str | None, Artifact] = {}


def merge(forks: Sequence[Fork], reaching: Reaching, sets: MarkerSets, *, whole: Node) -> tuple[LockedPackage, ...]:
    """Unite equal pins. Gives the packages by name and version."""
    merged: dict[Key, _Merged] = {}
    for fork in forks:
        for name, node in fork.reach.items():
            pin = fork.resolution.pins[name]
            key = pin_key(pin)
            one = merged.get(key)
            if one is None:
                one = merged[key] = _Merged(pin, fork)
            one.node = sets.either(one.node, node)
            for artifact in pin.artifacts:
                one.files.setdefault(artifact.provenance or artifact.url, artifact)
    packages = [_package(one, reaching, sets, whole) for one in merged.values()]
    return tuple(sorted(packages, key=lambda one: (one.name, one.version, one.marker or "")))


def _package(one: _Merged, reaching: Reaching, sets: MarkerSets, whole: Node) -> LockedPackage:
    pin = one.pin
    metadata = reaching.facts(pin, one.fork.resolution).metadata
    files = one.files.values()
    artifacts = files if pin.origin is not None else map(reaching.file, files)
    ordered = tuple(sorted(artifacts, key=lambda file: (not file.is_wheel, file.filename)))
    pythons = sorted({file.requires_python for file in ordered if file.requires_python})
    return LockedPackage(
        name=pin.name,
        version=pin.version,
        marker=marker_of(sets, one.node, whole),
        requires_python=pythons[0] if len(pythons) == 1 else metadata.requires_python,
        artifacts=ordered,
        dependencies=metadata.requires_dist,
        origin=pin.origin,
        index=pin.index,
    )
