"""The short way for entries without anything unusual, as nearly all are; it gives the same rows as the long way.

Reading the pages of a large project is mostly this, so it is written for speed: a field of all files is looked at in one
call where that can be, and names, which are made of few different parts, part by part. What is not taken here is left to
the long way; a test compares both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from envkit.dataclass import dataclass, field
from envkit.index.entries import resolve_folder
from envkit.index.filenames import MAX_FILENAME, SIMPLE_VERSION, clean_requires_python, is_name_of, valid_version
from envkit.model.listing import Columns

MAX_TEXT = 4096
"""Characters of a reason or an address."""
_VERSION = re.compile(r"[0-9][a-z0-9.+]{0,60}\Z", re.ASCII)
_ENDING = re.compile(r"(?:[0-9]\w{0,20}-)?[\w.]{2,60}-[\w.]{2,60}-[\w.]{2,200}\.whl\Z", re.ASCII)
_FOLDER = r"https://[a-z0-9.-]++(?::[0-9]++)?(?:/[A-Za-z0-9_+~%-][A-Za-z0-9._+~%!-]*+)++/"
_is_plain_folder = re.compile(_FOLDER + r"\Z").match
_are_plain_folders = re.compile(rf"(?:{_FOLDER}\n)*+\Z").match
_MANY = 64
_NO_PARTS = ("", "", "")
_sha256 = itemgetter("sha256")
_TEXT_OR_NONE = frozenset((str, type(None)))


@dataclass(slots=True, kw_only=True)
class Fields:
    """The fields of all files of a page, each as a list; *odd* are positions that have to be looked at closely.

    Hashes are in their short form, and those of *odd* files may be anything.
    """

    filenames: list[Any]
    urls: list[Any]
    digests: list[Any]
    sizes: list[Any]
    needs: list[Any]
    yanks: list[Any]
    times: list[Any]
    metadata: list[Any]
    provenance: list[Any]
    odd: set[int] = field(default_factory=set[int])


def fields_of(entries: Sequence[dict[str, Any]]) -> Fields:
    """Give the fields of entries. Raises whatever it may where one has a type that it should not have."""
    # Field by field: what is made for each file on the way, and thrown away, takes longer than all the looking.
    hashes = [entry["hashes"] for entry in entries]
    try:
        told = [entry["core-metadata"] for entry in entries]
    except KeyError:
        told = [_told_of_metadata(entry) for entry in entries]
    given = [one for one in told if one.__class__ is dict]
    odd = set[int]()
    if not ({*map(len, given)} <= {1} and {type(one.get("sha256")) for one in given} <= {str}):
        odd.update(at for at, one in enumerate(told) if one.__class__ is dict and not _is_short(one))
    try:
        digests = list(map(_sha256, hashes))
    except KeyError:
        digests = [one.get("sha256", "") for one in hashes]
    if {*map(len, hashes)} != {1}:
        odd.update(at for at, one in enumerate(hashes) if len(one) != 1)
    return Fields(
        filenames=[entry["filename"] for entry in entries],
        urls=[entry["url"] for entry in entries],
        digests=digests,
        sizes=[entry.get("size") for entry in entries],
        needs=[entry.get("requires-python") for entry in entries],
        yanks=[entry.get("yanked") for entry in entries],
        times=[entry.get("upload-time") for entry in entries],
        metadata=[one.get("sha256") if one.__class__ is dict else {} if one is True else None for one in told],
        provenance=[entry.get("provenance") for entry in entries],
        odd=odd,
    )


def _is_short(hashes: dict[str, Any]) -> bool:
    return len(hashes) == 1 and type(hashes.get("sha256")) is str


def plain_columns(fields: Fields, base: str, project: str) -> tuple[Columns, Sequence[str], set[int]]:
    """Give the columns of a page, what its names end with, and the positions of files that have to be looked at closely.

    *base* is the address of the page, *project* the normalized name. Raises whatever it may where a field is of a type that
    it should not have: then all files have to be looked at.
    """
    if not fields.filenames:
        return ([], [], [], [], [], [], [], [], []), [], set()
    columns = _Columns(fields)
    return columns.judged(base, project), columns.endings, fields.odd


class _Columns:
    """The fields of all files on their way to columns."""

    def __init__(self, fields: Fields) -> None:
        self._filenames = fields.filenames
        self._urls = fields.urls
        self._digests = fields.digests
        self._needs = fields.needs
        self._sizes = fields.sizes
        self._times = fields.times
        self._yanks = fields.yanks
        self._metadata = fields.metadata
        self._provenance = fields.provenance
        self._odd = fields.odd
        self.endings: list[str] = []

    def judged(self, base: str, project: str) -> Columns:
        self._check_names(project)
        places = self._places(base)
        self._check_hashes()
        return (
            self._filenames,
            places,
            self._digests,
            self._whole_numbers(),
            self._pythons(),
            self._reasons(),
            _texts(self._times),
            self._metadata,
            _texts(self._provenance),
        )

    def _mark(self, column: Iterable[Any], good: Callable[[Any], object]) -> None:
        self._odd.update(at for at, value in enumerate(column) if not good(value))

    def _check_names(self, project: str) -> None:
        """Look at the parts of all names, each different one once, and keep what names end with, as judging goes by that."""
        names, versions = set[str](), set[str]()
        table = dict[str, str]()
        keep, one = self.endings.append, table.setdefault  # one text for all that are equal
        last_name = last_version = None
        for filename in self._filenames:
            if filename[-4:] == ".whl":
                try:
                    name, version, ending = filename.split("-", 2)
                except ValueError:
                    name, version, ending = "", "", filename.rpartition("-")[2]
                keep(one(ending, ending))
            else:
                name, version, _ = _parts(filename)
                keep(filename.split("-", 2)[-1])
            if version != last_version:  # versions stand together
                versions.add(version)
                last_version = version
            if name != last_name:
                names.add(name)
                last_name = name
        names = {name for name in names if not _is_plain_name(name, project)}
        simple = SIMPLE_VERSION.match
        versions = {version for version in versions if not simple(version) and not _is_plain_version(version)}
        tails = {ending for ending in table if not _ENDING.match(ending)}
        if names or versions or tails or max(map(len, self._filenames)) > MAX_FILENAME:

            def is_plain(filename: str) -> bool:
                name, version, ending = _parts(filename)
                unusual = name in names or version in versions or ending in tails
                return not unusual and len(filename) <= MAX_FILENAME

            self._mark(self._filenames, is_plain)

    def _places(self, base: str) -> list[Any]:
        """Give the folders that the files are in: relative ones are few, others may be one for each file."""
        names, urls = self._filenames, self._urls
        places = list(map(str.removesuffix, urls, names))
        before = list(map(len, urls))
        if sum(before) != sum(map(len, places)) + sum(map(len, names)):
            self._mark(zip(urls, names, strict=True), lambda pair: pair[0].endswith(pair[1]))
        if max(before) > MAX_TEXT:
            self._mark(urls, lambda url: len(url) <= MAX_TEXT)
        different = set(places)
        if len(different) > _MANY:
            joined = "\n".join(places)
            if _are_plain_folders(joined + "\n") and joined.count("\n") == len(places) - 1:
                return places
        table = {place: place if _is_plain_folder(place) else resolve_folder(base, place) for place in different}
        found = [table[place] for place in places]
        if None in table.values():
            self._mark(found, lambda place: place is not None)
        return found

    def _check_hashes(self) -> None:
        if not _are_sha256(self._digests):
            self._mark(self._digests, lambda digest: _are_sha256((digest,)))
        told = self._metadata
        if not _are_sha256([one for one in told if one.__class__ is str]):
            self._mark(told, lambda one: one.__class__ is not str or _are_sha256((one,)))

    def _whole_numbers(self) -> list[int | None]:
        sizes = self._sizes
        if set(map(type, sizes)) == {int} and min(sizes) >= 0:
            return sizes
        return [size if type(size) is int and size >= 0 else None for size in sizes]

    def _pythons(self) -> list[str | None]:
        different = set(self._needs)
        if not _TEXT_OR_NONE.issuperset(map(type, different)):
            raise TypeError("requires-python is not a text")
        table = {needs: clean_requires_python(needs) if needs else None for needs in different}
        if any(needs and cleaned is None for needs, cleaned in table.items()):
            self._mark(self._needs, lambda needs: not needs or table[needs] is not None)
        return [table[needs] for needs in self._needs]

    def _reasons(self) -> list[str | None]:
        yanks = self._yanks
        if set(map(type, yanks)) == {bool} and True not in yanks:
            return [None] * len(yanks)
        return [None if why is False or why is None else why[:MAX_TEXT] if type(why) is str else "" for why in yanks]


def _told_of_metadata(entry: dict[str, Any]) -> Any:
    return entry.get("core-metadata", entry.get("dist-info-metadata", entry.get("data-dist-info-metadata")))


def _parts(filename: str) -> Sequence[str]:
    """Give name, version and, of a wheel, the rest; where a name has no such parts, some that are not good."""
    if filename[-4:] == ".whl":
        parts = filename.split("-", 2)
        return parts if len(parts) == 3 else _NO_PARTS
    cut = 7 if filename[-7:] == ".tar.gz" else 4 if filename[-4:] == ".zip" else 0
    name, _, version = filename[:-cut].rpartition("-") if cut else _NO_PARTS
    return name, version, ""


def _is_plain_version(version: str) -> bool:
    return _VERSION.match(version) is not None and valid_version(version)


def _is_plain_name(name: str, project: str) -> bool:
    return len(name) <= 100 and name.isascii() and is_name_of(name, project)


def _are_sha256(digests: Sequence[Any]) -> bool:
    try:
        joined = "".join(digests)
        # There and back, as nothing else looks at so many letters so fast.
        return bytes.fromhex(joined).hex() == joined and set(map(len, digests)) <= {64}
    except (ValueError, TypeError):
        return False


def _texts(column: list[Any]) -> list[str | None]:
    if _TEXT_OR_NONE.issuperset(map(type, column)):
        return column
    return [text if type(text) is str else None for text in column]
