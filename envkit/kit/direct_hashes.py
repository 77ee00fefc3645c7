"""Hashes that a file of requirements asks for, of what it names by URL or path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from envkit.errors import HashMismatch
from envkit.model.requested import RequirementEntry
from envkit.model.secret import strip_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.index.client import IndexClient
    from envkit.model.pin import Pin


def place_of(entry: RequirementEntry) -> str:
    """Give the URL that the origin of a direct reference will have: without credentials and fragment."""
    url = entry.path.as_uri() if entry.path is not None else entry.url or ""
    return strip_credentials(url).partition("#")[0]


def with_hash(entry: RequirementEntry) -> RequirementEntry:
    """Give a direct reference with its one hash inside its URL, where it is compared before any code of it can run."""
    digests = entry.hashes.get("sha256", ())
    if entry.editable or len(digests) != 1 or len(entry.hashes) != 1:
        return entry
    url = entry.path.as_uri() if entry.path is not None else entry.url or ""
    if "+" in url.partition(":")[0] or "sha256=" in url:
        return entry
    return replace(entry, path=None, url=f"{url}{'&' if '#' in url else '#'}sha256={digests[0].lower()}")


def check_direct(client: IndexClient, pins: Iterable[Pin], allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Compare archives that were named directly with the hashes that *allowed* has for their URLs.

    Raises `HashMismatch` for one that has none of them.
    """
    for pin in pins:
        texts = allowed.get(pin.origin.url) if pin.origin is not None and pin.artifacts else None
        if texts is None:
            continue
        artifact = pin.artifacts[0]
        algorithms = {text.partition(":")[0] for text in texts}
        known = dict(artifact.hashes)
        if algorithms - known.keys():
            known |= digests_of(client.fetch(artifact), tuple(algorithms - known.keys()))
        if not any(known[text.partition(":")[0]] == text.partition(":")[2] for text in texts):
            raise HashMismatch(
                f"{artifact.filename}: none of its hashes is one that was asked for",
                hint="find out why the file differs, or take the hashes anew",
                context={"file": artifact.filename, "expected": texts, "actual": known},
            )


def digests_of(path: Path, algorithms: tuple[str, ...]) -> dict[str, str]:
    """Give the digests of a file in hex, by algorithm."""
    found: dict[str, str] = {}
    for algorithm in algorithms:
        with path.open("rb") as file:
            found[algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
    return found
