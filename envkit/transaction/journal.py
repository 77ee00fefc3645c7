"""The intent of one operation as data: which entries move where.

Every step can be told from the file system alone, by inode, so a journal is written once and never updated: whoever
reads it sees for each move whether it was made.
"""

from __future__ import annotations

import json
import os
from typing import Any, Literal

from envkit.dataclass import dataclass
from envkit.errors import InstallError
from envkit.transaction.state import PREFIX, STATE_DIR, check_relative

SCHEMA = 1
Kind = Literal["add", "swap", "remove"]


@dataclass(frozen=True, slots=True)
class Move:
    """One entry: *path* is relative to the place number *place*; *new* and *old* are the inodes that come and go.

    *stamp* is the mtime (ns) of a new entry that is no folder, for telling later whether it is still the same.
    """

    kind: Kind
    place: int
    path: str
    new: int | None
    old: int | None
    stamp: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in which entries change: *target* is absolute, *stage* holds ``new`` and ``old`` on its file system."""

    target: str
    stage: str


@dataclass(frozen=True, slots=True)
class Journal:
    """One operation: the first of *places* is the environment's root; *stages* are the inodes of their stages."""

    id: str
    purpose: str
    places: tuple[Place, ...]
    stages: tuple[int | None, ...]
    moves: tuple[Move, ...]

    def to_bytes(self) -> bytes:
        """Give the content of the journal's file."""
        data = {
            "schema": SCHEMA,
            "id": self.id,
            "purpose": self.purpose,
            # The root itself is not written: an environment may be moved, and a journal must stay inside its own.
            "places": [place.target for place in self.places[1:]],
            "stages": self.stages,
            "moves": [[move.kind, move.place, move.path, move.new, move.old, move.stamp] for move in self.moves],
        }
        return json.dumps(data, separators=(",", ":")).encode()

    @classmethod
    def read(cls, path: str, root: str) -> Journal:
        """Read a journal. Raises `InstallError` for one that is damaged or leads outside its places."""
        try:
            with open(path, "rb") as file:
                data: Any = json.loads(file.read())
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']!r}")
            number = _identifier(data["id"])
            targets = [root, *(_absolute(target) for target in data["places"])]
            places = tuple(place_at(number, target, first=at == 0) for at, target in enumerate(targets))
            stages = tuple(_number(inode, data) for inode in data["stages"])
            moves = tuple(_move(row, len(places)) for row in data["moves"])
            return cls(number, str(data["purpose"]), places, stages, moves)
        except (ValueError, KeyError, TypeError) as error:
            raise InstallError(
                f"{path} cannot be read: {error}",
                hint="the environment was changed by something else; make it anew, or restore the file",
                context={"path": path},
            ) from error


def place_at(number: str, target: str, *, first: bool) -> Place:
    """Give the place for *target*: the root stages in its own bookkeeping, any other one beside its entries."""
    if first:
        return Place(target, os.path.join(target, STATE_DIR, PREFIX + number))
    return Place(target, os.path.join(target, f"{STATE_DIR}-{number}"))


def _identifier(value: Any) -> str:
    if isinstance(value, str) and value.isalnum():
        return value
    raise ValueError(f"id {value!r}")


def _absolute(value: Any) -> str:
    if isinstance(value, str) and os.path.isabs(value):
        return value
    raise ValueError(f"place {value!r}")


def _move(row: Any, places: int) -> Move:
    kind, place, path, new, old, stamp = row
    if kind not in ("add", "swap", "remove") or not isinstance(place, int) or not 0 <= place < places:
        raise ValueError(f"move {row!r}")
    new, old, stamp = (_number(value, row) for value in (new, old, stamp))
    return Move(kind, place, check_relative(path), new, old, stamp)


def _number(value: Any, where: Any) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise ValueError(f"{value!r} in {where!r}")
