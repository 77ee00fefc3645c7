"""Markers of the usual plain shapes: comparisons of one variable with one text, joined by ``and``, ``or`` and parentheses.

What is read here means what `packaging` makes of it (the tests compare them); the rest is left to `packaging`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from envkit.model.plain_python import fits, release_of

Comparison: TypeAlias = tuple[str, str, str]
"""Variable, operator, value."""
_DEEPEST = 16
_PIECE = r""" *(?:([()]|and\b|or\b)|([a-z_]+) *([<>=!]+) *(["'])([A-Za-z0-9._-]+)\4) *"""
_VERSIONS = frozenset(("python_version", "python_full_version"))
_ORDERS = frozenset(("<", "<=", ">", ">=", "==", "!="))
_WORDS = frozenset(
    (
        "os_name",
        "sys_platform",
        "platform_machine",
        "platform_system",
        "platform_python_implementation",
        "implementation_name",
    )
)


class Joint:
    """Several markers, of which *every* one must hold, or any; one part of the first kind is not again of that kind."""

    __slots__ = ("every", "parts")

    def __init__(self, parts: Sequence[PlainMarker], *, every: bool) -> None:
        self.every = every
        self.parts = parts


PlainMarker: TypeAlias = Comparison | Joint


def read_marker(text: str) -> PlainMarker | None:
    """Read a marker; None where it needs a real parser, also because it may be wrong."""
    if text.count("(") > _DEEPEST:
        return None
    pieces: list[str | Comparison] = []
    at = 0
    while at < len(text):
        match = re.compile(_PIECE).match(text, at)
        if match is None:
            return None
        word, variable, operator, _, value = match.groups()
        if not word and not _is_sure(variable, operator, value):
            return None
        pieces.append(word or (variable, operator, value))
        at = match.end()
    pieces.reverse()
    try:
        marker = _read_any(pieces)
    except (IndexError, ValueError):
        return None
    return None if pieces else marker


def _is_sure(variable: str, operator: str, value: str) -> bool:
    """Whether a comparison means one thing: versions are compared as such, and words, which are none, by letters."""
    if variable in _VERSIONS:
        return operator in _ORDERS and release_of(value) is not None
    if variable == "extra":
        return operator == "==" and value[0].isalnum()
    return variable in _WORDS and operator in ("==", "!=") and value[0].isalpha()


def _read_any(pieces: list[str | Comparison]) -> PlainMarker:
    parts = [_read_all(pieces)]
    while pieces and pieces[-1] == "or":
        pieces.pop()
        parts.append(_read_all(pieces))
    return parts[0] if len(parts) == 1 else Joint(parts, every=False)


def _read_all(pieces: list[str | Comparison]) -> PlainMarker:
    parts: list[PlainMarker] = []
    while True:
        part = _read_one(pieces)
        parts += part.parts if isinstance(part, Joint) and part.every else (part,)
        if not pieces or pieces[-1] != "and":
            return parts[0] if len(parts) == 1 else Joint(parts, every=True)
        pieces.pop()


def _read_one(pieces: list[str | Comparison]) -> PlainMarker:
    piece = pieces.pop()
    if not isinstance(piece, str):
        return piece
    if piece != "(":
        raise ValueError(piece)
    inner = _read_any(pieces)
    if pieces.pop() != ")":
        raise ValueError("no end")
    return inner


def split_extra(marker: PlainMarker) -> tuple[str, PlainMarker | None] | None:
    """Give the one extra that *marker* asks for, and what must hold besides; None where it is not as simple as that."""
    if not isinstance(marker, Joint):
        return (marker[2], None) if marker[0] == "extra" else None
    extras: list[str] = []
    rest: list[PlainMarker] = []
    for part in marker.parts:
        if not isinstance(part, Joint) and part[0] == "extra":
            extras.append(part[2])
        else:
            rest.append(part)
    return (extras[0], Joint(rest, every=True)) if marker.every and len(extras) == 1 else None


def marker_holds(marker: PlainMarker, values: Mapping[str, str]) -> bool | None:
    """Whether *marker* is true for *values*; None where that needs `packaging` to tell, as for extras."""
    if not isinstance(marker, Joint):
        return _compare(marker, values)
    told = [marker_holds(part, values) for part in marker.parts]
    if None in told:
        return None
    return all(told) if marker.every else any(told)


def _compare(comparison: Comparison, values: Mapping[str, str]) -> bool | None:
    variable, operator, value = comparison
    known = values.get(variable)
    if known is None or variable == "extra":
        return None
    if variable in _WORDS:
        return (known == value) is (operator == "==")
    have, want = release_of(known), release_of(value)
    return None if have is None or want is None else fits(operator, want, have)
