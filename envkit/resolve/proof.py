"""Proofs as data: what follows from what, without recursion, and short texts for each step."""

from __future__ import annotations

from collections.abc import Iterator

from envkit.dataclass import dataclass
from envkit.model.values import Value
from envkit.resolve.node import ROOT, Node
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Fact, Incompatibility
from envkit.resolve.uncounted import why_not
from envkit.resolve.versions import ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Value):
    """One step of a derivation: *conclusion* follows from the steps numbered in *causes*, or is a fact (no causes).

    *kind* is "derived", or of a fact "root", "dependency", "constraint", "unusable", "conditional". *project* and
    *versions* tell whom a fact is about, *requirement* what it asks for.
    """

    conclusion: str
    causes: tuple[int, ...] = ()
    kind: str = "derived"
    project: str = ""
    versions: str = ""
    requirement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation(Value):
    """A proof that there is no solution: each step follows from earlier ones, the last is the impossibility itself."""

    steps: tuple[Step, ...]

    @property
    def facts(self) -> tuple[Step, ...]:
        """The steps that do not follow from others."""
        return tuple(step for step in self.steps if not step.causes)


def ordered(proof: Incompatibility) -> list[Incompatibility]:
    """Give all that a proof rests on, causes first, each once. A proof can be thousands of steps deep."""
    done: dict[int, None] = {}
    order: list[Incompatibility] = []
    stack: list[tuple[Incompatibility, bool]] = [(proof, False)]
    while stack:
        one, ready = stack.pop()
        if id(one) in done:
            continue
        if one.parents is None or ready:
            done[id(one)] = None
            order.append(one)
        else:
            stack.append((one, True))
            stack.extend((parent, False) for parent in reversed(one.parents))
    return order


def facts_of(proof: Incompatibility) -> list[tuple[int, Fact]]:
    """Give the facts that a proof rests on, each with the versions that it is about."""
    return [(one.terms[0][1], one.fact) for one in ordered(proof) if one.fact is not None]


def to_derivation(problem: Problem, proof: Incompatibility) -> Derivation:
    """Give a solver's proof as data."""
    numbers: dict[int, int] = {}
    steps: list[Step] = []
    for one in ordered(proof):
        numbers[id(one)] = len(steps)
        fact = one.fact
        if fact is not None:
            steps.append(_fact(problem, one, fact))
        else:
            causes = tuple(numbers[id(parent)] for parent in one.parents or ())
            steps.append(Step(conclusion=_conclusion(problem, one), causes=causes))
    return Derivation(steps=tuple(steps))


def _fact(problem: Problem, one: Incompatibility, fact: Fact) -> Step:
    node = problem.nodes[fact.node]
    if fact.node == ROOT:
        return Step(conclusion=f"you ask for {wanted(problem, fact)}", kind="root", requirement=fact.text)
    versions = describe(problem, node, one.terms[0][1])
    if fact.kind == "dependency":
        subject = problem.nodes[fact.extra].label if fact.extra >= 0 else node.name
        text = f"{subject} {versions} needs {wanted(problem, fact)}"
    elif fact.kind == "constraint":
        rows = ", ".join(row.text for row in problem.inputs.constraints if row.name == node.name)
        return Step(conclusion=f"the constraint is {rows}", kind="constraint", project=node.name, requirement=rows)
    elif fact.kind == "unusable":
        text = f"{node.name} {versions} cannot be used ({fact.text})"
    else:
        text = f"{node.name} {versions} does not count: {why_not(problem, node, one.terms[0][1])}"
    return Step(conclusion=text, kind=fact.kind, project=node.name, versions=versions, requirement=fact.text)


def wanted(problem: Problem, fact: Fact) -> str:
    """Give what a fact asks for, and say so where that are the user's words and not the metadata's."""
    mine = fact.need >= 0 and problem.inputs.overrides.get(problem.nodes[fact.need].name)
    return f"{fact.text} (your override)" if mine else fact.text


def _conclusion(problem: Problem, one: Incompatibility) -> str:
    terms = [(problem.nodes[index], mask) for index, mask in one.terms if index != ROOT]
    if not terms:
        return "there is no solution"
    parts = [_term(problem, node, mask) for node, mask in terms]
    if len(parts) == 1:
        return f"{parts[0]} is impossible"
    return f"{' and '.join(parts)} cannot be together"


def _term(problem: Problem, node: Node, mask: int) -> str:
    if node.base >= 0:
        return node.label if not mask & ABSENT else f"no {node.label}"
    if mask & ABSENT:
        kept = node.full & ~mask
        return f"{node.name} other than {describe(problem, node, kept)}" if kept else f"no {node.name}"
    return f"{node.name} {describe(problem, node, mask)}"


def describe(problem: Problem, node: Node, mask: int) -> str:
    """Name the versions of a mask: "1.0", "1.0 to 1.4", "(all versions)"."""
    mask &= ~ABSENT
    every = node.full & ~ABSENT
    if mask == every and mask.bit_count() > 1:
        return "(all versions)"
    runs = list(_runs(mask, every))
    texts = [
        problem.version(node, low) if low == high else f"{problem.version(node, low)} to {problem.version(node, high)}"
        for low, high in runs
    ]
    if len(texts) > 4:
        texts = [*texts[:2], "...", *texts[-2:]]
    return ", ".join(texts) or "(no version)"


def _runs(mask: int, every: int) -> Iterator[tuple[int, int]]:
    bit = 1
    low = 0
    while every >> bit:
        if mask >> bit & 1:
            low = low or bit
        elif low:
            yield low, bit - 1
            low = 0
        bit += 1
    if low:
        yield low, bit - 1
