"""The facts of a proof in few lines that a person can read: who asks for what, and what does not count."""

from __future__ import annotations

from collections.abc import Sequence

from envkit.resolve.node import ROOT, Node
from envkit.resolve.passed_over import PassedOver, passed_over, specifier_of, why
from envkit.resolve.problem import Problem
from envkit.resolve.proof import describe
from envkit.resolve.solver import Fact
from envkit.resolve.versions import ABSENT

MAX_LINES = 12
MAX_PROJECTS = 8


class _Lump:
    """Facts of one kind between two projects: about the versions *bits*, asking for *texts*, all of which allow *mask*."""

    __slots__ = ("bits", "mask", "texts")

    def __init__(self) -> None:
        self.bits = 0
        self.mask = 0
        self.texts: dict[str, None] = {}


def account(problem: Problem, facts: Sequence[tuple[int, Fact]]) -> list[str]:
    """Tell the facts of a proof: one line for each pair of projects, however many versions it is about."""
    asked: dict[str, None] = {}
    lumps: dict[tuple[str, int, int], _Lump] = {}
    for bits, fact in facts:
        if fact.node == ROOT:
            asked[f"you ask for {fact.text}" + unmet(problem, fact)] = None
            continue
        lump = lumps.setdefault((fact.kind, fact.node, fact.need), _Lump())
        lump.bits |= bits
        lump.mask |= fact.mask
        lump.texts[fact.text + (unmet(problem, fact) if fact.kind == "dependency" else "")] = None
    lines = [*asked, *(_line(problem, *key, lump) for key, lump in lumps.items())]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more facts (see the derivation)"]
    return lines


def _line(problem: Problem, kind: str, index: int, need: int, lump: _Lump) -> str:
    node = problem.nodes[index]
    subject = f"{node.name} {describe(problem, node, lump.bits)}"
    if kind == "dependency":
        return f"{subject} needs {_needed(problem, problem.nodes[need], lump)}"
    if kind == "constraint":
        rows = ", ".join(row.text for row in problem.inputs.constraints if row.name == node.name)
        return f"the constraint is {rows}"
    if kind == "unusable":
        shown = list(lump.texts)
        more = f" (and {len(shown) - 1} more like it)" if len(shown) > 1 else ""
        return f"{subject} cannot be used: {shown[0].partition(': ')[2]}{more}"
    return f"{subject} does not count: {_conditional(node, lump.bits)}"


def _needed(problem: Problem, node: Node, lump: _Lump) -> str:
    wanted = list(lump.texts)
    if len(wanted) <= 2 or node.base >= 0:
        return " or ".join(wanted[:2])
    if not lump.mask & ~ABSENT:
        return f"{wanted[0]}, and others need {len(wanted) - 1} other ranges of {node.name}, none of which can be had"
    return (
        f"{node.name} {describe(problem, node, lump.mask)} (each in one of {len(wanted)} ranges, such as {wanted[0]})"
    )


def unmet(problem: Problem, fact: Fact) -> str:
    """Say so where a requirement allows no version that there is."""
    if fact.need < 0:
        return ""
    node = problem.nodes[fact.need]
    if node.name in problem.catalog.missing:
        return ", which no index knows"
    if node.base >= 0 or node.releases is None or node.direct:
        return ""
    specifier = specifier_of(fact, node.name)
    if specifier is None or node.releases.line.mask(specifier) & node.eligible:
        return ""
    if not node.eligible:
        return ", and no version can be used"
    oldest, newest = (node.eligible & -node.eligible).bit_length() - 1, node.eligible.bit_length() - 1
    if oldest == newest:
        return f", and no version fits (there is {problem.version(node, newest)})"
    return f", and no version fits (there are {problem.version(node, oldest)} to {problem.version(node, newest)})"


def _conditional(node: Node, bits: int) -> str:
    reasons: list[str] = []
    if node.releases is not None:
        if bits & node.releases.yanked:
            reasons.append("yanked, and nothing asks for exactly it")
        if bits & node.releases.prereleases:
            reasons.append("a pre-release, which the policy does not allow")
    return " or ".join(reasons) or "nothing asks for exactly it"


def overlooked(problem: Problem, facts: Sequence[tuple[int, Fact]]) -> list[PassedOver]:
    """Give the versions that might have helped, had they a usable file, by project."""
    found: list[PassedOver] = []
    for index in dict.fromkeys(fact.need for _, fact in facts if fact.need >= 0):
        over = passed_over(problem, problem.nodes[index], facts) if len(found) < MAX_PROJECTS else None
        if over is not None:
            found.append(over)
    return found


def overlooked_lines(problem: Problem, overs: Sequence[PassedOver]) -> list[str]:
    """Say of each project which versions have no usable file, and why."""
    return [f"{over.subject} cannot be used: {why(problem, over)}" for over in overs]
