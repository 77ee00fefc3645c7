"""Compare what should be there with what is, and give the difference as a plan. Nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from envkit.errors import InstallError
from envkit.model.arguments import several
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize, parse_specifier, parse_version
from envkit.model.plan import Addition, InstallPlan, Present
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Pin, Resolution

Mode = Literal["install", "sync"]
UpgradeStrategy = Literal["exact", "only-if-needed"]


def make_plan(
    resolution: Resolution,
    installed: Iterable[InstalledDistribution],
    *,
    mode: Mode,
    root: str,
    fingerprint: str,
    reinstall: Collection[str] | bool = (),
    upgrade_strategy: UpgradeStrategy = "exact",
    protect: Collection[str] = (),
) -> InstallPlan:
    """Give the plan that brings the pins of *resolution* to the environment.

    *installed* may hold several distributions of one name (what is shadowed goes too). *reinstall* are names, or True for
    all. With *upgrade_strategy* "only-if-needed" an installed version of a project that nobody named stays if it
    satisfies all requests. In mode "sync" everything else goes, except for the names in *protect*.
    """
    if mode not in ("install", "sync"):
        raise InstallError(f"unknown mode {mode!r}")
    present: dict[str, list[InstalledDistribution]] = {}
    for distribution in installed:
        present.setdefault(normalize(distribution.name), []).append(distribution)
    again = None if reinstall is True else frozenset(map(normalize, several("reinstall", reinstall or (), str)))
    add: list[Addition] = []
    replace: list[Addition] = []
    keep: list[Present] = []
    for name, pin in resolution.pins.items():
        old = present.pop(name, [])
        requested = any(not request.by for request in pin.requested_by)
        if not old:
            add.append(Addition(pin=pin, requested=requested))
        elif len(old) == 1 and again is not None and name not in again and _may_stay(old[0], pin, upgrade_strategy):
            keep.append(_present(old[0]))
        else:
            # Whoever was asked for once stays so, also when something else brings a new version.
            requested = requested or any(distribution.requested for distribution in old)
            replace.append(Addition(pin=pin, requested=requested, old=tuple(map(_present, old))))
    if add or replace:
        rank = {name: at for at, name in enumerate(_ordered(resolution))}
        for additions in (add, replace):
            additions.sort(key=lambda each: rank[each.name])
    remove: list[Present] = []
    spared = frozenset(normalize(name) for name in several("protect", protect, str))
    for name, old in present.items():
        if mode == "sync" and name not in spared:
            remove += map(_present, old)
        else:
            keep += map(_present, old)
    return InstallPlan(
        mode=mode,
        root=root,
        fingerprint=fingerprint,
        add=tuple(add),
        replace=tuple(replace),
        remove=tuple(reversed(remove)),
        keep=tuple(keep),
    )


def _present(distribution: InstalledDistribution) -> Present:
    return Present(name=normalize(distribution.name), version=distribution.version, path=os.fspath(distribution.path))


def _may_stay(old: InstalledDistribution, pin: Pin, strategy: UpgradeStrategy) -> bool:
    if pin.origin is not None:
        # A folder or an editable project may have changed without a new version; an archive or commit cannot.
        same = old.direct_url is not None and dict(old.direct_url) == pin.origin.to_direct_url()
        return same and pin.origin.kind != "directory"
    if old.direct_url is not None:
        return False
    if old.version == str(pin.version) or _same_version(old.version, pin):
        return True
    if strategy != "only-if-needed" or any(not request.by for request in pin.requested_by):
        return False
    return _satisfies_all(old.version, pin)


def _same_version(text: str, pin: Pin) -> bool:
    from envkit.errors import RequirementError

    try:
        return parse_version(text) == pin.version
    except RequirementError:
        return False


def _satisfies_all(text: str, pin: Pin) -> bool:
    from envkit.errors import RequirementError

    try:
        version = parse_version(text)
        for request in pin.requested_by:
            requirement = parse_requirement(request.requirement)
            if not parse_specifier(str(requirement.specifier)).contains(version, prereleases=True):
                return False
    except RequirementError:
        return False
    return True


def _ordered(resolution: Resolution) -> list[str]:
    """Give the names so that what a project depends on comes before it; circles are broken somewhere."""
    needs: Mapping[str, list[str]] = {name: [] for name in resolution.pins}
    for edge in resolution.edges:
        if edge.parent in needs and edge.child in needs:
            needs[edge.parent].append(edge.child)
    done: dict[str, None] = {}
    for start in sorted(needs):
        stack: list[tuple[str, bool]] = [(start, False)]
        entered: set[str] = set()
        while stack:
            name, leaving = stack.pop()
            if leaving:
                done[name] = None
            elif name not in done and name not in entered:
                entered.add(name)
                stack.append((name, True))
                stack += [(child, False) for child in sorted(needs[name], reverse=True)]
    return list(done)
