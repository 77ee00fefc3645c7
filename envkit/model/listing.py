"""The files of a page as columns, and as rows, plain tuples: quick to make, to judge and to store.

Pages have thousands of files of which a resolution uses a few, so a row is made only of what is looked at, and an
`Artifact` of what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias, cast, overload

from envkit.model.artifact import Artifact

Hashes: TypeAlias = str | dict[str, str]
"""A text is a sha256 that stands alone, as nearly all do."""

Row: TypeAlias = tuple[str, str, Hashes, int | None, str | None, str | None, str | None, Hashes | None, str | None]
"""filename, place, hashes, size, requires-python, yanked, upload time, hashes of the metadata, provenance.

The place is the folder that the file is in, with a slash at the end, or "=" and the whole address.
"""

Columns: TypeAlias = tuple[
    list[str], list[str], list[Hashes], list[int | None], list[str | None], list[str | None], list[str | None],
    list[Hashes | None], list[str | None],
]  # fmt: skip
"""The same of many files: a list for each field."""

Run: TypeAlias = tuple[Sequence[Row], str | None]
"""Rows, and the index that they are from."""


class Files(Sequence[Row]):
    """Rows that are kept as columns, which are far fewer objects; a row is made when it is looked at."""

    __slots__ = ("_columns", "_endings")

    def __init__(self, columns: Columns, endings: Sequence[str] | None = None) -> None:
        self._columns: Columns | None = columns
        self._endings = endings

    @property
    def columns(self) -> Columns:
        """The fields of all files."""
        assert self._columns is not None
        return self._columns

    @property
    def endings(self) -> Sequence[str]:
        """What follows the second dash in each file's name, or the last one before it: of wheels, build tag and tags."""
        found = self._endings
        if found is None:
            found = self._endings = [filename.split("-", 2)[-1] for filename in self.columns[0]]
        return found

    def only(self, positions: Sequence[int]) -> Iterable[Row]:
        """Give the rows at *positions*."""
        if len(positions) < 2:
            return [self[at] for at in positions]
        chosen: Callable[[Any], Any] = itemgetter(*positions)
        return cast("Iterable[Row]", zip(*map(chosen, self.columns), strict=True))

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Row]:
        return zip(*self.columns, strict=True)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        if isinstance(at, slice):
            return tuple(zip(*[column[at] for column in self.columns], strict=True))
        return cast("Row", tuple([column[at] for column in self.columns]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Files) and self.columns == other.columns

    def __hash__(self) -> int:
        return hash(tuple(self))


def columns_of(rows: Sequence[Row]) -> Columns:
    """Give rows as columns."""
    if isinstance(rows, Files):
        return rows.columns
    return cast("Columns", tuple(map(list, zip(*rows, strict=True)))) if rows else ([], [], [], [], [], [], [], [], [])


def place_of(url: str, filename: str) -> str:
    """Give the short form of an address."""
    return url[: -len(filename)] if filename and url.endswith("/" + filename) else "=" + url


def short_hashes(hashes: Mapping[str, str]) -> Hashes:
    """Give the short form of hashes."""
    return hashes["sha256"] if len(hashes) == 1 and "sha256" in hashes else dict(hashes)


_FIELDS = (
    "filename", "url", "hashes", "size", "requires_python", "yanked", "upload_time", "metadata", "provenance", "index",
)  # fmt: skip
_new = object.__new__
(
    _set_filename, _set_url, _set_hashes, _set_size, _set_requires_python, _set_yanked, _set_upload_time, _set_metadata,
    _set_provenance, _set_index,
) = [getattr(Artifact, name).__set__ for name in _FIELDS]  # fmt: skip


def artifact_of(row: Row, index: str | None) -> Artifact:
    """Give a file as a value."""
    filename, place, hashes, size, requires_python, yanked, upload_time, metadata, provenance = row
    # Field by field, as what a frozen dataclass does takes three times as long; a test compares both.
    artifact = _new(Artifact)
    _set_filename(artifact, filename)
    _set_url(artifact, place[1:] if place[:1] == "=" else place + filename)
    _set_hashes(artifact, {"sha256": hashes} if hashes.__class__ is str else hashes)
    _set_size(artifact, size)
    _set_requires_python(artifact, requires_python)
    _set_yanked(artifact, yanked)
    _set_upload_time(artifact, upload_time)
    _set_metadata(artifact, {"sha256": metadata} if metadata.__class__ is str else metadata)
    _set_provenance(artifact, provenance)
    _set_index(artifact, index)
    return artifact


def row_of(artifact: Artifact) -> Row:
    """Give the row of a value, without its index."""
    return (
        artifact.filename,
        place_of(artifact.url, artifact.filename),
        short_hashes(artifact.hashes),
        artifact.size,
        artifact.requires_python,
        artifact.yanked,
        artifact.upload_time,
        None if artifact.metadata is None else short_hashes(artifact.metadata),
        artifact.provenance,
    )


class Listing(Sequence[Artifact]):
    """Rows seen as values, each made when it is looked at; equal to a tuple of equal values."""

    __slots__ = ("runs",)

    def __init__(self, *runs: Run) -> None:
        self.runs = runs

    def __len__(self) -> int:
        return sum(len(rows) for rows, _ in self.runs)

    def __iter__(self) -> Iterator[Artifact]:
        for rows, index in self.runs:
            for row in rows:
                yield artifact_of(row, index)

    @overload
    def __getitem__(self, at: int) -> Artifact: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Artifact, ...]: ...
    def __getitem__(self, at: int | slice) -> Artifact | tuple[Artifact, ...]:
        if isinstance(at, slice):
            pairs = [(row, index) for rows, index in self.runs for row in rows][at]
            return tuple(artifact_of(row, index) for row, index in pairs)
        left = at if at >= 0 else at + len(self)
        for rows, index in self.runs:
            if 0 <= left < len(rows):
                return artifact_of(rows[left], index)
            left -= len(rows)
        raise IndexError("no such file")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Listing):
            return self.runs == other.runs or tuple(self) == tuple(other)
        return isinstance(other, tuple) and tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def runs_of(artifacts: Sequence[Artifact]) -> Sequence[Run]:
    """Give the rows of any sequence of files."""
    if isinstance(artifacts, Listing):
        return artifacts.runs
    return [([row_of(artifact)], artifact.index) for artifact in artifacts]
