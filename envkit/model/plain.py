"""Requirements of the usual plain shapes, read without a parser.

``name[extra]>=1,<2; python_version < "3.12"`` is what nearly everybody writes, and loading the parser of `packaging` for it
takes longer than a warm resolution. What is read here is exactly what `packaging` would give (the tests compare them);
whatever is not certain is left to `packaging`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from envkit.model.identity import normalize

# Compiling a pattern takes longer than reading many requirements without one: what few inputs need is compiled when used.
_OPERATORS = frozenset((">=", "<=", "<", ">", "==", "!=", "~="))
_CLAUSE = r"(>=|<=|<|>|==|!=|~=) *([0-9]+(?:\.[0-9]+)*)(\.\*|(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?)"
_COMPARISON = r""" *([a-z_]+) *([<>=!]+) *(["'])([A-Za-z0-9._-]+)\3 *"""
_LONGEST = 200
_VERSIONS = frozenset(("python_version", "python_full_version"))
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


class Plain(NamedTuple):
    """A requirement without a URL: *name* and *extras* normalized (these sorted), *specifier* canonical text.

    *marker* is one comparison (variable, operator, value), or None.
    """

    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: tuple[str, str, str] | None


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
    marker = _comparison(tail) if semicolon else None
    if extras is None or specifier is None or (semicolon and marker is None):
        return None
    return Plain(normalize(name), extras, specifier, marker)


def _split(head: str) -> tuple[str, str | None, str] | None:
    """Split a requirement without its marker into name, what is in brackets (None without them), and clauses."""
    at = next((at for at, char in enumerate(head) if char in "[<>=!~"), len(head))
    name, rest = head[:at].rstrip(" "), head[at:]
    inside = None
    if rest[:1] == "[":
        inside, closed, rest = rest[1:].partition("]")
        rest = rest.lstrip(" ")
        if not closed or (rest and rest[0] not in "<>=!~"):
            return None
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
    operators: set[str] = set()
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
        operators.add(operator)
        clauses.append(operator + release + rest)
    if len(operators) != len(clauses):
        return None  # two of one kind may be the same in two spellings, and `packaging` keeps one of them
    return ",".join(sorted(clauses))


def _comparison(text: str) -> tuple[str, str, str] | None:
    match = re.fullmatch(_COMPARISON, text)
    if match is None:
        return None
    variable, operator, _, value = match.groups()
    if variable in _VERSIONS:
        sure = operator in ("<", "<=", ">", ">=", "==", "!=") and _is_release(value)
    else:
        sure = variable in _WORDS and operator in ("==", "!=") and value[0].isalpha()
    return (variable, operator, value) if sure else None


def holds(plain: Plain, markers: Mapping[str, str]) -> bool | None:
    """Whether the marker of *plain* is true for *markers*; None where that needs `packaging` to tell."""
    if plain.marker is None:
        return True
    variable, operator, value = plain.marker
    known = markers.get(variable)
    if known is None:
        return None
    if variable in _WORDS:
        return (known == value) is (operator == "==")
    if not _is_release(known) or len(known) > _LONGEST:
        return None
    have, want = _numbers(known), _numbers(value)
    longest = max(len(have), len(want))
    have += (0,) * (longest - len(have))
    want += (0,) * (longest - len(want))
    equal = have == want
    if operator in ("==", "!="):
        return equal is (operator == "==")
    return (equal and "=" in operator) or (have < want if operator[0] == "<" else have > want)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
