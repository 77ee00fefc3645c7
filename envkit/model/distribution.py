"""Distributions that are here: verified wheels in the pool, and what is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from envkit.dataclass import dataclass, field
from envkit.model import source
from envkit.model.values import Value

# The files of one folder of an unpacked wheel: (scheme, folder, source, names, sizes, mtimes_ns).
#
# *scheme* is "lib" for what follows Root-Is-Purelib, else the name of a `.data` scheme; *folder* is where the files go
# inside the scheme's destination ("" for the destination itself); *source* is the folder inside the unpacked wheel. Plain
# tuples, one for each folder, because an installation of ten thousand files must not make ten thousand objects.
Group: TypeAlias = tuple[str, str, str, tuple[str, ...], tuple[int, ...], tuple[int, ...]]

# One generated command: (name, "console" or "gui", module, attribute path, the script's text after its first line).
ScriptRow: TypeAlias = tuple[str, str, str, str, bytes]

# One row of RECORD outside the "lib" scheme: (scheme, path in the scheme, hash field, size in bytes).
DataRow: TypeAlias = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWheel:
    """A verified wheel, unpacked at *root*: checked against its hash, its structure and every row of its RECORD.

    *sha256* is the archive's; *dist_info* and *data_dir* are folder names inside *root*. *groups* are all files that are
    installed as they are; *lib_rows* is RECORD's text for those of the "lib" scheme, *data_rows* the rest. *rewritten*
    names the scripts (of the "scripts" scheme) that begin with ``#!python``. *origin* is set for direct references,
    *index* and *url* (no credentials) tell where an indexed file came from. *size* is in bytes, unpacked. *modes* are the
    permission bits of the files, for each group in its order.
    """

    name: str
    version: str
    filename: str
    sha256: str
    root: Path
    dist_info: str
    data_dir: str
    root_is_purelib: bool
    groups: tuple[Group, ...] = field(repr=False)
    lib_rows: bytes = field(repr=False)
    data_rows: tuple[DataRow, ...] = field(default=(), repr=False)
    scripts: tuple[ScriptRow, ...] = field(default=(), repr=False)
    rewritten: tuple[str, ...] = ()
    size: int = 0
    modes: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    origin: source.Origin | None = None
    index: str | None = None
    url: str | None = None

    def files(self) -> Iterator[tuple[str, int]]:
        """Give the path inside *root* and the size of each file that is installed as it is."""
        for _, _, folder, names, sizes, _ in self.groups:
            prefix = f"{folder}/" if folder else ""
            for name, size in zip(names, sizes, strict=True):
                yield prefix + name, size

    @property
    def file_count(self) -> int:
        """How many files are installed as they are."""
        return sum(len(group[3]) for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWheel:
    """The bytecode of one wheel for one interpreter, at *root*; *groups* are as in `LocalWheel`."""

    sha256: str
    root: Path
    groups: tuple[Group, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledDistribution(Value):
    """One distribution found in an environment, from its metadata folder (or legacy egg) alone.

    *name* and *version* are as the metadata has them; *path* is the metadata folder or file; *location* the folder on
    ``sys.path`` that holds it; *direct_url* is the content of ``direct_url.json`` (PEP 610).
    """

    name: str
    version: str
    path: Path
    location: Path
    kind: Literal["dist-info", "egg-info", "egg-link", "egg"] = "dist-info"
    installer: str | None = None
    requested: bool = False
    editable: bool = False
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    provides_extra: tuple[str, ...] = ()
    direct_url: Mapping[str, Any] | None = field(default=None)
