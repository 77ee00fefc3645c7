"""Bring everything that people may ask for into the form that the resolver takes.

Requirements come as texts, `Requirement`, paths, `Editable`, single entries and whole files. A file also brings
constraints, hashes and options, which hold for the whole operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from envkit.model.identity import normalize
from envkit.model.requirement import (
    RequirementLike,
    check_requirement,
    no_requirement,
    parse_requirement,
    requirement_name,
)
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:  # most wishes are texts, and for those none of the other kinds is loaded
    from envkit.formats.file_options import FileOptions
    from envkit.formats.pyproject import ProjectFile
    from envkit.formats.requirements_txt import RequirementsFile
    from envkit.formats.scripts import ScriptMetadata
    from envkit.model.requested import RequirementEntry

    Wish: TypeAlias = RequirementLike | RequirementEntry | RequirementsFile | ProjectFile | ScriptMetadata
else:
    Wish: TypeAlias = Any


_FILE_ENDS = (".txt", ".whl", ".gz", ".in", ".toml", ".lock")
_NONE: Mapping[str, Any] = MappingProxyType({})


class Wanted(NamedTuple):
    """What one operation asks for.

    *hashes* map a normalized name to the allowed ``"algorithm:hex"`` texts, *direct_hashes* the URL of a direct reference;
    *settings* map a normalized name to the config settings of its build; *hash_mode* is true where every file must have an
    allowed hash. *checks* are called with the markers of the target, and raise where hash mode forbids what holds there.
    """

    requirements: tuple[RequirementLike, ...] = ()
    constraints: tuple[RequirementLike, ...] = ()
    hashes: Mapping[str, tuple[str, ...]] = _NONE
    settings: Mapping[str, Mapping[str, Any]] = _NONE
    options: tuple[FileOptions, ...] = ()
    hash_mode: bool = False
    direct_hashes: Mapping[str, tuple[str, ...]] = _NONE
    checks: tuple[Callable[[Mapping[str, str] | None], None], ...] = ()

    @property
    def simple(self) -> tuple[str, ...] | None:
        """The requirements as texts, where all are plain dependency specifiers without a URL; else None."""
        texts: list[str] = []
        for item in self.requirements:
            text = item if isinstance(item, str) else _text_of(item)
            if text is None or looks_direct(text):
                return None
            if "@" in text and parse_requirement(text).url is not None:
                return None
            texts.append(text)
        return tuple(texts)

    @property
    def names(self) -> frozenset[str]:
        """The normalized names of the requirements that have one."""
        found: set[str] = set()
        for item in self.requirements:
            text = item if isinstance(item, str) else _text_of(item)
            if text is not None and not looks_direct(text):
                found.add(requirement_name(text))
        return frozenset(found)


def _text_of(item: object) -> str | None:
    """Give a `Requirement` as text; None for anything else."""
    from packaging.requirements import Requirement

    return str(item) if isinstance(item, Requirement) else None


def looks_direct(text: str) -> bool:
    """Whether a text names a place (a URL without a name in front of it) and not a project."""
    head = text.split("@", 1)[0]
    return "://" in head or text.startswith("file:")


def gather(wishes: Iterable[Wish] | Wish, constraints: Iterable[Wish] | Wish = ()) -> Wanted:
    """Bring *wishes* and *constraints* into one value. Raises `RequirementError` for what is none of the known kinds."""
    collector = _Collector()
    for wish in _each(wishes):
        collector.add(wish)
    for wish in _each(constraints):
        collector.constrain(wish)
    return collector.value()


def _each(wishes: Any) -> Iterable[Any]:
    if isinstance(wishes, str):
        return (wishes,)
    if not isinstance(wishes, (list, tuple)) and (isinstance(wishes, _kinds()) or hasattr(wishes, "requirements")):
        return (wishes,)
    return wishes if isinstance(wishes, Iterable) else (wishes,)  # pyright: ignore[reportUnknownVariableType]


def _kinds() -> tuple[type[Any], ...]:
    """Give the types of single wishes besides texts."""
    from pathlib import Path

    from packaging.requirements import Requirement

    from envkit.model.editable import Editable
    from envkit.model.requested import RequirementEntry

    return (Requirement, Path, Editable, RequirementEntry)


class _Collector:
    def __init__(self) -> None:
        self.requirements: list[RequirementLike] = []
        self.constraints: list[RequirementLike] = []
        self.hashes: dict[str, set[str]] = {}
        self.direct: dict[str, set[str]] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.options: list[FileOptions] = []
        self.hash_mode = False
        self.checks: list[Callable[[Mapping[str, str] | None], None]] = []

    def add(self, wish: Any) -> None:
        if isinstance(wish, str):
            if not looks_direct(wish):
                _check_text(wish)
            self.requirements.append(wish)
            return
        from envkit.kit.needs import needs_of

        requirement, path, editable, entry = _kinds()
        if isinstance(wish, entry):
            self._entry(wish, self.requirements)
        elif isinstance(wish, (requirement, path, editable)):
            self.requirements.append(wish)
        elif (needs := needs_of(wish)) is not None:
            for part in needs.entries:
                self._entry(part, self.requirements)
            self.checks.append(needs.check)
        elif hasattr(wish, "requirements"):
            self._file(wish)
        else:
            raise no_requirement(wish)

    def constrain(self, wish: Any) -> None:
        if isinstance(wish, str):
            _check_text(wish)
            self.constraints.append(wish)
            return
        requirement, _, _, entry = _kinds()
        if isinstance(wish, entry):
            self._entry(wish, self.constraints)
        elif isinstance(wish, requirement):
            self.constraints.append(wish)
        elif hasattr(wish, "requirements"):
            # everything that a constraints file lists is a constraint
            for entry in (*wish.requirements, *wish.constraints):
                self.constrain(entry)
        else:
            raise no_requirement(wish, what="constraint")

    def _file(self, wish: Any) -> None:
        for entry in wish.requirements:
            self.add(entry)
        for entry in getattr(wish, "constraints", ()):
            self.constrain(entry)
        options = getattr(wish, "options", None)
        if options is not None:
            self.options.append(options)
        if getattr(wish, "hash_mode", False):
            self.checks.append(wish.check_hashes)
            self.hash_mode = True

    def _entry(self, entry: Any, into: list[RequirementLike]) -> None:
        if entry.is_direct and entry.hashes:
            from envkit.kit.direct_hashes import place_of

            self.direct.setdefault(place_of(entry), set()).update(_texts(entry.hashes))
        into.append(entry.requirement)
        if entry.name is None:
            return
        name = normalize(entry.name)
        if entry.hashes:
            self.hashes.setdefault(name, set()).update(_texts(entry.hashes))
        if entry.config_settings:
            self.settings.setdefault(name, {}).update(entry.config_settings)

    def value(self) -> Wanted:
        return Wanted(
            requirements=tuple(self.requirements),
            constraints=tuple(self.constraints),
            hashes={name: tuple(sorted(allowed)) for name, allowed in self.hashes.items()},
            direct_hashes={place: tuple(sorted(allowed)) for place, allowed in self.direct.items()},
            settings=self.settings,
            options=tuple(self.options),
            hash_mode=self.hash_mode,
            checks=tuple(self.checks),
        )


def _check_text(text: str) -> None:
    if text.rstrip().lower().endswith(_FILE_ENDS):
        from envkit.kit.needs import refuse_file_name

        refuse_file_name(text)
    check_requirement(text)


def _texts(hashes: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {f"{algorithm}:{digest.lower()}" for algorithm, digests in hashes.items() for digest in digests}
