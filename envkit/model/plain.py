"""Requirements of the usual plain shapes, read without a parser.

``name[extra]>=1,<2; python_version < "3.12"`` is what nearly everybody writes, and loading the parser of `packaging` for it
takes longer than a warm resolution. What is read here is exactly what `packaging` would give (the tests compare them);
whatever is not certain is left to `packaging`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from envkit.model.identity import normalize
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from envkit.model.plain_markers import PlainMarker

# Compiling a pattern takes longer than reading many requirements without one: what few inputs need is compiled when used.
_OPERATORS = frozenset((">=", "<=", "<", ">", "==", "!=", "~="))
_CLAUSE = r"(>=|<=|<|>|==|!=|~=) *([0-9]+(?:\.[0-9]+)*)(\.\*|(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.?dev[0-9]*)?)"
_LONGEST = 300


class Plain(NamedTuple):
    """A requirement without a URL: *name* and *extras* normalized (these sorted), *specifier* canonical text.

    *marker* is as `envkit.model.plain_markers` reads it, or None.
    """

    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: PlainMarker | None


@functools.lru_cache(maxsize=65_536)
def read_plain(text: str) -> Plain | None:
    """Read a requirement; None where it needs a real parser, also because it may be wrong."""
    head, semicolon, tail = text.partition(";")
    split = _split(head) if len(text) <= _LONGEST else None
    if split is None:
        return None
    name, inside, clauses = split
    extras = _extras(inside) if inside is not None else ()
    specifier = _specifier(clauses) if clauses else ""
    if extras is None or specifier is None:
        return None
    marker = None
    if semicolon:
        from envkit.model.plain_markers import read_marker

        marker = read_marker(tail)
        if marker is None:
            return None
    return Plain(normalize(name), extras, specifier, marker)


def _split(head: str) -> tuple[str, str | None, str] | None:
    """Split a requirement without its marker into name, what is in brackets (None without them), and clauses."""
    at = next((at for at, char in enumerate(head) if char in "[(<>=!~"), len(head))
    name, rest = head[:at].rstrip(" "), head[at:]
    inside = None
    if rest[:1] == "[":
        inside, closed, rest = rest[1:].partition("]")
        rest = rest.lstrip(" ")
        if not closed or (rest and rest[0] not in "(<>=!~"):
            return None
    if rest[:1] == "(":
        rest = rest.rstrip(" ")
        if rest[-1] != ")" or len(rest) == 2:
            return None
        rest = rest[1:-1]
    return (name, inside, rest) if _is_name(name) else None


def _is_name(text: str) -> bool:
    """Whether a text is a project's name or an extra's (PEP 508)."""
    letters = text.replace("-", "").replace("_", "").replace(".", "")
    return text.isascii() and letters.isalnum() and text[0].isalnum() and text[-1].isalnum()


def _is_release(text: str) -> bool:
    return text.isascii() and all(part.isdigit() for part in text.split("."))


def _extras(text: str) -> tuple[str, ...] | None:
    names = [extra.strip(" ") for extra in text.split(",")]
    if not all(map(_is_name, names)):
        return None
    return tuple(sorted({normalize(name) for name in names}))


def _specifier(text: str) -> str | None:
    clauses: list[str] = []
    meant: set[tuple[str, str, str]] = set()
    for part in text.split(","):
        clause = part.strip(" ")
        end = 2 if clause[1:2] == "=" else 1
        operator, release, rest = clause[:end], clause[end:].lstrip(" "), ""
        if operator not in _OPERATORS or not _is_release(release):
            match = re.fullmatch(_CLAUSE, clause)
            if match is None:
                return None
            operator, release, rest = match.groups()
        if (rest == ".*" and operator not in ("==", "!=")) or (operator == "~=" and "." not in release):
            return None
        meant.add((operator, _stripped(release), "dev" if "dev" in rest else re.sub("0+([0-9])", r"\1", rest)))
        clauses.append(operator + release + rest)
    if len(meant) != len(clauses):
        return None  # they may be the same in two spellings, of which `packaging` keeps one
    return ",".join(sorted(clauses))


def _stripped(release: str) -> str:
    """Give one spelling for all that are the same release."""
    text = ".".join([part.lstrip("0") or "0" for part in release.split(".")])
    while text.endswith(".0"):
        text = text[:-2]
    return text


def holds(plain: Plain, markers: Mapping[str, str]) -> bool | None:
    """Whether the marker of *plain* is true for *markers*; None where that needs `packaging` to tell, as for extras."""
    if plain.marker is None:
        return True
    from envkit.model.plain_markers import marker_holds

    return marker_holds(plain.marker, markers)
