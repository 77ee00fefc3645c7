"""Who needs whom among installed distributions: trees, reasons and orphans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envkit.dataclass import dataclass
from envkit.errors import RequirementError
from envkit.inspection.problems import fits
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.requirement import marker_holds, parse_requirement
from envkit.model.secret import mask_credentials
from envkit.model.values import Value

MAX_TREE_NODES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency(Value):
    """*parent* needs *child* (both normalized) through *requirement*; *met* tells whether what is installed fits.

    *extra* names the extra of the parent that brings it, "" for none.
    """

    parent: str
    child: str
    requirement: str
    met: bool
    extra: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode(Value):
    """A distribution in a tree. *version* is None for what is missing; *repeated* marks one whose branch was shown before.

    *requirement* is the text through which the node above and this one are joined, *met* whether it is fulfilled;
    *cycle* marks a node that stands above itself.
    """

    name: str
    version: str | None
    requirement: str | None = None
    met: bool = True
    repeated: bool = False
    cycle: bool = False
    children: tuple[TreeNode, ...] = ()


class DependencyGraph:
    """The graph of what is installed. An extra counts as used where a requirement of something installed asks for it."""

    def __init__(self, distributions: Iterable[InstalledDistribution], markers: Mapping[str, str]) -> None:
        self.distributions: dict[str, InstalledDistribution] = {normalize(one.name): one for one in distributions}
        self._markers = markers
        self.edges: list[Dependency] = []
        self.children: dict[str, list[Dependency]] = {}
        self.parents: dict[str, list[Dependency]] = {}
        waiting: list[tuple[str, str]] = [(name, "") for name in self.distributions]
        seen = set(waiting)
        while waiting:
            name, extra = waiting.pop()
            for edge, extras in self._edges_of(name, extra):
                self.edges.append(edge)
                for wanted in extras:
                    key = (edge.child, wanted)
                    if edge.child in self.distributions and key not in seen:
                        seen.add(key)
                        waiting.append(key)
        unique = {(edge.parent, edge.child, edge.requirement): edge for edge in reversed(self.edges)}
        self.edges = [unique[key] for key in sorted(unique)]
        for edge in self.edges:
            self.children.setdefault(edge.parent, []).append(edge)
            self.parents.setdefault(edge.child, []).append(edge)

    def _edges_of(self, name: str, extra: str) -> Iterable[tuple[Dependency, tuple[str, ...]]]:
        for text in self.distributions[name].requires_dist:
            try:
                wanted = parse_requirement(text)
                if wanted.marker is None:
                    holds = not extra
                else:
                    holds = marker_holds(wanted.marker, {**self._markers, "extra": extra})
                    if holds and extra:
                        holds = not marker_holds(wanted.marker, {**self._markers, "extra": ""})
            except RequirementError:
                continue
            if holds:
                child = normalize(wanted.name)
                found = self.distributions.get(child)
                edge = Dependency(
                    parent=name,
                    child=child,
                    requirement=mask_credentials(str(wanted)),
                    met=found is not None and fits(wanted, found.version),
                    extra=extra,
                )
                yield edge, tuple(normalize(one) for one in wanted.extras)

    def roots(self) -> tuple[str, ...]:
        """Give the names that nothing else needs, and one of each cycle that nothing else reaches; sorted."""
        names = sorted(self.distributions)
        roots = [name for name in names if not any(edge.parent != name for edge in self.parents.get(name, ()))]
        reached = self.reachable(roots)
        for name in names:
            if name not in reached:
                roots.append(name)
                reached |= self.reachable([name])
        return tuple(sorted(roots))

    def reachable(self, names: Iterable[str]) -> set[str]:
        """Give *names* and all that they need, as far as it is installed."""
        waiting = [name for name in names if name in self.distributions]
        found = set(waiting)
        while waiting:
            for edge in self.children.get(waiting.pop(), ()):
                if edge.child in self.distributions and edge.child not in found:
                    found.add(edge.child)
                    waiting.append(edge.child)
        return found

    def tree(
        self, names: Iterable[str] = (), *, inverted: bool = False, depth: int | None = None
    ) -> tuple[TreeNode, ...]:
        """Give trees below *names* (none: below what nothing else needs); *inverted* shows who needs them.

        *depth* limits the levels below the top. A branch is shown once; where it comes again it is marked ``repeated``.
        """
        tops: list[str] = [normalize(name) for name in names]
        if not tops:
            tops = list(self._leaves() if inverted else self.roots())
        builder = _TreeBuilder(self, inverted=inverted, depth=depth if depth is not None else 1_000)
        return tuple(builder.build(name, None, ()) for name in tops)

    def _leaves(self) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.distributions if not self.children.get(name)))

    def why(self, name: str, *, limit: int = 100) -> tuple[tuple[Dependency, ...], ...]:
        """Give chains of dependencies from what was asked for, or from what nothing needs, to *name*; short ones first.

        A chain without links means that *name* itself was asked for. No chain means that it is not installed.
        """
        wanted: str = normalize(name)
        if wanted not in self.distributions:
            return ()
        tops = set(self.roots()) | {key for key, one in self.distributions.items() if one.requested}
        chains: list[tuple[Dependency, ...]] = [()] if wanted in tops else []
        level: list[tuple[Dependency, ...]] = [
            (edge,) for edge in self.parents.get(wanted, ()) if edge.parent != wanted
        ]
        seen: set[str] = {wanted}
        while level and len(chains) < limit:
            following: list[tuple[Dependency, ...]] = []
            for chain in level:
                parent = chain[0].parent
                if parent in tops and len(chains) < limit:
                    chains.append(chain)
                if parent in seen:
                    continue
                seen.add(parent)
                visited = {edge.child for edge in chain} | {parent}
                following += [(edge, *chain) for edge in self.parents.get(parent, ()) if edge.parent not in visited]
            level = following
        return tuple(chains)

    def orphans(self, keep: Iterable[str] = ()) -> tuple[str, ...]:
        """Give what was pulled in and is needed no longer, sorted: nothing requested, and nothing in *keep*, needs it.

        Where no installer recorded what was requested, everything that nothing needs counts as requested.
        """
        requested = {name for name, one in self.distributions.items() if one.requested or one.editable}
        if not requested:
            requested = set(self.roots())
        needed = self.reachable({*requested, *(normalize(name) for name in keep)})
        return tuple(sorted(set(self.distributions) - needed))


class _TreeBuilder:
    def __init__(self, graph: DependencyGraph, *, inverted: bool, depth: int) -> None:
        self._graph = graph
        self._edges = graph.parents if inverted else graph.children
        self._inverted = inverted
        self._depth = min(depth, 200)
        self._shown: set[str] = set()
        self._count = 0

    def build(self, name: str, edge: Dependency | None, above: tuple[str, ...]) -> TreeNode:
        one = self._graph.distributions.get(name)
        self._count += 1
        cycle = name in above
        repeated = not cycle and name in self._shown and bool(self._edges.get(name))
        children: tuple[TreeNode, ...] = ()
        if one is not None and not cycle and not repeated and len(above) < self._depth and self._count < MAX_TREE_NODES:
            self._shown.add(name)
            below = self._edges.get(name, ())
            children = tuple(
                self.build(step.parent if self._inverted else step.child, step, (*above, name)) for step in below
            )
        return TreeNode(
            name=one.name if one is not None else name,
            version=one.version if one is not None else None,
            requirement=edge.requirement if edge is not None else None,
            met=edge.met if edge is not None else True,
            repeated=repeated,
            cycle=cycle,
            children=children,
        )
