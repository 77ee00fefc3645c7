"""From a proof to an error that explains itself: who wants what, why files do not count, and what would help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from envkit.errors import EnvkitError, NoCandidate, ProjectNotFound, ResolutionImpossible
from envkit.model.candidate import Rejection
from envkit.resolve.account import account, overlooked, overlooked_lines, unmet
from envkit.resolve.builds import as_data, failed_builds, tails, where
from envkit.resolve.names import near_misses
from envkit.resolve.node import ROOT, Node
from envkit.resolve.passed_over import PassedOver, passed_over, why
from envkit.resolve.problem import Problem
from envkit.resolve.proof import describe, facts_of, to_derivation, wanted
from envkit.resolve.solver import Bounds, Fact, Incompatibility
from envkit.resolve.suggest import Suggestion, suggest
from envkit.resolve.unasked import HINT, unasked, unasked_lines
from envkit.resolve.uncounted import uncounted, why_not

MAX_REJECTIONS = 200
_Facts: TypeAlias = Sequence[tuple[int, Fact]]


def to_error(problem: Problem, proof: Incompatibility, bounds: Bounds) -> EnvkitError:
    """Give the error for a problem without a solution."""
    facts = facts_of(proof)
    simple = _unknown(problem, facts) or _without_candidates(problem, facts, bounds)
    if simple is not None:
        return simple
    overs = overlooked(problem, facts)
    others = unasked(problem, _needed(problem, facts))
    lines = [*account(problem, facts), *overlooked_lines(problem, overs), *unasked_lines(others)]
    unknown = [name for name in _needed(problem, facts) if name in problem.catalog.missing]
    meant = [_did_you_mean(_near(problem, name)) for name in dict.fromkeys(unknown)]
    suggestions = suggest(problem, facts, overs, bounds)
    builds = failed_builds(problem, (problem.nodes[fact.node].name for _, fact in facts if fact.kind == "unusable"))
    projects = {problem.nodes[fact.node].name for _, fact in facts}
    rejections = _rejections(problem, facts, overs, others)
    context: dict[str, Any] = {
        "requirements": tuple(sorted(row.text for row in problem.inputs.roots)),
        "account": tuple(lines),
        "projects": tuple(sorted(projects - {""})),
        "rejections": {name: tuple(one.to_dict() for one in found) for name, found in rejections.items()},
        "builds": as_data(builds),
        "suggestions": tuple(one.to_dict() for one in suggestions),
        "conflicts": dict(bounds.conflicts.most_common(10)),
    }
    return ResolutionImpossible(
        "no choice of versions satisfies every requirement: " + "; ".join(lines) + tails(builds),
        hint=_hints(
            _hint(suggestions) or _policy_hint([one for found in rejections.values() for one in found]),
            *meant,
            HINT if others else None,
            where(builds),
        ),
        context=context,
        derivation=to_derivation(problem, proof),
        suggestions=suggestions,
    )


def _needed(problem: Problem, facts: _Facts) -> list[str]:
    """Give the projects of which the proof says that somebody needs them."""
    needs = [problem.nodes[fact.need] for _, fact in facts if fact.need >= 0]
    return [node.name for node in needs if node.base < 0 and not node.direct]


def _rejections(
    problem: Problem, facts: _Facts, overs: Iterable[PassedOver], others: Mapping[str, tuple[Rejection, ...]]
) -> dict[str, tuple[Rejection, ...]]:
    """Give all that was passed over and might have helped, by project."""
    found = {over.name: over.rejections[:MAX_REJECTIONS] for over in overs}
    for bits, fact in facts:
        node = problem.nodes[fact.node]
        if fact.kind == "conditional":
            found[node.name] = (*found.get(node.name, ()), *uncounted(problem, node, bits))
    for name, rejections in others.items():
        found[name] = (*found.get(name, ()), *rejections)
    return found


def _hints(*hints: str | None) -> str | None:
    return "; ".join(hint for hint in hints if hint) or None


def _hint(suggestions: Sequence[Suggestion]) -> str | None:
    return "it works if you " + ", or ".join(one.change for one in suggestions[:3]) if suggestions else None


def _unknown(problem: Problem, facts: _Facts) -> ProjectNotFound | None:
    """Give the error for a root that no index knows."""
    for _, fact in facts:
        if fact.node != ROOT or fact.need < 0:
            continue
        name = problem.nodes[fact.need].name
        if name in problem.catalog.missing and not problem.nodes[fact.need].direct:
            near = _near(problem, name)
            return ProjectNotFound(
                problem.catalog.missing[name],
                hint=_did_you_mean(near),
                context={"project": name, "requirement": fact.text, "near": near},
            )
    return None


def _near(problem: Problem, name: str) -> tuple[str, ...]:
    known: Iterable[str] = getattr(problem.catalog.source, "known_names", tuple)()
    return near_misses(name, known)


def _did_you_mean(near: Sequence[str]) -> str | None:
    return f"did you mean {' or '.join(near)}?" if near else None


def _without_candidates(problem: Problem, facts: _Facts, bounds: Bounds) -> NoCandidate | None:
    """Give the error for a root of which no file can be used, or whose own words no version fits."""
    for one in facts:
        _, fact = one
        if fact.node != ROOT or fact.need < 0:
            continue
        node = problem.nodes[fact.need]
        missing = unmet(problem, fact)
        if node.base < 0 and not node.direct and (missing or not node.eligible):
            return _no_candidate(problem, node, one, missing, facts, bounds)
    return None


def _no_candidate(
    problem: Problem, node: Node, asked: tuple[int, Fact], missing: str, facts: _Facts, bounds: Bounds
) -> NoCandidate:
    over = passed_over(problem, node, (asked,))
    rejections = problem.catalog.rejections(node.name)
    reasons = f"{over.subject} cannot be used: {why(problem, over)}" if over is not None else ""
    off, not_counted = _uncounted(problem, node, asked[1])
    if over is not None and {item.reason for item in over.rejections} == {"no-allowed-hash"}:
        message = f"no file of {over.subject} has a hash that was asked for: {why(problem, over)}"
    elif node.eligible or not_counted:
        shown = missing if node.eligible else ""
        message = f"no version of {node.name} will do: you ask for {wanted(problem, asked[1])}{shown}"
        message += f"; {reasons}" if reasons else ""
    else:
        message = f"{node.name} has no usable file: {reasons or 'it has none that ' + asked[1].text + ' allows'}"
    others = unasked(problem, [node.name])
    message = "; ".join((message, *not_counted, *unasked_lines(others)))
    overs: list[PassedOver] = [over] if over is not None else []
    tried = suggest(problem, facts, overs, bounds)
    return NoCandidate(
        message,
        hint=_hints(
            # Of files that were passed over only those tell what would help that have a version that is asked for.
            _hint(tried) or _policy_hint(over.rejections if over is not None else off),
            HINT if others else None,
        ),
        context={
            "project": node.name,
            "requirement": asked[1].text,
            "suggestions": tuple(one.to_dict() for one in tried),
        },
        rejections=(*rejections, *off, *others.get(node.name, ())),
    )


def _uncounted(problem: Problem, node: Node, fact: Fact) -> tuple[tuple[Rejection, ...], list[str]]:
    """Give the versions that a root allows and that do not count, as data and as a line."""
    bits = fact.mask & ~node.eligible
    off = uncounted(problem, node, bits)
    told = f"{node.name} {describe(problem, node, bits)} does not count: {why_not(problem, node, bits)}"
    return off, [told] if off else []


_HINTS = {
    "requires-python": "choose another Python",
    "wrong-tag": "choose another platform or Python, or allow building from source",
    "too-new": "move or drop exclude_newer",
    "no-upload-time": "the index gives no upload times: drop exclude_newer for this project",
    "only-binary": "allow sdists of this project (only_binary)",
    "no-binary": "allow wheels of this project (no_binary)",
    "builds-forbidden": "allow building this project (builds)",
    "yanked": "a yanked version counts where exactly it is asked for (==)",
    "no-allowed-hash": "the files are not the ones that the hashes were taken of: find out why, or take the hashes anew",
}


def _policy_hint(rejections: Sequence[Rejection]) -> str | None:
    for reason, _ in Counter(rejection.reason for rejection in rejections).most_common():
        if reason in _HINTS:
            return _HINTS[reason]
    return None
