"""Names and versions, each parsed once in a process.

Parsing dominates a warm resolution if it is repeated, so everything here is memoised. The tables only grow with the
number of *different* texts, and are bounded.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

from packaging.version import InvalidVersion, Version

from envkit.errors import RequirementError

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName

MAX_VERSION_LENGTH = 256
MAX_SPECIFIER_LENGTH = 8_192


@functools.lru_cache(maxsize=65_536)
def normalize(name: str) -> NormalizedName:
    """Give the normalized form of a project's name (PEP 503)."""
    # `packaging.utils` does the same, but loads all that it knows about tags: a third of a warm resolution.
    short = name.lower().replace("_", "-").replace(".", "-")
    while "--" in short:
        short = short.replace("--", "-")
    return cast("NormalizedName", short)


@functools.lru_cache(maxsize=262_144)
def parse_version(text: str) -> Version:
    """Parse a version (PEP 440). Raises `RequirementError` for anything else."""
    if len(text) > MAX_VERSION_LENGTH:
        raise RequirementError(f"version of {len(text)} characters is longer than {MAX_VERSION_LENGTH}")
    try:
        return Version(text)
    except InvalidVersion as error:
        raise RequirementError(f"invalid version: {text!r}") from error


@functools.lru_cache(maxsize=65_536)
def parse_specifier(text: str) -> SpecifierSet:
    """Parse a version specifier (PEP 440). Raises `RequirementError`."""
    if len(text) > MAX_SPECIFIER_LENGTH:
        raise RequirementError(f"version specifier of {len(text)} characters is longer than {MAX_SPECIFIER_LENGTH}")
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # many operations never ask for one

    try:
        return SpecifierSet(text)
    except InvalidSpecifier as error:
        version = text.strip()
        plain = version[:1].isdigit() and "," not in version
        hint = f'a version alone is no specifier: "=={version}" or ">={version}" is' if plain else None
        raise RequirementError(f"invalid version specifier: {text!r}", hint=hint) from error
