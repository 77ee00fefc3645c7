"""Where one artifact came from, when not from an index."""

from __future__ import annotations

from typing import Literal

from envkit.dataclass import dataclass
from envkit.model.values import Value


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
