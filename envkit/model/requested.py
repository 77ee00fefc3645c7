"""One requirement as a file asked for it: with hashes, settings and the place where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envkit.dataclass import dataclass, field
from envkit.model.editable import Editable
from envkit.model.secret import mask_credentials
from envkit.model.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementEntry(Value):
    """One requirement of a requirements file, a project or a script.

    *name* is normalized, or None for an archive, a folder or a repository that only its metadata can name; *extras* are
    normalized and sorted; *specifier* and *marker* are texts ("" and None without one). At most one of *url* and *path*
    is set; *path* is absolute. *hashes* map an algorithm to the digests of which one must fit, *config_settings* go to
    the build backend (PEP 517). *file* and *line* (from 1) say where it was written. A *url* may hold credentials and
    is masked in every text form; *written* is the text itself and is treated alike.
    """

    written: str = field(repr=False, metadata={"transient": True}, default="")
    name: str | None = None
    extras: tuple[str, ...] = ()
    specifier: str = ""
    marker: str | None = None
    url: str | None = field(default=None, repr=False)
    path: Path | None = None
    editable: bool = False
    constraint: bool = False
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    config_settings: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict[str, "str | tuple[str, ...]"])
    file: str | None = None
    line: int | None = None

    @property
    def is_direct(self) -> bool:
        """Whether a URL or a path is asked for, not a release of an index."""
        return self.url is not None or self.path is not None

    @property
    def is_pinned(self) -> bool:
        """Whether exactly one version can fit, in the sense of hash mode."""
        return self.is_direct or ("," not in self.specifier and self.specifier.startswith("=="))

    @property
    def requirement(self) -> str | Path | Editable:
        """What resolvers take: a dependency specifier (PEP 508) where one can say it, else a path or an `Editable`.

        The text of a direct reference may hold the credentials of its URL.
        """
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        if self.editable:
            target = self.path if self.path is not None else self.url or ""
            return Editable(f"{target}{extras}" if extras else target, name=self.name, marker=self.marker)
        if self.name is not None:
            place = self.path.as_uri() if self.path is not None else self.url
            return self._specifier(f" @ {place}" if place is not None else self.specifier)
        if self.path is not None and not extras and not self.marker:
            return self.path
        # what only its metadata can name, as pip writes it
        place = self.path.as_uri() if self.path is not None else self.url or ""
        return f"{place}{extras} ; {self.marker}" if self.marker else f"{place}{extras}"

    def _specifier(self, what: str) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f"{' ' if '@' in what else ''}; {self.marker}" if self.marker else ""
        return f"{self.name}{extras}{what}{marker}"

    def to_dict(self) -> dict[str, Any]:
        """Give the entry as plain data; credentials are masked."""
        data = super(RequirementEntry, self).to_dict()  # noqa: UP008  the decorator makes another class of this one
        data["url"] = mask_credentials(self.url) if self.url is not None else None
        return data

    def __str__(self) -> str:
        wanted = self.requirement
        if isinstance(wanted, Editable) and self.name is not None and self.url is not None:
            return mask_credentials(f"-e {self._specifier(f' @ {self.url}')}")
        return mask_credentials(f"-e {wanted.target}" if isinstance(wanted, Editable) else str(wanted))
