"""Plans in the form that pip reports them in."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from envkit.errors import RequirementError
from envkit.inspection.install_report import ReportItem, install_report
from envkit.kit.sourced import metadata_of
from envkit.model.identity import normalize
from envkit.model.requirement import parse_requirement

if TYPE_CHECKING:
    from envkit.interpreter.interpreter import Interpreter
    from envkit.kit.parts import Parts
    from envkit.model.candidate import Artifact
    from envkit.model.pin import Pin
    from envkit.model.plan import Addition, InstallPlan


def report_plan(parts: Parts, interpreter: Interpreter, plan: InstallPlan) -> dict[str, Any]:
    """Give what *plan* installs as ``pip install --report`` does, what others need first.

    Reads the metadata of what the plan installs, and the files that their index gives no hash of.
    """
    items = [_item(parts, interpreter, addition) for addition in (*plan.add, *plan.replace)]
    return install_report(items, interpreter.markers)


def _item(parts: Parts, interpreter: Interpreter, addition: Addition) -> ReportItem:
    pin = addition.pin
    artifact = pin.artifacts[0] if pin.artifacts else None
    return ReportItem(
        metadata=metadata_of(parts, interpreter, pin).decode("utf-8", "surrogateescape"),
        url=artifact.url if artifact is not None else "",
        hashes=_hashes(parts, artifact) if artifact is not None and pin.origin is None else {},
        origin=pin.origin,
        requested=addition.requested,
        yanked=artifact is not None and artifact.yanked is not None,
        extras=_extras_asked_for(pin) if addition.requested else (),
    )


def _extras_asked_for(pin: Pin) -> tuple[str, ...]:
    """Give the extras that the user named; those that other distributions need are not told, as in pip."""
    wanted: set[str] = set()
    for request in pin.requested_by:
        if not request.by:
            with suppress(RequirementError):  # a place, which names no extras
                wanted |= {normalize(extra) for extra in parse_requirement(request.requirement).extras}
    return tuple(sorted(wanted))


def _hashes(parts: Parts, artifact: Artifact) -> dict[str, str]:
    if artifact.hashes:
        return dict(artifact.hashes)
    with parts.client.fetch(artifact).open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
