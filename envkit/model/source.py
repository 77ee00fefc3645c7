"""Where distributions come from: indexes, and things that a requirement can name besides a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from envkit.model.secret import mask_credentials, strip_credentials
from envkit.model.values import Value


class _DefaultIndex:
    """Stands for PyPI until something needs its address."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "envkit.PYPI"

    def __reduce__(self) -> str:
        return "PYPI"  # a copy is the same one


PYPI = _DefaultIndex()


@dataclass(frozen=True, slots=True)
class Index:
    """One index or find-links place.

    *url* is the root of a simple index (PEP 503), or with ``format="flat"`` a folder or page of links; ``file:`` URLs
    and credentials are allowed, and credentials are shown nowhere. An *explicit* index serves only projects pinned to
    it. A lower *priority* is asked first; equal ones in the order given.
    """

    url: str = field(repr=False)
    name: str | None = field(default=None, kw_only=True)
    explicit: bool = field(default=False, kw_only=True)
    format: Literal["simple", "flat"] = field(default="simple", kw_only=True)
    priority: int = field(default=0, kw_only=True)
    projects: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def label(self) -> str:
        """The name, else the address without credentials: what errors, events and locks show."""
        return self.name or strip_credentials(self.url)

    def __repr__(self) -> str:
        return f"Index({mask_credentials(self.url)!r}, name={self.name!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Value):
    """Where one artifact came from, when not from an index: what PEP 610 records.

    *url* holds no credentials. Exactly one kind: an archive (with *hashes*), a local *directory*, or a *vcs* with the
    *commit* it was resolved to and the *requested_revision*.
    """

    url: str
    kind: Literal["archive", "directory", "vcs"]
    hashes: tuple[tuple[str, str], ...] = ()
    editable: bool = False
    vcs: str | None = None
    commit: str | None = None
    requested_revision: str | None = None
    subdirectory: str | None = None

    def to_direct_url(self) -> dict[str, object]:
        """Give the content of ``direct_url.json`` (PEP 610)."""
        data: dict[str, object] = {"url": self.url}
        if self.kind == "vcs":
            info: dict[str, object] = {"vcs": self.vcs, "commit_id": self.commit}
            if self.requested_revision is not None:
                info["requested_revision"] = self.requested_revision
            data["vcs_info"] = info
        elif self.kind == "directory":
            data["dir_info"] = {"editable": True} if self.editable else {}
        else:
            data["archive_info"] = {"hashes": dict(self.hashes)} if self.hashes else {}
        if self.subdirectory is not None:
            data["subdirectory"] = self.subdirectory
        return data
