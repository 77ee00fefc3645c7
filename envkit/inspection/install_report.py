"""What an installation would do, in the JSON schema of ``pip install --report`` (version 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from envkit.dataclass import dataclass, field
from envkit.inspection.metadata import message_dict, parse_message
from envkit.inspection.report import direct_url_of
from envkit.model.secret import mask_credentials
from envkit.model.source import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportItem:
    """One distribution of a report: *metadata* is its core metadata as text; *url* and *hashes* are those of its file.

    *origin* is set for direct references, which then say more than *url*; *extras* are those that were asked for.
    """

    metadata: str = field(repr=False)
    url: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    origin: Origin | None = None
    requested: bool = False
    yanked: bool = False
    extras: tuple[str, ...] = ()


def install_report(items: Iterable[ReportItem], markers: Mapping[str, str]) -> dict[str, Any]:
    """Give the report, in the order of *items*. ``pip_version`` is missing, since pip did not write it."""
    return {"version": "1", "install": [_described(item) for item in items], "environment": dict(markers)}


def _described(item: ReportItem) -> dict[str, Any]:
    if item.origin is not None:
        download = direct_url_of(item.origin.to_direct_url())
    else:
        # one hash, as pip has it, the best known
        digests = {name: item.hashes[name] for name in ("sha256", "sha384", "sha512") if name in item.hashes}
        first = dict(list(digests.items())[:1])
        info = {"hash": "=".join(next(iter(first.items()))), "hashes": first} if first else {}
        download = {"url": mask_credentials(item.url), "archive_info": info}
    data: dict[str, Any] = {
        "download_info": download,
        "is_direct": item.origin is not None,
        "is_yanked": item.yanked,
        "requested": item.requested,
    }
    if item.extras:
        data["requested_extras"] = sorted(item.extras)
    data["metadata"] = message_dict(parse_message(item.metadata))
    return data
