"""Divide a range of environments only as far as needed, and resolve each part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from envkit.dataclass import dataclass, field
from envkit.errors import EnvkitError, NoCandidate, ResolutionImpossible, ResolutionTooDeep
from envkit.events import CancelToken
from envkit.model.identity import normalize
from envkit.model.marker_sets import MarkerSets, Node
from envkit.model.marker_text import marker_of, python_bounds
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Resolution
from envkit.model.target import Target
from envkit.resolve.lock_conditions import FORK_PREFIX, Conditions
from envkit.resolve.lock_coverage import Coverage
from envkit.resolve.lock_reach import Reaching
from envkit.resolve.lock_source import UniversalSource
from envkit.resolve.ports import CandidateSource

MAX_FORKS = 64
MAX_DIVISIONS = 200
MAX_PARTS = 8
"""As many parts are made at once; where more are needed, the next outcome says so."""

_HINT = "drop it from required_environments, or allow building from source"
_CPYTHON = "add implementation_name == 'cpython' to it: otherwise PyPy is required too"
_CONSTRAINTS, _OVERRIDES = " constraints", " overrides"


class Resolves(Protocol):
    """A resolver for one target."""

    def resolve(
        self,
        requirements: Iterable[str],
        *,
        constraints: Iterable[str] = (),
        overrides: Iterable[str] = (),
        preferences: Iterable[Any] = (),
        hashes: Mapping[str, Iterable[str]] | None = None,
    ) -> Resolution:
        """See `envkit.resolve.resolver.Resolver`."""
        ...


MakeResolver: TypeAlias = Callable[[Target, CandidateSource], Resolves]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """One part of the range, what was chosen for it, and where in it each pin is needed."""

    space: Node
    resolution: Resolution
    reach: Mapping[str, Node]


@dataclass(slots=True, kw_only=True)
class Forking:
    """One universal resolution.

    *make* gives a resolver for a target and a source. *roots* are requirement texts with markers, in which extras and
    groups may be asked for. *preferred* gives the versions of an earlier lock for a part of the range, by name.
    """

    make: MakeResolver
    source: CandidateSource
    sets: MarkerSets
    roots: Sequence[str]
    constraints: Sequence[str]
    overrides: Sequence[str]
    coverage: Coverage
    reaching: Reaching
    cancel: CancelToken | None
    preferred: Callable[[Node], Mapping[str, str]]
    hashes: Mapping[str, Iterable[str]] = field(default_factory=dict[str, Iterable[str]])
    forks: list[Fork] = field(default_factory=list[Fork])
    _divisions: int = 0

    def run(self, spaces: Sequence[Node]) -> list[Fork]:
        """Resolve every space, the newest Python first. Raises what resolving raises, for the part that failed."""
        waiting = list(reversed(spaces))
        while waiting:
            space = waiting.pop()
            if self.cancel is not None:
                self.cancel.check()
            nodes = self._resolve(space)
            if not nodes:
                continue
            self._divisions += 1
            if self._divisions > MAX_DIVISIONS or len(self.forks) + len(waiting) > MAX_FORKS:
                raise ResolutionTooDeep(f"more than {MAX_FORKS} kinds of environments would need versions of their own")
            waiting += sorted(self._parts(space, nodes), key=lambda part: python_bounds(self.sets, part)[::-1])
        return self.forks

    def _parts(self, space: Node, nodes: Iterable[Node]) -> list[Node]:
        parts = [space]
        for node in nodes:
            sides = (node, self.sets.outside(node))
            divided = [self.sets.both(part, side) for part in parts for side in sides]
            divided = [part for part in divided if not self.sets.is_empty(part)]
            if len(divided) > MAX_PARTS:
                break
            parts = divided
        return parts

    def _resolve(self, space: Node) -> Sequence[Node]:
        """Resolve one space and keep the outcome, or give the sets by which it must be divided."""
        source = UniversalSource(self.source, self.sets, space, self.coverage)
        roots = self._present(source, "", self.roots)
        limits, replaced = (
            self._present(source, _CONSTRAINTS, self.constraints),
            self._present(source, _OVERRIDES, self.overrides),
        )
        apart = [text for text in (*limits, *replaced) if text.startswith(FORK_PREFIX)]
        if apart:
            return [source.conditions.fork_node(apart[0])]
        resolver = self.make(stand_in(python_bounds(self.sets, space)[0]), source)
        try:
            resolution = resolver.resolve(
                roots,
                constraints=limits,
                overrides=replaced,
                preferences=self._preferences(space),
                hashes=self.hashes,
            )
        except (ResolutionImpossible, NoCandidate) as error:
            node = self._division(source, error)
            if node is not None:
                return [node]
            raise self._explained(error, source) from error.__cause__
        reach = self.reaching.reach(resolution, space)
        nodes = list(dict.fromkeys(self._needed(source.conditions, resolution, reach)))
        if not nodes:
            self.forks.append(Fork(space=space, resolution=resolution, reach=reach))
        return nodes

    def _present(self, source: UniversalSource, what: str, texts: Sequence[str]) -> list[str]:
        return [text for text in source.conditions.evaluate(what, texts) if " ; extra == " not in text]

    def _preferences(self, space: Node) -> list[str]:
        chosen: dict[str, str] = {}
        for fork in self.forks:
            chosen |= {name: str(pin.version) for name, pin in fork.resolution.pins.items() if pin.origin is None}
        chosen |= self.preferred(space)
        return [f"{name}=={version}" for name, version in chosen.items()]

    def _needed(self, conditions: Conditions, resolution: Resolution, reach: Mapping[str, Node]) -> Iterator[Node]:
        """Yield the divisions without which a choice is not right everywhere that it is needed."""
        wished_by: dict[str, set[str]] = {}
        for edge in resolution.edges:
            if edge.child.startswith(FORK_PREFIX):
                wished_by.setdefault(edge.child, set()).add(edge.parent)
        for name, pin in resolution.pins.items():
            if name.startswith(FORK_PREFIX):
                parents = wished_by.get(name, {""})
                if "" in parents or not parents.isdisjoint(reach):
                    yield conditions.fork_node(name)
            elif name in reach:
                pythons = self.reaching.pythons(pin, resolution)
                if not self.sets.is_within(reach[name], pythons):
                    yield pythons
                if self.coverage.required and pin.origin is None:
                    lacking = self.coverage.lacks(self.reaching.served(pin, self.coverage), reach[name])
                    if lacking is not None:
                        yield lacking

    def _division(self, source: UniversalSource, error: ResolutionImpossible | NoCandidate) -> Node | None:
        """Choose a set by which to divide a space that nothing fits: a condition on which the proof rests.

        Where no step of it is under a condition that holds in a part of the space only, it holds in all of the space.
        """
        for node in (*_conditions(source, error), *source.conditions.partials()):
            inside = self.sets.both(source.space, node)
            if not self.sets.is_empty(inside) and not self.sets.is_within(source.space, node):
                return node
        return None

    def _explained(self, error: ResolutionImpossible | NoCandidate, source: UniversalSource) -> EnvkitError:
        """Say for which environments nothing fits, and whether it is for want of files."""
        marker = marker_of(self.sets, source.space)
        context = {**error.context, "environments": marker} if marker is not None else error.context
        projects = error.context.get("projects") or (error.context.get("project"),)
        for name in projects if self.coverage.required else ():
            self._look_again(source, name)
        if source.unserved:
            required = tuple(
                text for text, node in self.coverage.required.items() if self.sets.is_within(source.space, node)
            )
            return NoCandidate(
                f"no version of {', '.join(sorted(source.unserved))} that would do has a file for an environment that is "
                f"required: {' or '.join(required)}",
                hint=_HINT if all("implementation" in text for text in required) else f"{_HINT}, or {_CPYTHON}",
                context={**context, "required_environments": required, "cause": error.message},
            )
        error.context = context
        return error

    def _look_again(self, source: UniversalSource, name: str | None) -> None:
        try:
            source.page(name or "")
        except EnvkitError:
            return  # it is told already


def _conditions(source: UniversalSource, error: ResolutionImpossible | NoCandidate) -> Iterator[Node]:
    for parent, text in _facts(error):
        for one in text.split(", "):
            try:
                child = normalize(parse_requirement(one).name)
            except EnvkitError:
                continue
            for name in (parent, _OVERRIDES, _CONSTRAINTS):
                yield from source.conditions.partial(name, child)


def _facts(error: ResolutionImpossible | NoCandidate) -> Iterator[tuple[str, str]]:
    """Yield who asks for what in the proof, as names and requirement texts; "" are the roots."""
    derivation: Any = getattr(error, "derivation", None)
    for step in derivation.facts if derivation is not None else ():
        if step.requirement:
            yield ("" if step.kind == "root" else step.project), step.requirement
    if isinstance(error.context.get("requirement"), str):
        yield "", error.context["requirement"]


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
