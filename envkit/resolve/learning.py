"""From a conflict to what it teaches: a new incompatibility, and the level to go back to."""

from __future__ import annotations

from collections.abc import Sequence

from envkit.resolve.node import ROOT, Node
from envkit.resolve.solver import Incompatibility, Unsolvable
from envkit.resolve.trail import Step, Trail


def learn(trail: Trail, nodes: Sequence[Node], conflict: Incompatibility) -> tuple[Incompatibility, int]:
    """Trace a conflict back until a single decision is to blame; give what cannot be, and the level before that decision.

    At that level all terms of what is given hold but one. Raises `Unsolvable` with the proof where nothing is to blame.
    """
    while True:
        blamed, step, level = _blame(trail, nodes, conflict)
        if step.cause is None or level < step.level:
            return conflict, level
        conflict = _resolvent(conflict, step.cause, blamed, nodes[blamed].full)


def _blame(trail: Trail, nodes: Sequence[Node], conflict: Incompatibility) -> tuple[int, Step, int]:
    """Find the step that made the last term hold, and the level at which all else held already."""
    blamed = ROOT
    blamed_mask = 0
    last: Step | None = None
    level = 0
    for node, mask in conflict.terms:
        step = trail.satisfier(node, mask)
        if last is None or step.position > last.position:
            if last is not None and last.level > level:
                level = last.level
            blamed, blamed_mask, last = node, mask, step
        elif step.level > level:
            level = step.level
    if last is None or blamed == ROOT:
        raise Unsolvable(conflict)
    if last.cause is not None:
        # The step may have needed what was known of the same node before.
        without = blamed_mask | dict(last.cause.terms)[blamed]
        if nodes[blamed].full & ~without:
            level = max(level, trail.satisfier(blamed, without).level)
    return blamed, last, level


def _resolvent(one: Incompatibility, other: Incompatibility, on: int, full: int) -> Incompatibility:
    """Combine two on a node with the candidates *full*: there they are joined, elsewhere both have to hold."""
    terms = dict(one.terms)
    for node, mask in other.terms:
        have = terms.get(node)
        if have is None:
            terms[node] = mask
        elif node == on:
            terms[node] = have | mask
        else:
            terms[node] = have & mask
    if terms[on] == full:
        del terms[on]
    return Incompatibility(tuple(terms.items()), None, (one, other))
