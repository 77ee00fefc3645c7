"""What an installation took from distributions that it did not look at: pip tells, so whoever replaces pip has to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from envkit.dataclass import replace
from envkit.model.identity import normalize
from envkit.model.requirement import marker_holds, parse_requirement, requirement_name

if TYPE_CHECKING:
    from envkit.model.distribution import InstalledDistribution
    from envkit.model.plan import InstallReport


def with_broken(
    report: InstallReport, before: Iterable[InstalledDistribution], markers: Mapping[str, str]
) -> InstallReport:
    """Give *report* with a warning for each requirement that what was there *before* and stayed has lost by it."""
    changed = {str(normalize(change.name)): change for change in report.changes}
    old = {name: change.before for name, change in changed.items() if change.before != change.after}
    if not any(old.values()):
        return report  # nothing can have been lost where nothing was replaced
    new = {name: changed[name].after for name in old}
    stayed = [dist for dist in before if str(normalize(dist.name)) not in changed]
    lost = (
        f"{dist.name} {dist.version} needs {text}, and has {name} {new[name]}"
        for dist in stayed
        for text in dist.requires_dist
        if (name := _lost(text, old, new, markers)) is not None
    )
    return replace(report, warnings=(*report.warnings, *lost))


def _lost(
    text: str, old: Mapping[str, str | None], new: Mapping[str, str | None], markers: Mapping[str, str]
) -> str | None:
    """Give the name that the requirement *text* is about, where the old version met it and the new one does not."""
    try:
        name = requirement_name(text)
        if name not in old:
            return None
        requirement = parse_requirement(text)
        if requirement.marker is not None and not marker_holds(requirement.marker, {**markers, "extra": ""}):
            return None
        fits, version = requirement.specifier.contains, new[name]
        met = version is not None and fits(version, prereleases=True)
        return name if not met and fits(old[name] or "", prereleases=True) else None
    except ValueError:  # metadata that nobody can read: `check` names it, and what was installed is installed
        return None
