"""From a solver's bits to a `Resolution`: pins, edges, and who asked for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from envkit.model.identity import parse_version
from envkit.model.pin import Edge, Pin, Request
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Resolution
from envkit.resolve.dependencies import Unusable
from envkit.resolve.node import ROOT, Need, Node
from envkit.resolve.problem import Problem, Restart
from envkit.resolve.versions import is_exact

if TYPE_CHECKING:
    from packaging.version import Version

    from envkit.events import Emitter
    from envkit.resolve.solver import Solution


class _Graph:
    """What can be reached from the roots in a solution, with every requirement on the way."""

    def __init__(self, problem: Problem, solution: Solution) -> None:
        self.problem = problem
        self.solution = solution
        #: what asks for a project, and which of its candidates that allows
        self.incoming: dict[int, dict[tuple[str, str], int]] = {}
        self.outgoing: dict[int, dict[str, None]] = {}
        self.extras: dict[int, list[str]] = {}
        self.order: list[int] = []
        queue: list[int] = []
        self._follow("", ROOT, problem.root_needs(), queue)
        while queue:
            index = queue.pop()
            node = problem.nodes[index]
            if node.base < 0:
                self.order.append(index)
                self._follow(node.name, index, _certain(problem.needs(node, solution[index])), queue)
            else:
                self.extras.setdefault(node.base, []).append(node.extra or "")
                base = problem.nodes[node.base]
                self._follow(base.name, base.index, problem.extra_needs(node, solution[node.base]), queue)

    def _follow(self, name: str, index: int, needs: Iterable[Need], queue: list[int]) -> None:
        for need in needs:
            node = self.problem.nodes[need.node]
            if index != ROOT:
                self.outgoing.setdefault(index, {})[need.text] = None
            asking = self.incoming.get(need.node)
            if asking is None:
                asking = self.incoming[need.node] = {}
                queue.append(need.node)
            if node.base < 0:
                asking[name, need.text] = need.mask


def _certain(needs: Sequence[Need] | Unusable) -> Sequence[Need]:
    assert not isinstance(needs, Unusable)
    return needs


def to_resolution(problem: Problem, solution: Solution, roots: tuple[str, ...], emitter: Emitter) -> Resolution:
    """Give the resolution. Raises `Restart` where a conditional candidate was chosen that nobody asks for in the end."""
    graph = _Graph(problem, solution)
    for index in graph.order:
        _check_asked(problem, problem.nodes[index], solution[index], graph.incoming[index])
    pins = [_pin(problem, graph, problem.nodes[index], solution[index], emitter) for index in graph.order]
    pins.sort(key=lambda pin: pin.name)
    edges = {
        (parent, problem.nodes[index].name, text)
        for index in graph.order
        for parent, text in graph.incoming[index]
        if parent != problem.nodes[index].name
    }
    return Resolution(
        target=problem.catalog.rules.target,
        roots=roots,
        pins={pin.name: pin for pin in pins},
        edges=tuple(Edge(parent=parent, child=child, requirement=text) for parent, child, text in sorted(edges)),
    )


def _check_asked(problem: Problem, node: Node, bit: int, incoming: Iterable[tuple[str, str]]) -> None:
    if not node.conditional >> bit & 1 or node.preferred >> bit & 1:
        return
    request = node.request(bit)
    rows = [row for row in problem.inputs.constraints if row.name == node.name]
    if request is not None:
        from envkit.resolve.places import meets

        urls = [row.url for row in rows if row.url] + [text.partition(" @ ")[2] for _, text in incoming]
        asked = any(meets(url, request.url) for url in urls)
    else:
        texts = [row.specifier for row in rows] + [str(parse_requirement(text).specifier) for _, text in incoming]
        asked = any(is_exact(text) for text in texts)
    if not asked:
        problem.wishes.ban(node, bit)
        raise Restart


def _pin(problem: Problem, graph: _Graph, node: Node, bit: int, emitter: Emitter) -> Pin:
    request = node.request(bit)
    version = parse_version(problem.version(node, bit))
    extras: list[str] = []
    for extra in sorted(graph.extras.get(node.index, ())):
        if problem.has_extra(problem.nodes[node.extras[extra]], bit):
            extras.append(extra)
        else:
            problem.unknown_extras = True
            if emitter.active:
                from envkit.events import ExtraUnknown

                emitter(ExtraUnknown(operation=emitter.operation, project=node.name, version=str(version), extra=extra))
    candidate = problem.catalog.direct(request) if request is not None else None
    artifacts = candidate.artifacts if candidate else problem.catalog.artifacts(node.name, bit - 1)
    needs = candidate.metadata.requires_python if candidate else artifacts[0].requires_python
    latest, held_by = _newer(problem, graph, node, bit)
    return Pin(
        name=node.name,
        version=version,
        extras=tuple(extras),
        artifacts=artifacts,
        dependencies=tuple(sorted(graph.outgoing.get(node.index, ()))),
        requested_by=tuple(
            Request(by=by, requirement=text) for by, text in sorted(graph.incoming[node.index]) if by != node.name
        ),
        origin=candidate.origin if candidate else None,
        index=None if candidate else artifacts[0].index,
        requires_python=needs,
        latest=latest,
        held_by=held_by,
    )


def _newer(problem: Problem, graph: _Graph, node: Node, bit: int) -> tuple[Version | None, tuple[Request, ...]]:
    """Give the version that would be wanted if nobody narrowed the project, and who does not allow it."""
    mask = (node.stable or node.usual) & node.full
    best = node.choose(mask & ~node.preferred or mask)
    best = max(best, (mask & node.preferred).bit_length() - 1)  # newest of all, and not chosen though it was preferred
    if best <= bit or node.lowest or node.request(bit) is not None:
        return None, ()
    masks = graph.incoming[node.index]
    held = tuple(Request(by=by, requirement=text) for (by, text), mask in sorted(masks.items()) if not mask >> best & 1)
    for row in problem.inputs.constraints:
        if row.name == node.name and not problem.mask(node, row) >> best & 1:
            held = (*held, Request(by="", requirement=row.text))
    return parse_version(problem.version(node, best)), held
