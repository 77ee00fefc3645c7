"""Versions that somebody asked for and that have no usable file: which they are, why, and for which Python they are made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from packaging.version import Version

from envkit.errors import RequirementError
from envkit.model.candidate import Rejection
from envkit.model.identity import normalize, parse_version
from envkit.model.listing import Row, artifact_of, runs_of
from envkit.namedtuple import NamedTuple
from envkit.resolve.judging import accepts_python
from envkit.resolve.node import ROOT, Node
from envkit.resolve.problem import Problem
from envkit.resolve.solver import Fact
from envkit.resolve.versions import VersionLine, sort_key

_ENDING = re.compile(r"\.whl|\.tar\.gz|\.zip")
_WHEEL_PYTHON = re.compile(r"(?:-|\.)cp3([0-9]{1,2})(?:\.[^-]*)?-")
_REASONS = 3
_MINORS = range(8, 16)
"""The minor versions of Python 3 that environments are made for."""


class PassedOver(NamedTuple):
    """*versions* of a project without any usable file, ascending, and why each of their files does not count."""

    name: str
    versions: tuple[Version, ...]
    rejections: tuple[Rejection, ...]

    @property
    def subject(self) -> str:
        """The project and its versions: "numpy 1.0.3 to 1.19.5"."""
        low, high = self.versions[0], self.versions[-1]
        return f"{self.name} {low}" if low == high else f"{self.name} {low} to {high}"


def specifier_of(fact: Fact, name: str) -> str | None:
    """Give the specifier of what a fact asks of a project; None for a direct reference."""
    if " @ " in fact.text:
        return None
    return (fact.text.partition("]")[2] if "[" in fact.text else fact.text[len(name) :]).strip()


def passed_over(problem: Problem, node: Node, facts: Iterable[tuple[int, Fact]]) -> PassedOver | None:
    """Give the versions of a project that what *facts* ask for would allow, and that have no usable file."""
    if node.base >= 0 or node.direct or node.releases is None or node.name in problem.catalog.missing:
        return None
    files = _unusable(problem, node.name, frozenset(node.releases.line.texts))
    versions = sorted(set(files.values()), key=lambda version: sort_key(str(version)))
    mask = _wanted(problem, node, facts, VersionLine([str(version) for version in versions]))
    wanted = {version for at, version in enumerate(versions) if mask >> (at + 1) & 1}
    among = {filename: version for filename, version in files.items() if version in wanted}
    found: dict[Version, list[Rejection]] = {}
    for rejection in problem.catalog.rejections(node.name, among) if among else ():
        found.setdefault(among[rejection.subject], []).append(rejection)
    told = tuple(version for version in versions if version in found)
    if not told:
        return None
    return PassedOver(node.name, told, tuple(item for version in reversed(told) for item in found[version]))


def _unusable(problem: Problem, name: str, usable: Collection[str]) -> dict[str, Version]:
    """Give the files of a project whose versions are not *usable*, and their versions."""
    page = problem.catalog.page(name)
    if page is None:
        return {}
    found: dict[str, Version] = {}
    known: dict[str, Version | None] = {}
    names = [row[0] for rows, _ in runs_of(page.artifacts) for row in rows]
    for filename in (*names, *(one.subject for one in page.rejected)):
        text = _version_text(filename, name)
        if text is None:
            continue
        if text not in known:  # a version has many files
            known[text] = _unusable_version(text, usable)
        version = known[text]
        if version is not None:
            found[filename] = version
    return found


def _unusable_version(text: str, usable: Collection[str]) -> Version | None:
    try:
        version = parse_version(text)
    except RequirementError:
        return None
    return None if str(version) in usable else version


def _wanted(problem: Problem, node: Node, facts: Iterable[tuple[int, Fact]], line: VersionLine) -> int:
    """Give the versions that all that the user asks for allows, and anything that anybody else does."""
    always, others = line.mask(""), 0
    asked = False
    roots = () if node.name in problem.inputs.overrides else problem.inputs.roots  # also those that no proof needs
    for row in (*problem.inputs.constraints, *roots):
        if row.name == node.name and row.url is None:
            always &= line.mask(row.specifier)
    for _, fact in facts:
        specifier = specifier_of(fact, node.name) if fact.need == node.index else None
        if specifier is not None and fact.node == ROOT:
            always &= line.mask(specifier)
        elif specifier is not None:
            asked = True
            others |= line.mask(specifier)
    return always & others if asked else always


def _version_text(filename: str, name: str) -> str | None:
    """Give the version as it is written in the name of a wheel or an sdist of *name*, or None."""
    at = filename.find("-")
    while at > 0:
        if normalize(filename[:at]) == name:
            if filename.endswith(".whl"):
                return filename[at + 1 :].partition("-")[0].replace("_", "-")
            return _ENDING.split(filename[at + 1 :], maxsplit=1)[0]
        at = filename.find("-", at + 1)
    return None


def why(problem: Problem, over: PassedOver) -> str:
    """Say why files were passed over, with one file for each reason: of the newest version, made for this platform."""
    platforms = {tag.rpartition("-")[2] for tag in problem.catalog.rules.target.tags}
    examples: dict[str, Rejection] = {}
    found: set[str] = set()
    for item in over.rejections:
        if item.reason not in found:
            if _platform(item) in platforms:
                found.add(item.reason)
                examples[item.reason] = item
            examples.setdefault(item.reason, item)
    texts = [f"{item.subject}: {_detail(problem, over, item, platforms)}" for item in examples.values()]
    return "; ".join(texts[:_REASONS])


def _detail(problem: Problem, over: PassedOver, item: Rejection, platforms: Collection[str]) -> str:
    if item.reason == "no-allowed-hash":
        return _hashes(problem, over, item)
    if item.reason == "wrong-tag":  # the name says for which
        return f"built for another {'Python' if _platform(item) in platforms else 'platform'}"
    if item.reason == "too-new":
        return f"{item.detail}, after the cut-off"
    return item.detail or item.reason


def _platform(item: Rejection) -> str:
    return item.subject.removesuffix(".whl").rpartition("-")[2].partition(".")[0]


def _hashes(problem: Problem, over: PassedOver, item: Rejection) -> str:
    """Say which hash was expected and which was found."""
    allowed = problem.catalog.rules.hashes.get(over.name, ())
    files = [artifact_of(row, None) for row in _rows(problem, over.name) if row[0] == item.subject]
    texts = [f"{algorithm}:{digest}" for file in files for algorithm, digest in sorted(file.hashes.items())]
    more = f" (or one of {len(allowed) - 1} others)" if len(allowed) > 1 else ""
    expected = f"expected {allowed[0]}{more}" if allowed else "no hash was given for it, and every file needs one"
    return f"{expected}, found {' and '.join(texts) or 'none on the index'}"


def _rows(problem: Problem, name: str) -> list[Row]:
    page = problem.catalog.page(name)
    return [row for rows, _ in runs_of(page.artifacts) for row in rows] if page is not None else []


def other_pythons(problem: Problem, overs: Iterable[PassedOver]) -> list[int]:
    """Give the minor versions of Python 3 that some of these files are made for, the nearest to the target first."""
    python = parse_version(problem.catalog.rules.target.python)
    if python.major != 3:
        return []
    minors: set[int] = set()
    for over in overs:
        reasons = {item.subject: item.reason for item in over.rejections}
        for row in _rows(problem, over.name):
            reason = reasons.get(row[0])
            if reason == "wrong-tag":
                found = [int(text) for text in _WHEEL_PYTHON.findall(row[0])]
            elif reason == "requires-python":
                found = [minor for minor in _MINORS if accepts_python(row[4] or "", f"3.{minor}.0")]
            else:
                continue
            minors.update(minor for minor in found if minor in _MINORS and minor != python.minor)
    return sorted(minors, key=lambda minor: (abs(minor - python.minor), -minor))
