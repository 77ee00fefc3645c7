"""From a proof to an error that explains itself: who wants what, why files do not count, and what would help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from envkit.errors import EnvkitError, NoCandidate, ProjectNotFound, ResolutionImpossible
from envkit.model.candidate import Rejection
from envkit.resolve.names import near_misses
from envkit.resolve.node import ROOT
from envkit.resolve.problem import Problem
from envkit.resolve.proof import describe, ordered, to_derivation
from envkit.resolve.solver import Bounds, Fact, Incompatibility
from envkit.resolve.suggest import suggest

MAX_LINES = 12
MAX_REJECTED_PROJECTS = 8
MAX_REJECTIONS = 200


def to_error(problem: Problem, proof: Incompatibility, bounds: Bounds) -> EnvkitError:
    """Give the error for a problem without a solution."""
    facts = [(one.terms[0][1], one.fact) for one in ordered(proof) if one.fact is not None]
    simple = _unknown(problem, facts) or _without_candidates(problem, facts, bounds)
    if simple is not None:
        return simple
    account = _account(problem, facts)
    rejections = _rejections(problem, facts)
    lines = [*account, *_rejected_lines(rejections)]
    suggestions = suggest(problem, facts, bounds)
    hint = "; ".join(f"it works if you {one.change}" for one in suggestions[:3]) or None
    projects = {problem.nodes[fact.node].name for _, fact in facts}
    context: dict[str, Any] = {
        "requirements": tuple(sorted(row.text for row in problem.inputs.roots)),
        "account": tuple(lines),
        "projects": tuple(sorted(projects - {""})),
        "rejections": {name: tuple(item.to_dict() for item in items) for name, items in rejections.items()},
        "suggestions": tuple(one.to_dict() for one in suggestions),
        "conflicts": dict(bounds.conflicts.most_common(10)),
    }
    return ResolutionImpossible(
        "no choice of versions satisfies every requirement: " + "; ".join(lines),
        hint=hint,
        context=context,
        derivation=to_derivation(problem, proof),
        suggestions=suggestions,
    )


def _unknown(problem: Problem, facts: list[tuple[int, Fact]]) -> ProjectNotFound | None:
    """Give the error for a root that no index knows."""
    for _, fact in facts:
        if fact.node != ROOT or fact.need < 0:
            continue
        name = problem.nodes[fact.need].name
        if name in problem.catalog.missing and not problem.nodes[fact.need].direct:
            known: Iterable[str] = getattr(problem.catalog.source, "known_names", tuple)()
            near = near_misses(name, known)
            return ProjectNotFound(
                f"no index that was asked knows the project {name!r}",
                hint=f"did you mean {' or '.join(near)}?" if near else None,
                context={"project": name, "requirement": fact.text, "near": near},
            )
    return None


def _without_candidates(problem: Problem, facts: list[tuple[int, Fact]], bounds: Bounds) -> NoCandidate | None:
    """Give the error for a root of which no file can be used, or whose own words no version fits."""
    for _, fact in facts:
        if fact.node != ROOT or fact.need < 0:
            continue
        node = problem.nodes[fact.need]
        unmet = _nothing_fits(problem, fact)
        if node.base < 0 and not node.direct and (unmet or not node.eligible):
            rejections = problem.catalog.rejections(node.name)
            reasons = "; ".join(_summary(rejections))
            if node.eligible:
                message = f"no version of {node.name} will do: you ask for {fact.text}{unmet}"
                message += f"; other files were passed over: {reasons}" if reasons else ""
            else:
                message = f"{node.name} has no usable file: {reasons or 'it has no files'}"
            tried = suggest(problem, facts, bounds) if node.eligible else ()
            return NoCandidate(
                message,
                hint=f"it works if you {tried[0].change}" if tried else _policy_hint(rejections),
                context={
                    "project": node.name,
                    "requirement": fact.text,
                    "suggestions": tuple(one.to_dict() for one in tried),
                },
                rejections=rejections,
            )
    return None


def _account(problem: Problem, facts: list[tuple[int, Fact]]) -> list[str]:
    """Tell the facts of a proof in few lines: one for each pair of projects, however many versions it is about."""
    asked: dict[str, None] = {}
    between: dict[tuple[str, int, int], tuple[int, dict[str, None]]] = {}
    for bits, fact in facts:
        if fact.node == ROOT:
            asked[f"you ask for {fact.text}" + _nothing_fits(problem, fact)] = None
            continue
        node = problem.nodes[fact.node]
        key = (fact.kind, node.index, fact.need)
        mask, texts = between.get(key, (0, {}))
        texts[fact.text + (_nothing_fits(problem, fact) if fact.kind == "dependency" else "")] = None
        between[key] = (mask | bits, texts)
    lines = list(asked)
    for (kind, index, _), (mask, texts) in between.items():
        node = problem.nodes[index]
        subject = f"{node.name} {describe(problem, node, mask)}"
        wanted = list(texts)
        shown = " or ".join(wanted[:2]) + (f" (or {len(wanted) - 2} other ranges)" if len(wanted) > 2 else "")
        if kind == "dependency":
            lines.append(f"{subject} needs {shown}")
        elif kind == "constraint":
            rows = ", ".join(row.text for row in problem.inputs.constraints if row.name == node.name)
            lines.append(f"the constraint is {rows}")
        elif kind == "unusable":
            lines.append(f"{subject} cannot be used: {shown}")
        else:
            lines.append(f"{subject} does not count: {_conditional(problem, index, mask)}")
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more facts (see the derivation)"]
    return lines


def _nothing_fits(problem: Problem, fact: Fact) -> str:
    """Say so where a requirement allows no version that there is."""
    if fact.need < 0:
        return ""
    node = problem.nodes[fact.need]
    if node.name in problem.catalog.missing:
        return ", which no index knows"
    if node.base >= 0 or node.releases is None or node.direct:
        return ""
    specifier = fact.text.removeprefix(node.name).partition("]")[2] if "[" in fact.text else fact.text[len(node.name) :]
    if node.releases.line.mask(specifier.strip()) & node.eligible:
        return ""
    usable = node.eligible
    newest = problem.version(node, usable.bit_length() - 1) if usable else None
    return f", and no version fits (the newest is {newest})" if newest else ", and no version can be used"


def _conditional(problem: Problem, index: int, mask: int) -> str:
    node = problem.nodes[index]
    reasons: list[str] = []
    if node.releases is not None:
        if mask & node.releases.yanked:
            reasons.append("yanked, and nothing asks for exactly it")
        if mask & node.releases.prereleases:
            reasons.append("a pre-release, which the policy does not allow")
    return " or ".join(reasons) or "nothing asks for exactly it"


def _rejections(problem: Problem, facts: list[tuple[int, Fact]]) -> dict[str, tuple[Rejection, ...]]:
    """Give the rejected files that the requirements of a proof would have allowed, by project."""
    found: dict[str, tuple[Rejection, ...]] = {}
    for _, fact in facts:
        if fact.need < 0 or len(found) >= MAX_REJECTED_PROJECTS:
            continue
        node = problem.nodes[fact.need]
        if node.base >= 0 or node.name in found or node.name in problem.catalog.missing or node.direct:
            continue
        wanted = problem.catalog.rejections(node.name)
        found[node.name] = wanted[-MAX_REJECTIONS:]
    return {name: items for name, items in found.items() if items}


def _rejected_lines(rejections: dict[str, tuple[Rejection, ...]]) -> list[str]:
    lines: list[str] = []
    for name, items in rejections.items():
        summary = _summary(items)
        if summary:
            lines.append(f"files of {name} were passed over: {'; '.join(summary)}")
    return lines


def _summary(rejections: tuple[Rejection, ...]) -> list[str]:
    counts = Counter(rejection.reason for rejection in rejections)
    examples = {rejection.reason: rejection for rejection in rejections}
    texts: list[str] = []
    for reason, count in counts.most_common(4):
        example = examples[reason]
        detail = f": {example.detail}" if example.detail else ""
        texts.append(f"{count} {reason} (such as {example.subject}{detail})")
    return texts


_HINTS = {
    "requires-python": "choose another Python",
    "wrong-tag": "choose another platform or Python, or allow building from source",
    "too-new": "move or drop exclude_newer",
    "no-upload-time": "the index gives no upload times: drop exclude_newer for this project",
    "only-binary": "allow sdists of this project (only_binary)",
    "no-binary": "allow wheels of this project (no_binary)",
    "builds-forbidden": "allow building this project (builds)",
    "no-allowed-hash": "add the hashes of its files",
}


def _policy_hint(rejections: tuple[Rejection, ...]) -> str | None:
    for reason, _ in Counter(rejection.reason for rejection in rejections).most_common():
        if reason in _HINTS:
            return _HINTS[reason]
    return None
