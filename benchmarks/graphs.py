"""Generated dependency graphs of any size, as recordings: the same size gives the same graph."""

from __future__ import annotations

import random
from hashlib import sha256

from benchmarks.metadata_fields import MetadataFields
from benchmarks.recording import RecordedFile, RecordedProject

VERSIONS = 8
START = 1_600_000_000


def chain(size: int) -> tuple[list[RecordedProject], str]:
    """Each of *size* projects needs the next one, in a range that excludes its newest version; give also the root."""
    projects = []
    for number in range(size):
        after = () if number + 1 == size else (f"chain-{number + 1}>=1.{VERSIONS // 2},<1.{VERSIONS - 1}",)
        projects.append(_project(f"chain-{number}", dict.fromkeys(range(VERSIONS), after)))
    return projects, "chain-0"


def layered(size: int, width: int = 20) -> tuple[list[RecordedProject], str]:
    """Layers of *width* projects; each version needs three projects of the next layer, newer ones in newer ranges.

    The newest version of every fifth project needs what no other version allows, so that a resolver must turn back.
    """
    order = random.Random(size)
    layers = [[f"layer-{i}" for i in range(start, min(size, start + width))] for start in range(0, size, width)]
    projects = []
    for depth, layer in enumerate(layers):
        below = layers[depth + 1] if depth + 1 < len(layers) else []
        for place, name in enumerate(layer):
            needed = order.sample(below, min(3, len(below)))
            requires = {}
            for version in range(VERSIONS):
                low, high = max(0, version - 4), VERSIONS
                requires[version] = tuple(f"{other}>=1.{low},<1.{high}" for other in needed)
            if place % 5 == 0 and needed:
                requires[VERSIONS - 1] = (f"{needed[0]}>=1.{VERSIONS}", *requires[VERSIONS - 1][1:])
            projects.append(_project(name, requires))
    root = _project("layer-root", {0: tuple(layers[0])})
    return [*projects, root], "layer-root"


def _project(name: str, requires: dict[int, tuple[str, ...]]) -> RecordedProject:
    files = tuple(
        RecordedFile(
            f"{name.replace('-', '_')}-1.{version}-py3-none-any.whl",
            sha256(f"{name} {version}".encode()).digest(),
            10_000,
            START + 86_400 * version,
            ">=3.8",
        )
        for version in requires
    )
    metadata = {f"1.{version}": MetadataFields("2.1", ">=3.8", needed, ()) for version, needed in requires.items()}
    return RecordedProject(name, files, metadata)
