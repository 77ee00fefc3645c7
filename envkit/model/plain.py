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

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_REQUIREMENT = re.compile(
    rf"({_NAME})"
    rf" *(?:\[ *({_NAME}(?: *, *{_NAME})*) *\] *)?"
    r"([<>=!~][^;()@\[\]]*)?"
    r"""(?:; *([a-z_]+) *([<>=!]+) *(?:'([A-Za-z0-9._-]+)'|"([A-Za-z0-9._-]+)") *)?"""
)
_CLAUSE = re.compile(
    r" *(?:(>=|<=|<|>|==|!=) *([0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?)"
    r"|(==|!=) *([0-9]+(?:\.[0-9]+)*\.\*)"
    r"|(~=) *([0-9]+(?:\.[0-9]+)+)) *"
)
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
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
    match = _REQUIREMENT.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    name, extras, clauses, variable, operator, single, double = match.groups()
    specifier = _specifier(clauses) if clauses else ""
    marker = (variable, operator, single or double) if variable else None
    if specifier is None or (marker is not None and not _is_sure(*marker)):
        return None
    wanted = {normalize(extra.strip()) for extra in extras.split(",")} if extras else ()
    return Plain(normalize(name), tuple(sorted(wanted)), specifier, marker)


def _specifier(text: str) -> str | None:
    clauses: list[str] = []
    operators: set[str] = set()
    for part in text.split(","):
        match = _CLAUSE.fullmatch(part)
        if match is None:
            return None
        operator, version = filter(None, match.groups())
        operators.add(operator)
        clauses.append(operator + version)
    if len(operators) != len(clauses):
        return None  # two of one kind may be the same in two spellings, and `packaging` keeps one of them
    return ",".join(sorted(clauses))


def _is_sure(variable: str, operator: str, value: str) -> bool:
    if variable in _VERSIONS:
        return operator in ("<", "<=", ">", ">=", "==", "!=") and _RELEASE.fullmatch(value) is not None
    return variable in _WORDS and operator in ("==", "!=") and _WORD.fullmatch(value) is not None


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
    if _RELEASE.fullmatch(known) is None or len(known) > _LONGEST:
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
