"""What a resolution may choose, and how long it may take."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, Literal

from envkit.dataclass import dataclass, field
from envkit.errors import RequirementError
from envkit.model import moments
from envkit.model.arguments import check_choice, check_number, several

Prereleases = Literal["if-necessary", "allow", "disallow"]


INDEX_STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")


def check_builds(value: object) -> None:
    """Refuse what says neither "allow" nor "never" nor names whose code may run. Raises `RequirementError`."""
    if value not in ("allow", "never") and not isinstance(value, tuple):
        raise RequirementError(
            f"builds: {value!r} is neither 'allow' nor 'never' nor a tuple of names", context={"option": "builds"}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionPolicy:
    """The rules of one resolution.

    *prereleases* for all, or by project in *prereleases_by_project*; *strategy* which end of a range is wanted;
    *exclude_newer* an ISO 8601 time, a `datetime` or an age, with exceptions by project; *only_binary* and *no_binary*
    tuples of names, or ``":all:"``; with *prefer_binary* a version with a wheel comes before newer ones without;
    *builds* whether code of projects may run ("allow", "never", or a tuple of names for which it may); with *dependencies*
    False only what is asked for is chosen, as if it needed nothing. *deadline* is in seconds, *max_rounds* in decisions of
    the solver, *max_failed_builds* in versions of one project: fifty sdists that need a missing compiler would keep the
    machine busy for an hour.
    """

    prereleases: Prereleases = "if-necessary"
    prereleases_by_project: Mapping[str, Prereleases] = field(default_factory=dict[str, Prereleases])
    strategy: Literal["highest", "lowest", "lowest-direct"] = "highest"
    exclude_newer: str | moments.datetime | moments.timedelta | None = None
    exclude_newer_by_project: Mapping[str, str | moments.datetime | moments.timedelta | None] = field(
        default_factory=dict[str, Any]
    )
    only_binary: tuple[str, ...] | str = ()
    no_binary: tuple[str, ...] | str = ()
    prefer_binary: bool = False
    builds: Literal["allow", "never"] | tuple[str, ...] = "allow"
    index_strategy: Literal["first-index", "unsafe-first-match", "unsafe-best-match"] = "first-index"
    require_hashes: bool = False
    dependencies: bool = True
    requires_python: str | None = None
    excluded: tuple[str, ...] = ()
    deadline: float = 600.0
    max_rounds: int = 200_000
    max_failed_builds: int = 5

    def __post_init__(self) -> None:
        for name in ("only_binary", "no_binary"):
            value = getattr(self, name)
            if isinstance(value, str):
                if value != ":all:":
                    raise RequirementError(f"{name}: {value!r} is neither a tuple of names nor ':all:'")
                value = (value,)
            object.__setattr__(self, name, several(name, value, str))
        object.__setattr__(self, "excluded", several("excluded", self.excluded, str))
        if not isinstance(self.builds, str):
            object.__setattr__(self, "builds", several("builds", self.builds, str))
        check_choice("prereleases", self.prereleases, typing.get_args(Prereleases))
        for name, choice in self.prereleases_by_project.items():
            check_choice(f"prereleases_by_project[{name!r}]", choice, typing.get_args(Prereleases))
        check_choice("strategy", self.strategy, ("highest", "lowest", "lowest-direct"))
        check_choice("index_strategy", self.index_strategy, INDEX_STRATEGIES)
        check_builds(self.builds)
        for name in ("deadline", "max_rounds", "max_failed_builds"):
            check_number(name, getattr(self, name), above=0)
        if self.requires_python is not None:
            from envkit.model.identity import parse_specifier

            parse_specifier(self.requires_python)
