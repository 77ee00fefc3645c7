"""Requirements, bounded and memoised.

Parsers of requirements and markers recurse, so a hostile text can overflow the stack and end the whole process. Size and
depth are checked on the text before any parser sees it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from envkit.errors import RequirementError
from envkit.model.identity import normalize
from envkit.model.plain import read_plain
from envkit.model.secret import mask_credentials

if TYPE_CHECKING:  # the parsers of `packaging` are loaded where a requirement needs them
    from pathlib import Path

    from packaging.markers import Marker
    from packaging.requirements import Requirement

    from envkit.model.editable import Editable

RequirementLike: TypeAlias = "str | Requirement | Path | Editable"

MAX_REQUIREMENT_LENGTH = 65_536
MAX_DEPTH = 64
MAX_CLAUSES = 1_024
_CLAUSE = r"\b(?:and|or)\b|,"


def check_bounds(text: str, what: str) -> None:
    """Refuse a *text* whose size, nesting or number of clauses no honest requirement has. Raises `RequirementError`."""
    if len(text) > MAX_REQUIREMENT_LENGTH:
        raise RequirementError(f"{what} of {len(text)} characters is longer than {MAX_REQUIREMENT_LENGTH}")
    if text.count("(") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise RequirementError(f"{what} is nested deeper than {MAX_DEPTH}")
    if len(text) > MAX_CLAUSES and len(re.findall(_CLAUSE, text)) > MAX_CLAUSES:
        raise RequirementError(f"{what} has more than {MAX_CLAUSES} clauses")


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif character == ")":
            depth -= 1
    return deepest


@functools.lru_cache(maxsize=65_536)
def parse_requirement(text: str) -> Requirement:
    """Parse one dependency specifier (PEP 508). Raises `RequirementError`. The result is shared: do not change it."""
    check_bounds(text, "requirement")
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except (InvalidRequirement, RecursionError) as error:
        from envkit.model.requirement_hints import hint_for

        shown = mask_credentials(text if len(text) <= 200 else text[:200] + "...")
        cause = mask_credentials(str(error).split("\n", 1)[0])
        raise RequirementError(f"invalid requirement {shown!r}: {cause}", hint=hint_for(text)) from error


def check_requirement(text: str) -> None:
    """Refuse what is no dependency specifier (PEP 508). Raises `RequirementError`."""
    if read_plain(text) is None:
        parse_requirement(text)


def requirement_name(text: str) -> str:
    """Give the normalized name that a dependency specifier is about. Raises `RequirementError`."""
    plain = read_plain(text)
    return plain.name if plain is not None else normalize(parse_requirement(text).name)


@functools.lru_cache(maxsize=65_536)
def parse_marker(text: str) -> Marker:
    """Parse one environment marker (PEP 508). Raises `RequirementError`. The result is shared: do not change it."""
    check_bounds(text, "marker")
    from packaging.markers import InvalidMarker, Marker

    try:
        return Marker(text)
    except (InvalidMarker, RecursionError) as error:
        shown = text if len(text) <= 200 else text[:200] + "..."
        raise RequirementError(f"invalid marker {shown!r}") from error


def marker_holds(
    marker: Marker, values: Mapping[str, Any], context: Literal["metadata", "lock_file"] = "metadata"
) -> bool:
    """Tell whether *marker* holds for *values*. Raises `RequirementError` for a comparison that means nothing."""
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.version import InvalidVersion

    try:
        return marker.evaluate(cast("dict[str, str]", values), context)
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, RecursionError) as error:
        raise RequirementError(f"cannot evaluate the marker {str(marker)[:200]!r}: {error}") from error


def no_requirement(given: object, *, what: str = "requirement") -> RequirementError:
    """Give the error for a thing that is no requirement (or *what* else is read like one)."""
    takes = "texts and Requirement"
    return RequirementError(
        f"{type(given).__name__} is no {what}",
        hint=f"{takes}, pathlib.Path and Editable are" if what == "requirement" else f"{takes} are",
        context={"type": type(given).__name__},
    )
