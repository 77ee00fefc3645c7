"""What an index offers: artifacts, the metadata that resolution reads, and reasons for passing a file over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from envkit.dataclass import dataclass
from envkit.model.artifact import Artifact
from envkit.model.values import Value

__all__ = ["Artifact", "CoreMetadata", "ProjectPage", "Reason", "Rejection"]

Reason = Literal[
    "invalid-name",
    "invalid-version",
    "invalid-specifier",
    "wrong-tag",
    "requires-python",
    "yanked",
    "too-new",
    "no-upload-time",
    "pre-release",
    "only-binary",
    "no-binary",
    "builds-forbidden",
    "no-allowed-hash",
    "hidden-by-index",
    "index-not-asked",
    "unsupported-format",
    "bad-metadata",
    "build-failed",
    "excluded",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(Value):
    """One file, version or whole index that was passed over: *detail* says which rule it broke, in a few words."""

    subject: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage(Value):
    """Everything one project has on the indexes that were asked, in the order in which they list it.

    *identity* changes whenever the page does, and is what digests are keyed by; *status* is PEP 792's.
    """

    name: str
    artifacts: Sequence[Artifact]
    identity: str
    rejected: tuple[Rejection, ...] = ()
    index: str | None = None
    status: str = "active"
    status_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata(Value):
    """The fields of core metadata that resolution and inspection read; requirement texts are unparsed."""

    name: str
    version: str
    metadata_version: str = "2.1"
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    provides_extra: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
