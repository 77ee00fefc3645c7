"""What decides whether a file of a project is usable: a policy as one target sees it at one moment."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from envkit.errors import RequirementError
from envkit.model.fingerprint import fingerprint
from envkit.model.identity import normalize
from envkit.namedtuple import NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from envkit.model.policy import ResolutionPolicy
    from envkit.model.target import Target


class Rules(NamedTuple):
    """What decides whether a file is usable, with every time made absolute: a policy seen by one target.

    *now* is in seconds since the epoch, as `time.time` gives them: `datetime` is loaded only where a time plays a part.
    *hashes* maps normalized names to the allowed ``"sha256:..."`` texts; a name that is not in it is not restricted,
    unless the policy requires hashes.
    """

    target: Target
    policy: ResolutionPolicy
    now: float
    hashes: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def cutoff(self, name: str) -> datetime | None:
        """Give the time after which files of *name* do not count."""
        value = self.policy.exclude_newer
        for given, own in self.policy.exclude_newer_by_project.items():
            if normalize(given) == name:
                value = own
        if value is None:
            return None
        from datetime import UTC, datetime, timedelta

        if isinstance(value, timedelta):
            # In whole hours, or what is kept for these rules would never be found again.
            return (datetime.fromtimestamp(self.now, UTC) - value).replace(minute=0, second=0, microsecond=0)
        moment = _given_time(value) if isinstance(value, str) else value
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def fingerprint(self, name: str) -> str:
        """Give a short text that is equal for rules that choose the same files of *name*."""
        parts = (
            self.target.fingerprint,
            self.cutoff(name),
            self.binary_only(name),
            self.source_only(name),
            self.may_build(name),
            self.hashes.get(name),
            self.policy.require_hashes,
            self.policy.requires_python,
        )
        return _fingerprint(parts)

    def binary_only(self, name: str) -> bool:
        """Whether only wheels of *name* count."""
        return _listed(name, self.policy.only_binary)

    def source_only(self, name: str) -> bool:
        """Whether only sdists of *name* count."""
        return _listed(name, self.policy.no_binary)

    def may_build(self, name: str) -> bool:
        """Whether code of *name* may run to build it."""
        builds = self.policy.builds
        return builds == "allow" or (builds != "never" and _listed(name, builds))


@functools.lru_cache(maxsize=1_024)
def _fingerprint(parts: tuple[object, ...]) -> str:
    # Nearly all projects of a resolution have the same parts.
    return fingerprint(repr(parts), 24)


def _listed(name: str, names: tuple[str, ...] | str) -> bool:
    return bool(names) and (":all:" in names or any(normalize(item) == name for item in names))


@functools.lru_cache(maxsize=64)
def _given_time(text: str) -> datetime:
    return read_time(text)  # of a policy, and asked for every project; those of files are too many to keep


def read_time(text: str) -> datetime:
    """Read an ISO 8601 time; without a zone it is UTC, a bare date means its first moment. Raises `RequirementError`."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequirementError(
            f"not a time: {text[:64]!r}",
            hint="write it as 2025-12-31 or 2025-12-31T23:59:59Z, or give a datetime or an age",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
