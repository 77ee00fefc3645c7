"""One file of a release."""

from __future__ import annotations

from collections.abc import Mapping

from envkit.dataclass import dataclass, field
from envkit.model.values import Value


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
