"""Versions that have usable files and do not count all the same: yanked ones, and pre-releases that a policy forbids."""

from __future__ import annotations

from envkit.errors import EnvkitError
from envkit.model.candidate import Rejection
from envkit.resolve.node import Node
from envkit.resolve.problem import Problem
from envkit.resolve.versions import ABSENT

MAX_VERSIONS = 200
_LONGEST = 120


def uncounted(problem: Problem, node: Node, mask: int) -> tuple[Rejection, ...]:
    """Give the versions of a project among *mask* that do not count, the newest first, with the reason."""
    assert node.releases is not None
    line = node.releases.line
    off = mask & line.full & ~ABSENT & ~node.eligible
    found: list[Rejection] = []
    while off and len(found) < MAX_VERSIONS:
        bit = off.bit_length() - 1
        off ^= 1 << bit
        subject = f"{node.name} {line.texts[bit - 1]}"
        if _forbidden(problem, node, 1 << bit):
            found.append(Rejection(subject=subject, reason="pre-release", detail="the policy does not allow it"))
        else:
            found.append(Rejection(subject=subject, reason="yanked", detail=_said(problem, node, 1 << bit)))
    return tuple(found)


def why_not(problem: Problem, node: Node, bits: int) -> str:
    """Say why the versions *bits* of a project do not count."""
    reasons: list[str] = []
    if node.releases is not None:
        yanked = bits & node.releases.yanked
        if yanked:
            said = _said(problem, node, yanked)
            reasons.append(f"yanked{f' ({said})' if said else ''}, and nothing asks for exactly it")
        if _forbidden(problem, node, bits):
            reasons.append("a pre-release, which the policy does not allow")
    return " or ".join(reasons) or "nothing asks for exactly it"


def _forbidden(problem: Problem, node: Node, bits: int) -> bool:
    assert node.releases is not None
    return bool(bits & node.releases.prereleases) and problem.prereleases(node.name) == "disallow"


def _said(problem: Problem, node: Node, bits: int) -> str:
    """Give the reason for which the newest of these versions was yanked; "" where there is none, or it cannot be read."""
    try:
        files = problem.catalog.artifacts(node.name, bits.bit_length() - 2)
    except EnvkitError:
        return ""
    text = " ".join((files[0].yanked or "").split()) if files else ""
    return "".join(char for char in text if char.isprintable())[:_LONGEST]
