"""Plan to install again, from the same archives, what differs from its record."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from typing import Any

from envkit.errors import InstallError, RequirementError
from envkit.installation.layout import Layout
from envkit.installation.verifying import find_problems
from envkit.installed import record
from envkit.model.candidate import Artifact
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize, parse_version
from envkit.model.plan import Addition, InstallPlan, Present
from envkit.model.resolution import Pin
from envkit.model.source import Origin

_MENDED = frozenset(("missing", "changed"))


def plan_repair(
    installed: Sequence[InstalledDistribution], layout: Layout, fingerprint: str, wanted: Collection[str] | None
) -> tuple[InstallPlan, tuple[str, ...]]:
    """Give the plan, and a warning for each distribution that differs but cannot be installed again."""
    broken = {problem.distribution for problem in find_problems(installed, layout) if problem.kind in _MENDED}
    replace: list[Addition] = []
    keep: list[Present] = []
    warnings: list[str] = []
    for distribution in installed:
        name = normalize(distribution.name)
        present = Present(name=name, version=distribution.version, path=os.fspath(distribution.path))
        if name not in broken or (wanted is not None and name not in wanted):
            keep.append(present)
            continue
        pin = _pin_of(distribution, name)
        if pin is None:
            warnings.append(f"{name} {distribution.version} cannot be repaired: where it came from is not recorded")
            keep.append(present)
        else:
            replace.append(Addition(pin=pin, requested=distribution.requested, old=(present,)))
    plan = InstallPlan(
        mode="install", root=layout.root, fingerprint=fingerprint, replace=tuple(replace), keep=tuple(keep)
    )
    return plan, tuple(warnings)


def with_bytecode(plan: InstallPlan) -> frozenset[str]:
    """Give the names of the distributions that *plan* puts in again and that record bytecode."""
    return frozenset(each.pin.name for each in plan.replace if any(_records_bytecode(old.path) for old in each.old))


def _records_bytecode(info: str) -> bool:
    try:
        return any(row.path.endswith(".pyc") for row in record.read(info))
    except InstallError:
        return False


def _pin_of(distribution: InstalledDistribution, name: str) -> Pin | None:
    """Give a pin for exactly the archive that was installed, from what was written down then."""
    try:
        with open(os.path.join(distribution.path, "envkit.json"), "rb") as file:
            facts: Any = json.loads(file.read(1 << 20))
        artifact = Artifact(
            filename=str(facts["filename"]),
            url=str(facts["url"] or ""),
            hashes={"sha256": str(facts["hashes"]["sha256"])},
            index=facts["index"],
        )
        extras = tuple(str(extra) for extra in facts["extras"])
        version = parse_version(distribution.version)
    except (OSError, ValueError, KeyError, TypeError, RequirementError):
        return None
    origin = _origin_of(distribution.direct_url)
    return Pin(name=name, version=version, extras=extras, artifacts=(artifact,), origin=origin, index=artifact.index)


def _origin_of(data: Any) -> Origin | None:
    """Read ``direct_url.json`` (PEP 610) as what it was written from."""
    if not isinstance(data, dict):
        return None
    facts: dict[str, Any] = data  # pyright: ignore[reportUnknownVariableType]
    common: dict[str, Any] = {"url": str(facts.get("url", "")), "subdirectory": facts.get("subdirectory")}
    if "vcs_info" in facts:
        info = facts["vcs_info"]
        return Origin(
            **common,
            kind="vcs",
            vcs=info.get("vcs"),
            commit=info.get("commit_id"),
            requested_revision=info.get("requested_revision"),
        )
    if "dir_info" in facts:
        return Origin(**common, kind="directory", editable=bool(facts["dir_info"].get("editable")))
    hashes: dict[str, str] = facts.get("archive_info", {}).get("hashes", {})
    return Origin(**common, kind="archive", hashes=tuple(sorted(hashes.items())))
