"""The events themselves; loaded when somebody listens, or names one."""

from __future__ import annotations

from typing import TypeAlias

from envkit.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted:
    """An operation began; *subject* is an environment's path, a project or the like."""

    operation: str
    kind: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFinished:
    """An operation ended; *seconds* of wall time."""

    operation: str
    kind: str
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFetched:
    """A project page was read; *bytes_read* is 0 where the cache answered."""

    operation: str
    project: str
    index: str
    bytes_read: int
    from_cache: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataFetched:
    """The metadata of one file was read, by *how* ("sidecar", "range", "file", "cache", "static", "build")."""

    operation: str
    project: str
    filename: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRetried:
    """A request is tried again after *delay* seconds."""

    operation: str
    url: str
    attempt: int
    delay: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadStarted:
    """The download of a file began; *total* bytes where known."""

    operation: str
    filename: str
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadAdvanced:
    """*done* of *total* bytes have arrived."""

    operation: str
    filename: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadFinished:
    """The whole file has arrived and its hash is right."""

    operation: str
    filename: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePinned:
    """The solver decided on a version for now; a later event may take it back."""

    operation: str
    project: str
    version: str
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictFound:
    """The solver met a conflict and learned from it."""

    operation: str
    project: str
    reason: str
    conflicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSkipped:
    """A version was passed over, with the reason."""

    operation: str
    project: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraUnknown:
    """An extra was asked for that the chosen version does not provide; it is ignored, as the specification says."""

    operation: str
    project: str
    version: str
    extra: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted:
    """Code of a project is about to run; *what* is "wheel", "metadata", "editable" or "requirements"."""

    operation: str
    subject: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutput:
    """One line that a build printed, without its line end."""

    operation: str
    subject: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished:
    """A build ended."""

    operation: str
    subject: str
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelUnpacked:
    """A wheel was checked and unpacked into the pool."""

    operation: str
    filename: str
    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelInstalled:
    """A distribution is in place; *done* of *total* of this plan."""

    operation: str
    name: str
    version: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionRemoved:
    """A distribution was removed; *done* of *total* of this plan."""

    operation: str
    name: str
    version: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """An operation that had been killed was brought to an end; *outcome* is "rolled-back" or "rolled-forward"."""

    operation: str
    root: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something a person may want to know, and no program needs to act on; *code* is stable."""

    operation: str
    code: str
    message: str


Event: TypeAlias = (
    OperationStarted
    | OperationFinished
    | ProjectFetched
    | MetadataFetched
    | RequestRetried
    | DownloadStarted
    | DownloadAdvanced
    | DownloadFinished
    | CandidatePinned
    | ConflictFound
    | CandidateSkipped
    | ExtraUnknown
    | BuildStarted
    | BuildOutput
    | BuildFinished
    | WheelUnpacked
    | WheelInstalled
    | DistributionRemoved
    | Recovered
    | Warned
)
