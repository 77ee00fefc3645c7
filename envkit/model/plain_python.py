"""Requires-Python of the usual plain shapes, read and judged without a parser.

Every file of a page has one and few of them differ, but loading the parser of `packaging` for them takes longer than reading
a page. What is read here means what `packaging` makes of it (the tests compare them); the rest is left to `packaging`.
"""

from __future__ import annotations

import functools
from typing import TypeAlias

Clause: TypeAlias = tuple[str, tuple[int, ...]]
"""An operator with a release, where ``==.*`` and ``!=.*`` stand for ``== 3.8.*`` and its contrary."""

_BOUNDS = frozenset((">=", "<=", "<", ">"))
_EXACT = frozenset(("==", "!="))
_LONGEST = 200


@functools.lru_cache(maxsize=16_384)
def read_python(text: str) -> tuple[Clause, ...] | None:
    """Give the clauses of a Requires-Python; None where it needs a real parser, also because it may be wrong.

    ``>=3.6.*`` is read as ``>=3.6``, which is what those many meant who wrote it before it became an error.
    """
    if len(text) > _LONGEST:
        return None
    found: list[Clause] = []
    for part in text.split(","):
        clause = part.strip(" ")
        if not clause:
            continue
        end = 2 if clause[1:2] in ("=", ">") else 1
        operator, rest = clause[:end], clause[end:].lstrip(" ")
        star = rest[-2:] == ".*"
        release = release_of(rest[:-2] if star else rest)
        if release is None:
            return None
        if operator in _EXACT:
            found.append((operator + ".*" if star else operator, release))
        elif operator in _BOUNDS:
            found.append((operator, release))
        elif operator == "~=" and len(release) > 1 and not star:
            found += ((">=", release), ("==.*", release[:-1]))
        else:
            return None
    return tuple(found)


def release_of(text: str) -> tuple[int, ...] | None:
    """Give the numbers of a version that is nothing but a release; None for any other text."""
    parts = text.split(".")
    if len(text) > _LONGEST or not text.isascii() or not all(map(str.isdigit, parts)):
        return None
    return tuple(map(int, parts))


def allows(clauses: tuple[Clause, ...], python: tuple[int, ...]) -> bool:
    """Whether the release *python* fits all *clauses*."""
    return all(fits(operator, release, python) for operator, release in clauses)


def fits(operator: str, release: tuple[int, ...], python: tuple[int, ...]) -> bool:
    """Whether the release *python* fits one clause."""
    longest = max(len(release), len(python))
    have = python + (0,) * (longest - len(python))
    if operator[2:] == ".*":
        return (have[: len(release)] == release) is (operator[0] == "=")
    want = release + (0,) * (longest - len(release))
    if have == want:
        return operator in (">=", "<=", "==")
    if operator in _EXACT:
        return operator == "!="
    return have < want if operator[0] == "<" else have > want
