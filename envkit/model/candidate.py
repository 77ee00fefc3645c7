"""What an index offers: artifacts, the metadata that resolution reads, and reasons for passing a file over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from envkit.model.values import Value

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
    "unsupported-format",
    "bad-metadata",
    "build-failed",
    "excluded",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(Value):
    """One file, or one version, that was passed over: *detail* says which rule it broke, in a few words."""

    subject: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact(Value):
    """One file of a release as an index, a folder or a lock describes it: a wheel or an sdist.

    *url* is absolute (``file:`` for local ones) and holds no credentials; *hashes* map an algorithm to lower-case hex;
    *size* is in bytes; *upload_time* is RFC 3339 as the index gave it; *yanked* is None, or the reason ("" without one).
    *metadata* is None where no sidecar (PEP 658) is advertised, else its hashes (may be empty). *index* is the name or
    the credential-free URL of the index that offered it.
    """

    filename: str
    url: str
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    size: int | None = None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = None
    metadata: Mapping[str, str] | None = None
    provenance: str | None = None
    index: str | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel, by its name."""
        return self.filename.endswith(".whl")


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
