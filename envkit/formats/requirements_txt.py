"""Read requirements files as pip 26 does, into values; write them back unchanged but for what is changed on purpose.

Differences from pip, all deliberate: relative paths are relative to the file that names them (pip: to the working
folder); a file that is not in its declared encoding is an error (pip: the encoding of the locale); a file from a server
cannot include files of this machine; the bounds named below hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from envkit.dataclass import dataclass, field, replace
from envkit.errors import RequirementError
from envkit.events import Reporter, Warned, new_operation
from envkit.formats.file_options import FileOptions, OptionCollector
from envkit.formats.file_url import file_url_to_path
from envkit.formats.hash_mode import check_entries
from envkit.formats.line_options import Options, parse_options, read_hashes, read_settings, split_line
from envkit.formats.logical import logical_lines
from envkit.formats.requirement_line import parse_editable, parse_entry
from envkit.formats.text import decode_text, read_bounded
from envkit.model.requested import RequirementEntry
from envkit.model.secret import mask_credentials
from envkit.model.values import Value

MAX_INCLUDE_DEPTH = 64
MAX_INCLUDED_FILES = 1_024
MAX_ENTRIES = 50_000

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementsFile(Value):
    """What a requirements file asks for, with all that it includes.

    *requirements* and *constraints* come in the order in which pip meets them; *files* are the places that were read,
    the first one first, without credentials; *text* is the first file as it is written.
    """

    requirements: tuple[RequirementEntry, ...] = ()
    constraints: tuple[RequirementEntry, ...] = ()
    options: FileOptions = field(default_factory=FileOptions)
    files: tuple[str, ...] = ()
    text: str = field(default="", repr=False, metadata={"transient": True})

    def to_dict(self) -> dict[str, Any]:
        """Give the file as plain data; credentials are masked, so that it cannot bring them back."""
        data = super(RequirementsFile, self).to_dict()  # noqa: UP008  the decorator makes another class
        parts = {"requirements": self.requirements, "constraints": self.constraints}
        for name, entries in parts.items():
            data[name] = [_without_schema(entry.to_dict()) for entry in entries]
        data["options"] = _without_schema(self.options.to_dict())
        return data

    @property
    def hash_mode(self) -> bool:
        """Whether every file must have a known hash: it was asked for, or one requirement names a hash."""
        if self.options.require_hashes:
            return True
        return not self.options.no_require_hashes and any(entry.hashes for entry in self.requirements)

    def check_hashes(self, markers: Mapping[str, str] | None = None) -> None:
        """In hash mode, refuse a requirement that has no hash, or can have none (pip's rules).

        Pins and hashes of one project may be on several lines, constraints included. With *markers* (PEP 508's variables)
        what does not hold there is passed over, as pip does for the Python that it runs on. Raises `RequirementError` for
        the first one, naming file and line. Outside hash mode nothing is checked.
        """
        if self.hash_mode:
            check_entries(self.requirements, self.constraints, markers)


def _without_schema(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "schema"}


def read_requirements(
    path: str | Path,
    *,
    environ: Mapping[str, str] | None = None,
    constraint: bool = False,
    fetch: Fetch | None = None,
    reporter: Reporter | None = None,
) -> RequirementsFile:
    """Read a requirements file, or with *constraint* a constraints file, and what it includes.

    *path* is a path or a URL; *fetch* gives the bytes at an ``http:`` or ``https:`` URL, and without it such a place is
    an error. ``${NAME}`` is looked up in *environ* alone. What is ignored (``--use-feature``, a hash without a
    requirement) goes to *reporter*. Raises `RequirementError` naming file and line.
    """
    place = str(path)
    if _is_remote(place) or place.lower().startswith("file:"):
        first = place
    else:
        first = os.path.abspath(place)
    return _Reading(environ or {}, fetch, reporter).run(first, None, constraint=constraint)


def parse_requirements(
    text: str,
    *,
    base: str | Path | None = None,
    file: str = "requirements.txt",
    environ: Mapping[str, str] | None = None,
    constraint: bool = False,
    fetch: Fetch | None = None,
    reporter: Reporter | None = None,
) -> RequirementsFile:
    """Read a *text* as if it were *file* in the folder *base*; without *base* it can name no paths. See above."""
    place = file if base is None else os.path.join(os.path.abspath(base), file)
    return _Reading(environ or {}, fetch, reporter, local=base is not None).run(place, text, constraint=constraint)


def _is_remote(place: str) -> bool:
    return place[:8].lower().startswith(("http:", "https:"))


@dataclass(slots=True)
class _Open:
    """A file that is being read."""

    place: str
    shown: str
    folder: Path | None
    constraint: bool
    lines: Iterator[tuple[int, str]]


class _Reading:
    """One reading of a file with all that it includes; a stack stands in for recursion, so that depth is a number."""

    def __init__(
        self, environ: Mapping[str, str], fetch: Fetch | None, reporter: Reporter | None, *, local: bool = True
    ) -> None:
        self._environ = environ
        self._fetch = fetch
        self._reporter = reporter
        self._local = local
        self._operation = new_operation("read")
        self._options = OptionCollector()
        self._found: tuple[list[RequirementEntry], list[RequirementEntry]] = ([], [])
        self._files: list[str] = []
        self._stack: list[_Open] = []

    def run(self, place: str, text: str | None, *, constraint: bool) -> RequirementsFile:
        first = self._load(place) if text is None else text
        self._push(place, first, constraint=constraint)
        while self._stack:
            current = self._stack[-1]
            line = next(current.lines, None)
            if line is None:
                self._stack.pop()
            else:
                self._read_line(current, *line)
        return RequirementsFile(
            requirements=tuple(self._found[0]),
            constraints=tuple(self._found[1]),
            options=self._options.value(),
            files=tuple(self._files),
            text=first,
        )

    def _push(self, place: str, text: str, *, constraint: bool) -> None:
        path = file_url_to_path(place) if place.lower().startswith("file:") else place
        folder = Path(os.path.dirname(path)) if path and not _is_remote(place) and self._local else None
        shown = mask_credentials(place)
        self._files.append(shown)
        lines = logical_lines(text, shown, self._environ)
        self._stack.append(_Open(place=place, shown=shown, folder=folder, constraint=constraint, lines=lines))

    def _load(self, place: str) -> str:
        shown = mask_credentials(place)
        if _is_remote(place):
            if self._fetch is None:
                raise RequirementError(f"{shown} is on a server, and nothing was given to fetch it with", file=shown)
            return decode_text(self._fetch(place), shown)
        path = file_url_to_path(place) if place.lower().startswith("file:") else place
        if path is None:
            raise RequirementError(f"{shown} is not on this machine", file=shown)
        return decode_text(read_bounded(path), shown)

    def _read_line(self, current: _Open, number: int, line: str) -> None:
        def fail(message: str) -> RequirementError:
            text = mask_credentials(f"{current.shown}, line {number}: {message}")
            return RequirementError(text, file=current.shown, line=number)

        wanted, rest = split_line(line)
        options = parse_options(rest, fail)
        self._options.add_lists(options, fail)
        editables = options.get("editable", ())
        wanted = wanted.strip() or (editables[0] if editables else "")
        if wanted:
            self._add_entry(current, number, wanted, options, fail, editable=bool(editables))
        elif "requirement" in options or "constraint" in options:
            self._include(current, options, fail)
        else:
            if "hash" in options:
                self._warn("ignored-hash", f"{current.shown}, line {number}: a hash without a requirement is ignored")
            for feature in options.get("use-feature", ()):
                shown = mask_credentials(feature[:80])
                self._warn("ignored-option", f"{current.shown}, line {number}: --use-feature {shown} is ignored")
            self._options.add_line(options, str(current.folder) if current.folder is not None else None)

    def _add_entry(
        self,
        current: _Open,
        number: int,
        wanted: str,
        options: Options,
        fail: Callable[[str], RequirementError],
        *,
        editable: bool,
    ) -> None:
        hashes = read_hashes(options.get("hash", []), fail)
        settings = read_settings(options.get("config-settings", []), fail)
        if editable and current.constraint:
            raise fail("an editable requirement cannot be a constraint")
        try:
            entry = (parse_editable if editable else parse_entry)(wanted, base=current.folder)
        except RequirementError as error:
            failure = fail(error.message)
            failure.hint = error.hint
            raise failure from error
        if not editable:
            for algorithm, digests in entry.hashes.items():  # those of the URL itself
                hashes[algorithm] = (*hashes.get(algorithm, ()), *digests)
        target = self._found[1 if current.constraint else 0]
        if len(target) >= MAX_ENTRIES:
            raise fail(f"there are more than {MAX_ENTRIES} requirements")
        target.append(
            replace(
                entry,
                constraint=current.constraint,
                hashes={} if editable else hashes,
                config_settings=settings,
                file=current.shown,
                line=number,
            )
        )

    def _include(self, current: _Open, options: Options, fail: Callable[[str], RequirementError]) -> None:
        constraint = "requirement" not in options
        place = options["constraint" if constraint else "requirement"][0]
        if _is_remote(current.place):
            place = urljoin(current.place, place)
            if not _is_remote(place):
                raise fail("a file from a server cannot include a file of this machine")
        elif not _is_remote(place) and not place.lower().startswith("file:"):
            if current.folder is None:
                raise fail("there is no folder that the included file could be in")
            place = os.path.abspath(os.path.join(current.folder, place))
        if any(place == other.place for other in self._stack):
            raise fail(f"{place} includes itself")
        if len(self._stack) >= MAX_INCLUDE_DEPTH:
            raise fail(f"files include each other more than {MAX_INCLUDE_DEPTH} deep")
        if len(self._files) >= MAX_INCLUDED_FILES:
            raise fail(f"more than {MAX_INCLUDED_FILES} files are included")
        try:
            text = self._load(place)
        except RequirementError as error:
            raise fail(error.message) from error
        self._push(place, text, constraint=constraint)

    def _warn(self, code: str, message: str) -> None:
        if self._reporter is not None:
            try:
                self._reporter(Warned(operation=self._operation, code=code, message=message))
            except Exception:  # noqa: BLE001, S110  a reporter that raises never harms the work
                pass
