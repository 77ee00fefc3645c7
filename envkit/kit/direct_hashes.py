"""Hashes that a file of requirements asks for, of what it names by URL or path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.errors import HashMismatch
from envkit.index.places import local_path
from envkit.index.vcs_url import is_vcs_url
from envkit.model.candidate import Artifact
from envkit.model.requested import RequirementEntry
from envkit.model.secret import strip_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.kit.source import Builder
    from envkit.model.candidate import CoreMetadata
    from envkit.resolve.ports import DirectCandidate, DirectRequest


class ComparedBuilds:
    """A `Builder` that compares what is named directly with *allowed*, before *builder* looks into it or runs anything.

    *allowed* maps a URL, as `place_of` gives it, to ``"algorithm:hex"`` texts of which one must fit.
    """

    def __init__(
        self, builder: Builder, fetch: Callable[[Artifact], Path], allowed: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._builder, self._fetch, self._allowed = builder, fetch, allowed

    def sdist_metadata(self, artifact: Artifact) -> CoreMetadata:
        """Give the metadata of an sdist of an index."""
        return self._builder.sdist_metadata(artifact)

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names. Raises `HashMismatch` for an archive with none of its hashes."""
        texts = self._allowed.get(_place(request.url))
        if texts and not is_vcs_url(request.url):
            self._compare(request.url.partition("#")[0], texts)
        return self._builder.direct(request)

    def _compare(self, url: str, texts: tuple[str, ...]) -> None:
        local = local_path(url)
        if local is not None and os.path.isdir(local):
            return  # has no hash; hash mode does not let it come so far
        filename = unquote(urlsplit(url).path.rpartition("/")[2])
        path = self._fetch(Artifact(filename=filename, url=url))
        found = digests_of(path, tuple(sorted({text.partition(":")[0] for text in texts})))
        if not any(f"{algorithm}:{digest}" in texts for algorithm, digest in found.items()):
            raise HashMismatch(
                f"{filename}: none of its hashes is one that was asked for",
                hint="find out why the file differs, or take the hashes anew",
                context={"file": filename, "expected": texts, "actual": found},
            )


def place_of(entry: RequirementEntry) -> str:
    """Give the URL by which the hashes of a direct reference are known: without credentials and fragment."""
    return _place(entry.path.as_uri() if entry.path is not None else entry.url or "")


def _place(url: str) -> str:
    return strip_credentials(url).partition("#")[0]


def digests_of(path: Path, algorithms: tuple[str, ...]) -> dict[str, str]:
    """Give the digests of a file in hex, by algorithm."""
    found: dict[str, str] = {}
    for algorithm in algorithms:
        with path.open("rb") as file:
            found[algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
    return found
