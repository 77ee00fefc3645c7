"""The versions of one project in order, and specifiers as bitmasks over them.

Bit 0 of a mask stands for "the project is not chosen", bit ``k + 1`` for the k-th version in ascending order. Set algebra
on versions is then integer arithmetic, which is what makes solving fast. Versions are parsed only where a bisection looks.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeAlias

from packaging.version import Version

from envkit.errors import RequirementError
from envkit.model.identity import MAX_SPECIFIER_LENGTH, parse_version
from envkit.resolve.points import (
    Point,
    dev_of,
    first_point,
    is_post_of,
    is_post_or_dev,
    is_pre,
    plain_release,
    point_of,
)

ABSENT = 1
SortKey: TypeAlias = tuple[Point, bool, Version | None]
_OPERATORS = frozenset(("==", "~=", "!=", "<=", ">=", "<", ">"))


class VersionLine:
    """The versions of one project, ascending; a local version stands below its public twin, so that the twin is preferred.

    ``mask`` answers for whole specifiers and remembers the answer. Pre-releases are treated as any version: preferring
    stable ones is the chooser's work, not the specifier's.
    """

    __slots__ = ("_masks", "_points", "full", "has_local", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.full = (1 << (len(texts) + 1)) - 1
        self.has_local = "+" in "".join(texts)
        self._points: list[Point | None] = [None] * len(texts)
        self._masks: dict[str, int] = {"": self.full & ~ABSENT}

    def mask(self, specifier: str) -> int:
        """Give the versions that *specifier* (comma-separated clauses, PEP 440) allows; never bit 0."""
        known = self._masks.get(specifier)
        if known is None:
            if len(specifier) > MAX_SPECIFIER_LENGTH:
                raise RequirementError(f"version specifier of {len(specifier)} characters is too long")
            known = self.full & ~ABSENT
            for clause in specifier.split(","):
                one = self._masks.get(clause)
                if one is None:
                    self._masks[clause] = one = self._clause(clause)
                known &= one
            self._masks[specifier] = known
        return known

    def index(self, text: str) -> int | None:
        """Give the position of the version *text* (normalized, but for zeros at the end of its release), or None."""
        point = point_of(text)
        local = text.partition("+")[2]
        at = self._left(point)
        while at < len(self.texts) and self._point(at) == point:
            if self.texts[at].partition("+")[2] == local:
                return at
            at += 1
        return None

    def _clause(self, clause: str) -> int:
        if not clause or clause.isspace():
            return self.full & ~ABSENT
        operator, text = _split(clause)
        if not operator:
            raise RequirementError(f"invalid version specifier: {clause!r}")
        if operator == "===":
            wanted = text.lower()
            return sum(2 << at for at, have in enumerate(self.texts) if have == wanted)
        return self._compare(operator, text)

    def _compare(self, operator: str, text: str) -> int:
        if operator == "!=":
            return self.full & ~ABSENT & ~self._compare("==", text)
        if text.endswith(".*"):
            if operator != "==":
                raise RequirementError(f"a wildcard does not go with {operator}: {text!r}")
            return self._wildcard(text[:-2])
        if "+" in text:
            return self._slowly(operator, text)
        point = point_of(text)
        if operator == "==":
            return self._range(self._left(point), self._right(point))
        if operator == ">=":
            return self._range(self._left(point), len(self.texts))
        if operator == "<=":
            return self._range(0, self._right(point))
        if operator == "~=":
            return self._compatible(text, point)
        if operator == "<":
            # "<V" must not allow a pre-release of V, and those are all that lies between V.dev0 and V.
            return self._range(0, self._left(point if is_pre(point) else dev_of(point)))
        at = self._right(point)
        if not is_post_or_dev(point):
            while at < len(self.texts) and is_post_of(self._point(at), point):
                at += 1  # ">V" must not allow a post-release of V
        return self._range(at, len(self.texts))

    def _compatible(self, text: str, point: Point) -> int:
        release = plain_release(text) or parse_version(text).release
        if len(release) < 2:
            raise RequirementError(f"~= needs at least two release segments: {text!r}")
        return self._range(self._left(point), len(self.texts)) & self._prefix(release[:-1], point[0])

    def _wildcard(self, text: str) -> int:
        release = plain_release(text)
        if release is not None:
            return self._prefix(release, 0)
        version = parse_version(text)
        if version.pre is not None or version.post is not None or version.dev is not None or version.local is not None:
            return self._slowly("==", f"{text}.*")
        return self._prefix(version.release, version.epoch)

    def _prefix(self, release: tuple[int, ...], epoch: int) -> int:
        above = (*release[:-1], release[-1] + 1)
        return self._range(self._left(first_point(release, epoch)), self._left(first_point(above, epoch)))

    def _slowly(self, operator: str, text: str) -> int:
        from packaging.specifiers import InvalidSpecifier, Specifier

        try:
            specifier = Specifier(operator + text)
        except InvalidSpecifier as error:
            raise RequirementError(f"invalid version specifier: {operator + text!r}") from error
        return sum(2 << at for at, have in enumerate(self.texts) if specifier.contains(have, prereleases=True))

    def _range(self, low: int, high: int) -> int:
        return ((1 << high) - (1 << low)) << 1 if high > low else 0

    def _point(self, at: int) -> Point:
        point = self._points[at]
        if point is None:
            point = self._points[at] = point_of(self.texts[at])
        return point

    def _left(self, wanted: Point) -> int:
        points = self._points
        low, high = 0, len(points)
        while low < high:
            middle = (low + high) // 2
            point = points[middle] or self._point(middle)
            if point < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _right(self, wanted: Point) -> int:
        points = self._points
        low, high = 0, len(points)
        while low < high:
            middle = (low + high) // 2
            point = points[middle] or self._point(middle)
            if wanted < point:
                high = middle
            else:
                low = middle + 1
        return low


def sort_key(text: str) -> SortKey:
    """Order versions in their normal form for a `VersionLine`: by public version, a local one below its public twin.

    Equal for equal versions alone.
    """
    return (point_of(text), False, parse_version(text)) if "+" in text else (point_of(text), True, None)


@functools.lru_cache(maxsize=65_536)
def is_exact(specifier: str) -> bool:
    """Whether *specifier* pins one version: some clause is ``==`` without a wildcard, or ``===``."""
    for clause in specifier.split(","):
        operator, text = _split(clause)
        if operator == "===" or (operator == "==" and not text.endswith(".*")):
            return True
    return False


def _split(clause: str) -> tuple[str, str]:
    """Split a clause into operator and version, both empty where it is none. A pattern takes longer to compile than this."""
    clause = clause.strip()
    end = 2 if clause[1:2] == "=" else 1
    if clause[:end] not in _OPERATORS:
        return "", ""
    if clause[:3] == "===":
        end = 3
    text = clause[end:].lstrip()
    return (clause[:end], text) if len(text.split()) == 1 else ("", "")
