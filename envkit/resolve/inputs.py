"""From what users write to the rows that a problem is made of: names normalized, markers evaluated, places looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from envkit.errors import RequirementError
from envkit.model.identity import normalize, parse_version
from envkit.model.requirement import RequirementLike, marker_holds, no_requirement, parse_marker, parse_requirement
from envkit.model.secret import mask_credentials
from envkit.namedtuple import NamedTuple
from envkit.resolve.dependencies import Dependency, read_dependency

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.resolve.catalog import Catalog


# Compiled when one is used: hardly any requirement is a place.
_URL = r"[A-Za-z][A-Za-z0-9+.-]*:/"
_EXTRAS = r"\[([^\[\]#]*)\]$"


class Inputs(NamedTuple):
    """What a resolution is asked for, in rows.

    *roots* are requirements whose markers hold; *constraints* apply to projects that are pulled in; *overrides* replace
    every requirement of their name (an empty tuple drops it); *preferences* are versions by name.
    """

    roots: tuple[Dependency, ...]
    constraints: tuple[Dependency, ...] = ()
    overrides: Mapping[str, tuple[Dependency, ...]] = MappingProxyType({})
    excluded: frozenset[str] = frozenset()
    preferences: Mapping[str, str] = MappingProxyType({})
    editables: frozenset[str] = frozenset()


def read_inputs(
    catalog: Catalog,
    requirements: Iterable[RequirementLike],
    constraints: Iterable[RequirementLike] = (),
    overrides: Iterable[RequirementLike] = (),
    preferences: Iterable[Any] = (),
) -> tuple[Inputs, tuple[str, ...]]:
    """Give the inputs of a problem, and the texts of the requirements as given. Raises `RequirementError`."""
    markers = catalog.rules.target.markers
    roots: list[Dependency] = []
    editables: set[str] = set()
    texts: list[str] = []
    for given in requirements:
        row, text, editable = _root(catalog, given)
        texts.append(text)
        if row is not None:
            roots.append(row)
            if editable and row.url is not None:
                editables.add(row.url)
    replaced: dict[str, tuple[Dependency, ...]] = {}
    for row, holds in [read_dependency(_text(given, "override"), markers) for given in overrides]:
        replaced[row.name] = replaced.get(row.name, ()) + ((row,) if holds else ())
    limits = [read_dependency(_text(given, "constraint"), markers) for given in constraints]
    inputs = Inputs(
        roots=tuple(roots),
        constraints=tuple(row for row, holds in limits if holds),
        overrides=replaced,
        excluded=frozenset(normalize(name) for name in catalog.rules.policy.excluded),
        preferences=read_preferences(preferences),
        editables=frozenset(editables),
    )
    return inputs, tuple(texts)


def _root(catalog: Catalog, given: RequirementLike) -> tuple[Dependency | None, str, bool]:
    if not isinstance(given, str):
        from pathlib import Path

        from envkit.model.editable import Editable

        if isinstance(given, Path):
            return _direct(catalog, place(given), (), editable=False)
        if isinstance(given, Editable):
            target, extras = (given.target, ()) if isinstance(given.target, Path) else split_extras(given.target)
            url = place(target)
            if given.marker is not None and not _holds(catalog, given.marker):
                return None, mask_credentials(url), True
            return _direct(catalog, url, extras, editable=True, name=given.name)
    text = _text(given)
    if ":/" in text and re.match(_URL, text):
        url, semicolon, marker = text.partition(" ;")
        if semicolon and not _holds(catalog, marker.strip()):
            return None, mask_credentials(text), False
        url, extras = split_extras(url.strip())
        return _direct(catalog, url, extras, editable=False)
    row, holds = read_dependency(text, catalog.rules.target.markers)
    return row if holds else None, mask_credentials(text), False


def _holds(catalog: Catalog, marker: str) -> bool:
    return marker_holds(parse_marker(marker), {**catalog.rules.target.markers, "extra": ""})


def _direct(
    catalog: Catalog, url: str, extras: tuple[str, ...], *, editable: bool, name: str | None = None
) -> tuple[Dependency | None, str, bool]:
    """Look at what has no name in front of it, to learn its name; one that has to be *name* is checked."""
    from envkit.resolve.ports import DirectRequest

    candidate = catalog.direct(DirectRequest(url=url, name=name, editable=editable))
    row = Dependency(candidate.name, extras, "", url)
    shown = f"{candidate.name}[{','.join(extras)}]" if extras else candidate.name
    return row, f"{shown} @ {mask_credentials(url)}", editable


def split_extras(text: str) -> tuple[str, tuple[str, ...]]:
    """Split ``place[one,two]`` as people write it; the extras come normalized and sorted."""
    match = re.search(_EXTRAS, text)
    if match is None or not match.start():
        return text, ()
    names = sorted({normalize(name.strip()) for name in match[1].split(",") if name.strip()})
    return text[: match.start()], tuple(str(name) for name in names)


def place(target: str | Path) -> str:
    """Give the URL of a path, or of a URL itself."""
    from pathlib import Path

    if isinstance(target, Path):
        return target.absolute().as_uri()
    if "://" in target or target.startswith("file:"):
        return target
    return Path(target).absolute().as_uri()


def _text(given: RequirementLike, what: str = "requirement") -> str:
    if isinstance(given, str):
        return given
    from packaging.requirements import Requirement

    if isinstance(given, Requirement):
        # Read again: the bounds hold for every requirement, and a requirement can be changed by whoever made it.
        return str(given)
    raise no_requirement(given, what=what)


def read_preferences(preferences: Iterable[Any]) -> Mapping[str, str]:
    """Read preferred versions: ``"name==version"``, or anything with ``name`` and ``version`` (pins, distributions)."""
    wanted: dict[str, str] = {}
    for given in preferences:
        if isinstance(given, str) or not hasattr(given, "version"):
            parsed = parse_requirement(_text(given, "preference"))
            exact = [clause.version for clause in parsed.specifier if clause.operator in ("==", "===")]
            if len(exact) != 1 or exact[0].endswith(".*"):
                raise RequirementError(f"a preference has to name one version: {str(given)[:200]!r}")
            name, version = parsed.name, exact[0]
        else:
            name, version = given.name, str(given.version)
        try:
            wanted[normalize(name)] = str(parse_version(version))
        except RequirementError:
            continue  # something installed with a version from before PEP 440 cannot be preferred
    return wanted
