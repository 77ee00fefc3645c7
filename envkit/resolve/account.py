"""The facts of a proof in few lines that a person can read: who asks for what, and what does not count."""

from __future__ import annotations

from collections.abc import Sequence

from envkit.model.secret import strip_credentials
from envkit.resolve.node import ROOT, Node
from envkit.resolve.passed_over import PassedOver, passed_over, specifier_of, why
from envkit.resolve.problem import Problem
from envkit.resolve.proof import describe, wanted
from envkit.resolve.solver import Fact
from envkit.resolve.uncounted import why_not
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
    lumps: dict[tuple[str, int, int, int], _Lump] = {}
    for bits, fact in facts:
        if fact.node == ROOT:
            asked[f"you ask for {wanted(problem, fact)}" + unmet(problem, fact)] = None
            continue
        lump = lumps.setdefault((fact.kind, fact.node, fact.extra, fact.need), _Lump())
        lump.bits |= bits
        lump.mask |= fact.mask
        text = wanted(problem, fact) + unmet(problem, fact) if fact.kind == "dependency" else fact.text
        lump.texts[text] = None
    lines = [*asked, *(_line(problem, *key, lump) for key, lump in lumps.items())]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more facts (see the derivation)"]
    return lines


def _line(problem: Problem, kind: str, index: int, extra: int, need: int, lump: _Lump) -> str:
    node = problem.nodes[index]
    label = problem.nodes[extra].label if extra >= 0 else node.name
    subject = f"{label} {describe(problem, node, lump.bits)}"
    if kind == "dependency":
        return f"{subject} needs {_needed(problem, problem.nodes[need], lump)}"
    if kind == "constraint":
        rows = ", ".join(row.text for row in problem.inputs.constraints if row.name == node.name)
        return f"the constraint is {rows}"
    if kind == "unusable":
        shown = list(lump.texts)
        more = f" (and {len(shown) - 1} more like it)" if len(shown) > 1 else ""
        return f"{subject} cannot be used: {shown[0].partition(': ')[2]}{more}"
    return f"{subject} does not count: {why_not(problem, node, lump.bits)}"


def _needed(problem: Problem, node: Node, lump: _Lump) -> str:
    texts = list(lump.texts)
    if len(texts) <= 2 or node.base >= 0:
        return " or ".join(texts[:2])
    if not lump.mask & ~ABSENT:
        return f"{texts[0]}, and others need {len(texts) - 1} other ranges of {node.name}, none of which can be had"
    return f"{node.name} {describe(problem, node, lump.mask)} (each in one of {len(texts)} ranges, such as {texts[0]})"


def unmet(problem: Problem, fact: Fact) -> str:
    """Say so where a requirement allows no version that there is."""
    if fact.need < 0:
        return ""
    node = problem.nodes[fact.need]
    if node.name in problem.catalog.missing and not node.direct:
        return ", which no index knows"
    if node.base >= 0 or node.releases is None or fact.mask & node.eligible:
        return ""
    places = node.full & ~node.releases.line.full
    if not node.eligible or (node.direct and specifier_of(fact, node.name) is None):
        return "" if node.direct else ", and no version can be used"
    there = [_range(problem, node, node.eligible & ~places)] if node.eligible & ~places else []
    there += [f"{problem.catalog.direct(one).version} from {strip_credentials(one.url)}" for one in node.direct]
    verb = "is" if len(there) == 1 and " to " not in there[0] else "are"
    return f", and no version fits (there {verb} {' and '.join(there)})"


def _range(problem: Problem, node: Node, mask: int) -> str:
    oldest, newest = (mask & -mask).bit_length() - 1, mask.bit_length() - 1
    low, high = problem.version(node, oldest), problem.version(node, newest)
    return low if low == high else f"{low} to {high}"


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
