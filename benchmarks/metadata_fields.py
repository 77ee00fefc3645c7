"""The fields of a METADATA file that resolution reads, and a sidecar made of them.

A recording keeps these alone: the long description, the classifiers and the licence never matter to a resolver.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetadataFields:
    """``Requires-Dist`` and ``Provides-Extra`` in the order of the file; the texts are as the project wrote them."""

    metadata_version: str
    requires_python: str | None
    requires_dist: tuple[str, ...]
    provides_extra: tuple[str, ...]

    def sidecar(self, name: str, version: str) -> bytes:
        """Give a METADATA file with these fields and nothing else."""
        lines = [f"Metadata-Version: {self.metadata_version}", f"Name: {name}", f"Version: {version}"]
        if self.requires_python is not None:
            lines.append(f"Requires-Python: {self.requires_python}")
        lines += [f"Requires-Dist: {text}" for text in self.requires_dist]
        lines += [f"Provides-Extra: {text}" for text in self.provides_extra]
        return ("\n".join(lines) + "\n").encode()


def read_fields(metadata: bytes) -> MetadataFields:
    """Read the head of a METADATA file (the part before the first empty line), unfolding continued lines."""
    head = metadata.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n", 1)[0]
    lines: list[str] = []
    for line in head.split("\n"):
        if line[:1] in " \t" and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    found: dict[str, list[str]] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip().lower(), []).append(value.strip())
    requires_python = found.get("requires-python", [""])[0]
    return MetadataFields(
        metadata_version=found.get("metadata-version", ["2.1"])[0],
        requires_python=requires_python or None,
        requires_dist=tuple(found.get("requires-dist", ())),
        provides_extra=tuple(found.get("provides-extra", ())),
    )
