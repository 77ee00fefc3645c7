"""Markers and Requires-Python to sets of environments, and sets to markers.

The meaning of each comparison is asked of ``packaging`` at the points that matter, so it is the meaning that installers
give it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.errors import LockError, RequirementError
from envkit.model.identity import normalize, parse_specifier
from envkit.model.marker_sets import ALL, EMPTY, Atom, MarkerSets, Node
from envkit.model.requirement import MAX_DEPTH, check_bounds, marker_holds, parse_marker

_TOKEN = re.compile(r"""\s*(?:([()])|(not\s+in|in|and|or)\b|([<>=!~]+)|"([^"]*)"|'([^']*)'|([\w.]+))""")
_MINORS = ((2, 6), (2, 7), *((3, minor) for minor in range(41)), (4, 0))
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

Cut = tuple[int, int, int]


def set_of(sets: MarkerSets, marker: str | None, *, extra: str | None = None) -> Node:
    """Give the environments in which *marker* holds; None holds in all.

    With *extra*, questions about ``extra`` are answered: yes for that name, no for others ("" is none). Raises
    `RequirementError` and `LockError`.
    """
    if marker is None or not marker.strip():
        return ALL
    known = sets.texts.get((marker, extra))
    if known is None:
        check_bounds(marker, "marker")
        known = sets.texts[marker, extra] = _Parser(sets, str(parse_marker(marker)), extra).run()
    return known


def set_of_python(sets: MarkerSets, specifier: str | None) -> Node:
    """Give the environments whose Python fits a Requires-Python *specifier*. Raises `RequirementError`."""
    found = ALL
    for one in parse_specifier(specifier or ""):
        found = sets.both(found, _python_node(sets, _full_version_cuts(one.operator, one.version)))
    return found


def holds_in(sets: MarkerSets, node: Node, markers: Mapping[str, str]) -> bool:
    """Whether the environment with these marker values is in *node*; extras and groups are none."""
    return sets.decide(node, lambda atom: _holds(atom, markers))


def _holds(atom: Atom, markers: Mapping[str, str]) -> bool:
    if atom[0] == "python":
        return python_release(markers["python_full_version"]) < _cut_of(atom)
    if atom[1] == "has":
        return False
    return marker_holds(parse_marker(_atom_text(atom)), {"extra": "", **markers})


def python_release(text: str) -> Cut:
    """Give the release of a Python version as three numbers: "3.11.0rc1" counts as 3.11.0."""
    try:
        release = (*Version(text).release, 0, 0, 0)
    except InvalidVersion as error:
        raise RequirementError(f"{text!r} is not a version of Python") from error
    return release[0], release[1], release[2]


def _cut_atom(cut: Cut) -> Atom:
    return ("python", *(f"{part:04d}" for part in cut))


def _cut_of(atom: Atom) -> Cut:
    return int(atom[1]), int(atom[2]), int(atom[3])


def _python_node(sets: MarkerSets, points: tuple[tuple[Cut, bool], ...]) -> Node:
    """Give a set from points in rising order, each with what holds from there to the next; the first is the lowest."""
    found = EMPTY
    for at, (cut, holds) in enumerate(points):
        if not holds:
            continue
        part = ALL if at == 0 else sets.outside(sets.atom(_cut_atom(cut)))
        if at + 1 < len(points):
            part = sets.both(part, sets.atom(_cut_atom(points[at + 1][0])))
        found = sets.either(found, part)
    return found


def _merged(points: list[tuple[Cut, bool]]) -> tuple[tuple[Cut, bool], ...]:
    return tuple(point for at, point in enumerate(points) if at == 0 or point[1] != points[at - 1][1])


@functools.lru_cache(maxsize=4_096)
def _python_version_cuts(operator: str, value: str, *, flipped: bool) -> tuple[tuple[Cut, bool], ...]:
    text = f"{_quote(value)} {operator} python_version" if flipped else f"python_version {operator} {_quote(value)}"
    marker = parse_marker(text)
    return _merged(
        [((*minor, 0), marker_holds(marker, {"python_version": f"{minor[0]}.{minor[1]}"})) for minor in _MINORS]
    )


@functools.lru_cache(maxsize=4_096)
def _full_version_cuts(operator: str, value: str) -> tuple[tuple[Cut, bool], ...]:
    try:
        specifier = SpecifierSet(f"{operator}{value}")
        release = (*Version(value.removesuffix(".*")).release, 0, 0, 0)
    except (InvalidSpecifier, InvalidVersion) as error:
        raise RequirementError(f"invalid version specifier: {operator}{value}") from error
    major, minor, micro = release[:3]
    if max(release[:3]) > 9_000:
        raise LockError(f"{value!r} is not a version of Python")
    cuts = {(0, 0, 0), (major, 0, 0), (major, minor, 0), (major, minor, micro), (major, minor, micro + 1),
            (major, minor + 1, 0), (major + 1, 0, 0)}  # fmt: skip
    return _merged([(cut, specifier.contains(".".join(map(str, cut)), prereleases=True)) for cut in sorted(cuts)])


def _quote(value: str) -> str:
    return f"'{value}'" if '"' in value else f'"{value}"'


class _Parser:
    """Reads the normalized text of a marker; its depth was checked before."""

    def __init__(self, sets: MarkerSets, text: str, extra: str | None = None) -> None:
        self._sets = sets
        self._extra = extra
        self._tokens = list(self._split(text))
        self._at = 0

    def run(self) -> Node:
        found = self._either(0)
        if self._at != len(self._tokens):
            raise RequirementError("a marker does not end where it should")
        return found

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise RequirementError(f"a marker cannot be read at {text[at : at + 20]!r}")
            at = match.end()
            group = match.lastindex or 0
            yield ("", "paren", "word", "operator", "value", "value", "name")[group], match[group]

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _either(self, depth: int) -> Node:
        found = self._both(depth)
        while self._peek() == ("word", "or"):
            self._at += 1
            found = self._sets.either(found, self._both(depth))
        return found

    def _both(self, depth: int) -> Node:
        found = self._one(depth)
        while self._peek() == ("word", "and"):
            self._at += 1
            found = self._sets.both(found, self._one(depth))
        return found

    def _one(self, depth: int) -> Node:
        if self._peek() == ("paren", "("):
            if depth > MAX_DEPTH:
                raise RequirementError(f"a marker is nested deeper than {MAX_DEPTH}")
            self._at += 1
            found = self._either(depth + 1)
            if self._next() != ("paren", ")"):
                raise RequirementError("a marker lacks a closing parenthesis")
            return found
        left, (_, operator), right = self._next(), self._next(), self._next()
        operator = " ".join(operator.split())
        if left[0] == "name":
            return self._compare(left[1], operator, right[1], flipped=False)
        return self._compare(right[1], operator, left[1], flipped=True)

    def _compare(self, variable: str, operator: str, value: str, *, flipped: bool) -> Node:
        sets = self._sets
        if variable in ("extras", "dependency_groups"):
            member = sets.atom((variable, "has", normalize(value)))
            return member if operator == "in" else sets.outside(member)
        if variable == "python_version":
            return _python_node(sets, _python_version_cuts(operator, value, flipped=flipped))
        if variable == "python_full_version" and "in" not in operator:
            operator = _FLIPPED.get(operator, operator) if flipped else operator
            return _python_node(sets, _full_version_cuts(operator, value))
        if variable == "extra":
            value = normalize(value)
            if self._extra is not None and operator in ("==", "!="):
                return ALL if (value == self._extra) == (operator == "==") else EMPTY
        if operator in ("==", "!="):
            node = sets.atom((variable, "==", value))
            return node if operator == "==" else sets.outside(node)
        if operator == "not in":
            return sets.outside(sets.atom((variable, "in", value, "r" if flipped else "l")))
        return sets.atom((variable, operator, value, "r" if flipped else "l"))


def marker_of(sets: MarkerSets, node: Node, within: Node = ALL) -> str | None:
    """Give a marker for *node* that may come out either way outside *within*; None where it always holds.

    Raises `LockError` for a set without any environment: no marker says never.
    """
    cubes = sets.cubes(node, within)
    if cubes is None:
        return None
    if not cubes:
        raise LockError("no environment is left for a marker to describe")
    texts = sorted({" and ".join(_cube_texts(cube)) for cube in cubes})
    if len(texts) == 1:
        return texts[0]
    return " or ".join(f"({text})" if " and " in text else text for text in texts)


def _cube_texts(cube: dict[Atom, bool]) -> list[str]:
    lower = max((_cut_of(atom) for atom, answer in cube.items() if atom[0] == "python" and not answer), default=None)
    upper = min((_cut_of(atom) for atom, answer in cube.items() if atom[0] == "python" and answer), default=None)
    texts: list[str] = []
    if lower and upper and lower[2] == upper[2] == 0 and upper == (lower[0], lower[1] + 1, 0):
        texts.append(f'python_version == "{lower[0]}.{lower[1]}"')
    else:
        texts += [_bound(">=", lower)] if lower else []
        texts += [_bound("<", upper)] if upper else []
    valued = {atom[0] for atom, answer in cube.items() if answer and len(atom) == 3 and atom[1] == "=="}
    for atom, answer in sorted(cube.items()):
        if atom[0] == "python" or (not answer and atom[0] in valued and atom[1] == "=="):
            continue  # "is x" makes "is not y" needless
        texts.append(_atom_text(atom, answer=answer))
    return texts


def _bound(operator: str, cut: Cut) -> str:
    if cut[2] == 0:
        return f'python_version {operator} "{cut[0]}.{cut[1]}"'
    return f'python_full_version {operator} "{cut[0]}.{cut[1]}.{cut[2]}"'


def _atom_text(atom: Atom, *, answer: bool = True) -> str:
    if atom[1] == "has":
        return f"{_quote(atom[2])} {'in' if answer else 'not in'} {atom[0]}"
    if len(atom) == 3:
        return f"{atom[0]} {'==' if answer else '!='} {_quote(atom[2])}"
    variable, operator, value, side = atom
    if not answer:
        operator = {"in": "not in", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "===": "!="}.get(operator, operator)
        if operator == "~=":
            raise LockError(f"the opposite of {variable} ~= {value!r} cannot be written as a marker")
    return f"{_quote(value)} {operator} {variable}" if side == "r" else f"{variable} {operator} {_quote(value)}"


def python_bounds(sets: MarkerSets, node: Node) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the oldest and the newest minor version of Python in *node*; (99, 0) where there is no newest."""
    cuts = sorted({_cut_of(atom) for atom in sets.atoms(node) if atom[0] == "python"})
    edges: list[Cut] = [(0, 0, 0), *cuts]
    inside: list[bool] = []
    for at in range(len(edges)):
        part = node
        for atom in (atom for atom in sets.atoms(node) if atom[0] == "python"):
            part = sets.fix(part, atom, edges[at] < _cut_of(atom))
        inside.append(not sets.is_empty(part))
    if not any(inside):
        raise LockError("no Python is left")
    oldest = edges[inside.index(True)]
    last = len(inside) - 1 - inside[::-1].index(True)
    if last == len(edges) - 1:
        return oldest[:2], (99, 0)
    end = edges[last + 1]
    return oldest[:2], (end[0], end[1] - 1) if end[2] == 0 and end[1] > 0 else end[:2]
