"""What a solver is: from a problem to one bit for each node, or a proof that there is none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from envkit.errors import ResolutionTooDeep
from envkit.resolve.node import Need, Node
from envkit.resolve.versions import ABSENT

if TYPE_CHECKING:
    from envkit.events import Emitter
    from envkit.resolve.problem import Problem

Solution: TypeAlias = dict[int, int]


class Fact:
    """Why a set of candidates cannot be together, as far as the outside says so.

    *kind* is "dependency" (*node* within the mask of its term, with its *extra* if not -1, needs *need* within *mask*),
    "constraint", "unusable" (with *text* as reason) or "conditional" (yanked, a pre-release that is not allowed, not
    asked for).
    """

    __slots__ = ("extra", "kind", "mask", "need", "node", "text")

    def __init__(self, kind: str, node: int, text: str = "", need: int = -1, mask: int = 0, extra: int = -1) -> None:
        self.kind = kind
        self.node = node
        self.text = text
        self.need = need
        self.mask = mask
        self.extra = extra


class Incompatibility:
    """Nodes with masks that cannot all hold, as (node, mask) pairs.

    It follows from two others (``parents``), or is a ``fact``. Most are what the first node needs: those keep the `Need`,
    as searches make many thousands of them, and a proof asks for few.
    """

    __slots__ = ("_cause", "dead", "parents", "terms")

    def __init__(
        self,
        terms: tuple[tuple[int, int], ...],
        cause: Fact | Need | None,
        parents: tuple[Incompatibility, Incompatibility] | None = None,
    ) -> None:
        self.terms = terms
        self.parents = parents
        self._cause = cause
        self.dead = False

    @property
    def fact(self) -> Fact | None:
        """Why the outside says so; None where it follows from others."""
        cause = self._cause
        if isinstance(cause, Need):
            # What is ruled out of another node includes "absent", so the term that does not is the extra that asks.
            extra = next((node for node, mask in self.terms[1:] if not mask & ABSENT), -1)
            return Fact("dependency", self.terms[0][0], cause.text, cause.node, cause.mask, extra)
        return cause


class Unsolvable(Exception):
    """There is no solution; ``proof`` ends in facts. A solver that cannot prove gives None."""

    def __init__(self, proof: Incompatibility | None) -> None:
        super().__init__("there is no solution")
        self.proof = proof


class Bounds:
    """How long a solver may work, and whom it tells; it counts conflicts by project as it goes.

    One that is not *patient* looks ahead only at what is at hand: advice is not worth asking for what may never be needed.
    """

    __slots__ = ("began", "best", "conflicts", "deadline", "emitter", "max_rounds", "patient", "rounds")

    def __init__(self, emitter: Emitter, deadline: float, max_rounds: int, *, patient: bool = True) -> None:
        self.emitter = emitter
        self.began = time.monotonic()
        self.deadline = deadline
        self.max_rounds = max_rounds
        self.patient = patient
        self.rounds = 0
        self.conflicts: Counter[str] = Counter()
        self.best: Mapping[int, int] = {}

    def round(self, problem: Problem, decided: Mapping[int, int]) -> None:
        """Count one decision. Raises `Cancelled` or `ResolutionTooDeep`."""
        self.rounds += 1
        self.emitter.check()
        if self.rounds > self.max_rounds:
            raise self.too_deep(f"no answer after {self.max_rounds} rounds", problem, decided)
        if time.monotonic() > self.deadline:  # each time: one round may hold a build
            raise self.too_deep("no answer within the deadline", problem, decided)

    def too_deep(self, message: str, problem: Problem, decided: Mapping[int, int]) -> ResolutionTooDeep:
        """Give the error that says who conflicted most, and how far the best attempt came."""
        fought = [name for name, _ in sorted(self.conflicts.items(), key=lambda item: (-item[1], item[0]))[:5]]
        decided = max(decided, self.best, key=len)
        best = {
            problem.nodes[index].name: problem.version(problem.nodes[index], bit)
            for index, bit in sorted(decided.items())
            if index and problem.nodes[index].extra is None
        }
        return ResolutionTooDeep(
            message + (f"; {', '.join(fought)} conflicted most" if fought else ""),
            hint="narrow the ranges of these projects, or raise the deadline or max_rounds of the policy",
            context={"rounds": self.rounds, "conflicts": dict(self.conflicts), "best": best},
        )

    def pinned(self, problem: Problem, node: Node, bit: int, decided: int) -> None:
        """Report a decision."""
        if self.emitter.active and node.name and node.extra is None:
            from envkit.events import CandidatePinned

            version = problem.version(node, bit)
            operation = self.emitter.operation
            self.emitter(CandidatePinned(operation=operation, project=node.name, version=version, decided=decided))

    def conflict(self, node: Node, reason: str = "") -> None:
        """Count and report a conflict about *node*."""
        self.conflicts[node.name] += 1
        if self.emitter.active:
            from envkit.events import ConflictFound

            operation, count = self.emitter.operation, self.conflicts.total()
            self.emitter(ConflictFound(operation=operation, project=node.name, reason=reason, conflicts=count))

    def skipped(self, problem: Problem, node: Node, bit: int, reason: str) -> None:
        """Report a version that cannot be used."""
        if self.emitter.active:
            from envkit.events import CandidateSkipped

            version, operation = problem.version(node, bit), self.emitter.operation
            self.emitter(CandidateSkipped(operation=operation, project=node.name, version=version, reason=reason))


class Solver(Protocol):
    """Solve a problem: the same answer for the same problem, always."""

    def solve(self, problem: Problem, bounds: Bounds) -> Solution:
        """Give a bit for each node that is in the solution. Raises `Unsolvable`, `Restart`, or what *bounds* raises."""
        ...
