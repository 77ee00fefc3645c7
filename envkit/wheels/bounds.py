"""How much of anything a source may ask of us."""

from __future__ import annotations

from envkit.dataclass import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveBounds:
    """The bounds of one extraction; sizes in bytes.

    *ratio* is unpacked to packed size, and is looked at once more than *ratio_free* bytes came out. *path* is the length
    of a member's whole name, *component* that of one part of it, *header* that of one extended header.
    """

    total: int = 2048 * MIB
    entries: int = 200_000
    ratio: int = 100
    ratio_free: int = 64 * MIB
    path: int = 1024
    component: int = 255
    depth: int = 64
    header: int = MIB


DEFAULT_BOUNDS = ArchiveBounds()
