"""Exact pins and places that a search did not get to: what it ruled out for the want of them may count after all."""

from __future__ import annotations

from collections.abc import Iterable

from envkit.errors import Cancelled, EnvkitError
from envkit.resolve.catalog import Allowance
from envkit.resolve.dependencies import Unusable
from envkit.resolve.node import ROOT, Need
from envkit.resolve.problem import Problem, Restart
from envkit.resolve.proof import ordered
from envkit.resolve.solver import Incompatibility

MAX_NODES = 2_000
READS = 100
"""How often metadata may be read that is not at hand: what is looked at was read ahead of the search, as a rule."""


def late_pins(problem: Problem, proof: Incompatibility) -> bool:
    """Whether somebody asks for exactly what *proof* rests on the lack of: a yanked version, or a place for a project.

    Follows the most wanted version of each project, as far as it can be read without a build. True where something is new
    that counts: then the search has to begin anew.
    """
    if not any(_lacks(problem, one) for one in ordered(proof)):
        return False
    catalog = problem.catalog
    before, catalog.allowance = catalog.allowance, Allowance(READS)
    try:
        return _walk(problem)
    finally:
        catalog.allowance = before


def _walk(problem: Problem) -> bool:
    masks: dict[int, int] = {}
    found = False
    _narrow(masks, problem.root_needs())
    at = ROOT
    while (at := at + 1) < min(len(problem.nodes), MAX_NODES):
        node = problem.nodes[at]
        base = node if node.base < 0 else problem.nodes[node.base]
        bit = base.choose(masks.get(base.index, base.full) & base.allowed)
        if not bit:
            continue
        try:
            needs = problem.needs(node, bit) if node is base else problem.extra_needs(node, bit)
        except Restart:
            found = True
        except Cancelled:
            raise
        except EnvkitError:
            continue  # it may never be wanted
        else:
            _narrow(masks, () if isinstance(needs, Unusable) else needs)
    return found


def _lacks(problem: Problem, one: Incompatibility) -> bool:
    """Whether a fact is that nobody asks for exactly a candidate, or that nothing there is will do."""
    fact = one.fact
    if fact is None:
        return False
    if fact.kind == "conditional":
        node = problem.nodes[fact.node]
        assert node.releases is not None
        forbidden = node.releases.prereleases if problem.prereleases(node.name) == "disallow" else 0
        return bool(one.terms[0][1] & node.conditional & ~forbidden)
    return fact.need > ROOT and not fact.mask & problem.nodes[fact.need].eligible


def _narrow(masks: dict[int, int], needs: Iterable[Need]) -> None:
    for need in needs:
        masks[need.node] = masks.get(need.node, -1) & need.mask or need.mask
