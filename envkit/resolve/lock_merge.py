"""From the forks of a universal resolution to packages with markers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from envkit.model.candidate import CoreMetadata
from envkit.model.identity import normalize
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import EMPTY, MarkerSets, Node
from envkit.model.marker_text import marker_of
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Pin
from envkit.resolve.lock_forks import Fork, pin_key
from envkit.resolve.lock_source import original
from envkit.resolve.ports import DirectRequest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_Key = tuple[str, object, str]


class Merging:
    """Follows real dependencies with their real markers through each fork, and unites equal pins."""

    def __init__(self, sets: MarkerSets, roots: Sequence[str], overrides: Sequence[str], *, whole: Node) -> None:
        self._sets = sets
        self._roots = roots
        self._overrides: dict[str, list[str]] = {}
        for text in overrides:
            self._overrides.setdefault(normalize(parse_requirement(text).name), []).append(text)
        self._whole = whole
        self._nodes: dict[_Key, Node] = {}
        self._pins: dict[_Key, tuple[Pin, CoreMetadata]] = {}

    def run(self, forks: Sequence[Fork]) -> tuple[LockedPackage, ...]:
        """Give the packages, by name and version."""
        for fork in forks:
            self._follow(fork)
        packages = [self._package(key) for key in self._pins]
        return tuple(sorted(packages, key=lambda one: (one.name, one.version, one.marker or "")))

    def _follow(self, fork: Fork) -> None:
        sets, pins = self._sets, fork.resolution.pins
        known = {name: self._metadata(fork, pin) for name, pin in pins.items()}
        reach: dict[tuple[str, str], Node] = {}
        waiting: list[tuple[str, str]] = []

        def arrive(texts: Sequence[str], within: Node, extra: str) -> None:
            for text in texts:
                start = _NAME.match(text)
                child = normalize(start[0]) if start is not None else ""
                if child not in pins:  # most are for extras that nobody asked for, and parsing is what costs
                    continue
                requirement = parse_requirement(text)
                node = sets.both(within, fork.source.conditional(requirement, extra).node)
                for wanted in ("", *map(normalize, requirement.extras)):
                    key = (child, wanted)
                    united = sets.either(reach.get(key, EMPTY), node)
                    if united != reach.get(key, EMPTY):
                        reach[key] = united
                        waiting.append(key)

        arrive(self._replaced(self._roots), fork.space, "")
        while waiting:
            name, extra = waiting.pop()
            arrive(self._replaced(known[name].requires_dist), reach[name, extra], extra)
        for name, pin in pins.items():
            node = reach.get((name, ""), EMPTY)
            if not sets.is_empty(node):
                key = pin_key(pin)
                self._nodes[key] = sets.either(self._nodes.get(key, EMPTY), node)
                self._pins.setdefault(key, (pin, known[name]))

    def _replaced(self, texts: Sequence[str]) -> list[str]:
        if not self._overrides:
            return list(texts)
        found: list[str] = []
        for text in texts:
            requirement = parse_requirement(text)
            news = self._overrides.get(normalize(requirement.name))
            found += [text] if news is None else [_and(new, str(requirement.marker or "")) for new in news]
        return found

    def _metadata(self, fork: Fork, pin: Pin) -> CoreMetadata:
        source = fork.source.source
        if pin.origin is not None:
            for edge in fork.resolution.edges:
                if edge.child == pin.name:
                    url = parse_requirement(edge.requirement).url
                    if url:
                        return source.direct(
                            DirectRequest(url=url, name=pin.name, editable=pin.origin.editable)
                        ).metadata
            return source.direct(DirectRequest(url=pin.origin.url, name=pin.name)).metadata
        return source.metadata(pin.name, pin.version, [original(artifact) for artifact in pin.artifacts])

    def _package(self, key: _Key) -> LockedPackage:
        pin, metadata = self._pins[key]
        artifacts = pin.artifacts if pin.origin is not None else tuple(map(original, pin.artifacts))
        pythons = sorted({one.requires_python for one in artifacts if one.requires_python})
        return LockedPackage(
            name=pin.name,
            version=pin.version,
            marker=marker_of(self._sets, self._nodes[key], self._whole),
            requires_python=pythons[0] if len(pythons) == 1 else metadata.requires_python,
            artifacts=tuple(sorted(artifacts, key=lambda one: (not one.is_wheel, one.filename))),
            dependencies=metadata.requires_dist,
            origin=pin.origin,
            index=pin.index,
        )


def _and(text: str, marker: str) -> str:
    if not marker:
        return text
    requirement = parse_requirement(text)
    own = f"({requirement.marker}) and " if requirement.marker is not None else ""
    return f"{text.partition(';')[0].strip()} ; {own}({marker})"
