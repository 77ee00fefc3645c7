"""From a proof to an error that explains itself."""

from __future__ import annotations

from envkit.errors import EnvkitError, ResolutionImpossible
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Incompatibility


def to_error(problem: Problem, proof: Incompatibility | None) -> EnvkitError:
    """Give the error for a problem without a solution."""
    roots = ", ".join(sorted(row.text for row in problem.inputs.roots))
    return ResolutionImpossible(f"no choice of versions satisfies {roots}", derivation=proof)
