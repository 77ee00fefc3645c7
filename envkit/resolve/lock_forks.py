"""Divide a range of environments only as far as needed, and resolve each part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from packaging.version import Version

from envkit.errors import NoCandidate, ResolutionImpossible, ResolutionTooDeep
from envkit.events import CancelToken
from envkit.model.marker_sets import MarkerSets, Node
from envkit.model.marker_text import marker_of, python_bounds, set_of
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Pin, Resolution
from envkit.model.target import Target
from envkit.resolve.lock_source import ForkNeeded, UniversalSource
from envkit.resolve.ports import CandidateSource

MAX_FORKS = 64
MAX_DIVISIONS = 200


class Resolves(Protocol):
    """A resolver for one target."""

    def resolve(
        self,
        requirements: Iterable[str],
        *,
        constraints: Iterable[str] = (),
        overrides: Iterable[str] = (),
        preferences: Iterable[Any] = (),
    ) -> Resolution:
        """See `envkit.resolve.resolver.Resolver`."""
        ...


MakeResolver: TypeAlias = Callable[[Target, CandidateSource], Resolves]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """One part of the range, and what was chosen for it; *source* maps artifacts and metadata back."""

    space: Node
    resolution: Resolution
    source: UniversalSource


@dataclass(slots=True, kw_only=True)
class Forking:
    """One universal resolution.

    *make* gives a resolver for a target and a source. *roots* are requirement texts with markers, in which extras and
    groups may be asked for. *preferred* are versions of earlier locks, by name.
    """

    make: MakeResolver
    source: CandidateSource
    sets: MarkerSets
    roots: Sequence[str]
    constraints: Sequence[str]
    overrides: Sequence[str]
    cancel: CancelToken | None
    preferred: Mapping[str, str]
    forks: list[Fork] = field(default_factory=list[Fork])
    _divisions: int = 0

    def run(self, spaces: Sequence[Node]) -> list[Fork]:
        """Resolve every space, the newest Python first. Raises what resolving raises, for the part that failed."""
        waiting = list(reversed(spaces))
        while waiting:
            space = waiting.pop()
            if self.cancel is not None:
                self.cancel.check()
            parts = self._resolve(space)
            if parts is None:
                continue
            self._divisions += 1
            if self._divisions > MAX_DIVISIONS or len(self.forks) + len(waiting) > MAX_FORKS:
                raise ResolutionTooDeep(f"more than {MAX_FORKS} kinds of environments would need versions of their own")
            waiting += sorted(parts, key=lambda part: python_bounds(self.sets, part)[::-1])
        return self.forks

    def _resolve(self, space: Node, *, digests: bool = True) -> list[Node] | None:
        """Resolve one space and keep the outcome (None), or give the parts that it must be divided into."""
        source = UniversalSource(self.source, self.sets, space, digests=digests)
        try:
            roots, constraints, overrides = (
                self._present(source, texts) for texts in (self.roots, self.constraints, self.overrides)
            )
            resolver = self.make(stand_in(python_bounds(self.sets, space)[0]), source)
            resolution = resolver.resolve(
                roots, constraints=constraints, overrides=overrides, preferences=self._preferences()
            )
        except ForkNeeded as need:
            return self._divide(space, set_of(self.sets, need.marker))
        except (ResolutionImpossible, NoCandidate) as error:
            node = self._division(source, space, _mentioned(error))
            if node is not None:
                return self._divide(space, node)
            if digests:  # what was read from digests told no markers
                return self._resolve(space, digests=False)
            marker = marker_of(self.sets, space)
            if marker is not None:
                error.context = {**error.context, "environments": marker}
            raise
        self.forks.append(Fork(space=space, resolution=resolution, source=source))
        return None

    def _present(self, source: UniversalSource, texts: Sequence[str]) -> list[str]:
        conditionals = [source.conditional(parse_requirement(text), "") for text in texts]
        kept = [one for one in conditionals if not self.sets.is_empty(self.sets.both(one.node, source.space))]
        for one in kept:
            if not self.sets.is_within(source.space, one.node):
                source.seen.setdefault(one.name, {})[one.node] = None
        for text in source.forks_of(kept):
            source.page(text)  # raises the division
        return [one.text for one in kept]

    def _preferences(self) -> list[str]:
        chosen = dict(self.preferred)
        for fork in self.forks:
            chosen |= {name: str(pin.version) for name, pin in fork.resolution.pins.items() if pin.origin is None}
        return [f"{name}=={version}" for name, version in chosen.items()]

    def _divide(self, space: Node, node: Node) -> list[Node]:
        parts = [self.sets.both(space, node), self.sets.both(space, self.sets.outside(node))]
        return [part for part in parts if not self.sets.is_empty(part)]

    def _division(self, source: UniversalSource, space: Node, mentioned: set[str]) -> Node | None:
        """Choose a set by which to divide a space that nothing fits; what the failure mentions comes first."""
        for names in (sorted(mentioned & set(source.seen)), sorted(set(source.seen) - mentioned)):
            for name in names:
                for node in source.seen[name]:
                    inside = self.sets.both(space, node)
                    if not self.sets.is_empty(inside) and not self.sets.is_within(space, node):
                        return node
        return None


def _mentioned(error: ResolutionImpossible | NoCandidate) -> set[str]:
    text = f"{error.message} {error.context} {getattr(error, 'derivation', '')}"
    word = ""
    found: set[str] = set()
    for character in text.lower():
        if character.isalnum() or character in "-_.":
            word += character
        else:
            found.add(word.strip("."))
            word = ""
    return {name.replace("_", "-").replace(".", "-") for name in (*found, word) if name}


def stand_in(python: tuple[int, int]) -> Target:
    """Give the target that stands for a whole space; its markers are asked nothing but extras."""
    version = f"{python[0]}.{python[1]}"
    markers = {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }
    return Target(python=f"{version}.0", markers=markers, tags=("py3-none-any", "py2-none-any"))


def pin_key(pin: Pin) -> tuple[str, Version, str]:
    """Tell pins of one project apart: by version, and by where they come from."""
    return pin.name, pin.version, pin.origin.url if pin.origin is not None else ""
