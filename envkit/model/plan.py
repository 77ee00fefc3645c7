"""What an installation would do, and what it did, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from envkit.dataclass import dataclass, field
from envkit.model.resolution import Pin
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Present(Value):
    """A distribution that is installed: *path* is its metadata folder or file."""

    name: str
    version: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition(Value):
    """A pin to install; *requested* tells whether the user asked for it by name; *old* is what it takes the place of."""

    pin: Pin
    requested: bool = False
    old: tuple[Present, ...] = ()

    @property
    def name(self) -> str:
        """The normalized name."""
        return self.pin.name

    @property
    def version(self) -> str:
        """The version that will be there."""
        return str(self.pin.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan(Value):
    """What applying would do to the environment at *root*: to look at, to keep, and to apply later.

    *add* and *replace* are in the order of dependencies, what others need first; *remove* is in the opposite order.
    *fingerprint* names the state of the environment that the plan was made for.
    """

    mode: Literal["install", "sync"]
    root: str
    fingerprint: str
    add: tuple[Addition, ...] = ()
    replace: tuple[Addition, ...] = ()
    remove: tuple[Present, ...] = ()
    keep: tuple[Present, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.add or self.replace or self.remove)

    def __str__(self) -> str:
        """Give a line for each distribution that would come (``+``), change (``~``) or go (``-``)."""
        lines = [f"+ {item.name} {item.version}" for item in self.add]
        lines += [
            f"~ {item.name} {', '.join(old.version for old in item.old)} -> {item.version}" for item in self.replace
        ]
        lines += [f"- {item.name} {item.version}" for item in self.remove]
        return "\n".join(lines) or "nothing to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Value):
    """What became of one distribution: *before* and *after* are versions, None where it was not there."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.name} {self.after}"
        return f"- {self.name} {self.before}" if self.after is None else f"~ {self.name} {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallReport(Value):
    """What was done to the environment at *root*.

    *left* are files that a removed distribution lists but that were not removed, with the reason ("changed", "shared",
    "outside", "protected", "no-hash"); *set_aside* maps changed files that had to give way to where they are now.
    *seconds* are wall times by phase; *link_mode* is how files came in.
    """

    root: str
    changes: tuple[Change, ...] = ()
    kept: tuple[Present, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict[str, str])
    set_aside: Mapping[str, str] = field(default_factory=dict[str, str])
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    link_mode: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def added(self) -> tuple[Change, ...]:
        """The distributions that were not there in any version."""
        return tuple(change for change in self.changes if change.before is None)

    @property
    def replaced(self) -> tuple[Change, ...]:
        """The distributions that were there before, in another version or to be installed anew."""
        return tuple(change for change in self.changes if change.before is not None and change.after is not None)

    @property
    def installed(self) -> tuple[Change, ...]:
        """The distributions that are there now and were not in this version before."""
        return tuple(change for change in self.changes if change.after is not None)

    @property
    def removed(self) -> tuple[Change, ...]:
        """The distributions that are gone."""
        return tuple(change for change in self.changes if change.after is None)

    def __str__(self) -> str:
        """Give a line for each change, as a plan does, then the warnings."""
        lines = [str(change) for change in self.changes]
        return "\n".join([*lines, *self.warnings]) or "nothing was done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Value):
    """One difference between an environment and its records; *path* is absolute, *distribution* the one concerned."""

    kind: Literal["missing", "changed", "orphaned", "shadowed", "no-record", "outside"]
    path: str
    distribution: str = ""
