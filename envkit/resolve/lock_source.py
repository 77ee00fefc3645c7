"""A source as a whole range of environments sees it, so that one resolution serves them all.

The solver works for one target. Here that target stands for every environment in a *space*: a wheel for any platform is as
good as a universal one, a version that only a part of the space can use is a second choice, and requirements count where
`envkit.resolve.lock_conditions` says.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence

from packaging.version import Version

from envkit.dataclass import replace
from envkit.errors import EnvkitError, RequirementError
from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage
from envkit.model.listing import Listing, Row, Run, runs_of
from envkit.model.marker_sets import MarkerSets, Node
from envkit.model.marker_text import marker_of, python_bounds, set_of_python
from envkit.resolve.lock_conditions import FORK_PREFIX, Conditions
from envkit.resolve.lock_coverage import Coverage
from envkit.resolve.lock_files import Files, canonical, original, presented, version_text
from envkit.resolve.ports import CandidateSource, DirectCandidate, DirectRequest

_DIGESTS = "3"


class UniversalSource:
    """A `CandidateSource` for all environments in *space*. For one thread, and one resolution at a time.

    *coverage* knows which environments have to be served; ``unserved`` are projects of which that ruled a version out.
    """

    def __init__(self, source: CandidateSource, sets: MarkerSets, space: Node, coverage: Coverage) -> None:
        self.source = source
        self.sets = sets
        self.space = space
        self.conditions = Conditions(sets, space)
        self._coverage = coverage
        marker = marker_of(sets, space) or ""
        self._suffix = ".u" + hashlib.sha256(f"{_DIGESTS} {coverage.key} {marker}".encode()).hexdigest()[:24]
        self._pythons: dict[str, bool | None] = {}
        self._files = Files(python_bounds(sets, space), self._fits)
        self._later: dict[str, frozenset[str] | int] = {}
        self.unserved: set[str] = set()

    def page_identity(self, name: str) -> str | None:
        """See `CandidateSource`."""
        return name if name.startswith(FORK_PREFIX) else self.source.page_identity(name)

    def page(self, name: str) -> ProjectPage:
        """See `CandidateSource`. What stands for a division has one version."""
        if name.startswith(FORK_PREFIX):
            file = f"{name.replace('-', '_')}-1-py3-none-any.whl"
            row: Row = (file, "=", {}, None, None, None, None, {}, None)
            return ProjectPage(name=name, artifacts=Listing(([presented(row)], None)), identity=name)
        page = self.source.page(name)
        later: set[str] = set()
        runs = [(self._files.usable(name, rows, later), index) for rows, index in runs_of(page.artifacts)]
        if self._coverage.required:
            runs = self._served(name, runs, later)
        self._later[name] = frozenset(later)
        return replace(page, artifacts=Listing(*((list(map(presented, rows)), index) for rows, index in runs)))

    def _served(self, name: str, runs: Sequence[Run], later: set[str]) -> list[tuple[list[Row], str | None]]:
        """Leave out versions without a file where one is required; note those with too few files in *later*."""
        versions: dict[str, list[str]] = {}
        texts = {row[0]: canonical(version_text(name, row[0])) for rows, _ in runs for row in rows}
        for filename, text in texts.items():
            versions.setdefault(text, []).append(filename)
        useless: set[str] = set()
        for text, filenames in versions.items():
            served = self._coverage.of(name, filenames)
            if self._coverage.useless(served, self.space):
                self.unserved.add(name)
                useless.add(text)
            elif self._coverage.lacks(served, self.space) is not None:
                later.add(text)
        return [([row for row in rows if texts[row[0]] not in useless], index) for rows, index in runs]

    def _fits(self, specifier: str | None) -> bool | None:
        """Whether all Pythons of the space may use a version with this Requires-Python; None where none may."""
        if not specifier:
            return True
        if specifier not in self._pythons:
            try:
                node = set_of_python(self.sets, specifier)
            except EnvkitError:
                self._pythons[specifier] = None
            else:
                within = self.sets.is_within(self.space, node)
                some = within or not self.sets.is_empty(self.sets.both(node, self.space))
                self._pythons[specifier] = within if some else None
        return self._pythons[specifier]

    def second_choices(self, name: str, versions: Sequence[str]) -> int:
        """Give the versions (bit 1 for the first) that only a part of the space can use."""
        later = self._later.get(name, 0)
        if not isinstance(later, int):
            known = {canonical(text) for text in later}
            later = self._later[name] = sum(2 << at for at, text in enumerate(versions) if known and text in known)
        return later

    def metadata(self, name: str, version: Version, artifacts: Sequence[Artifact]) -> CoreMetadata:
        """See `CandidateSource`: with markers evaluated for the space."""
        if name.startswith(FORK_PREFIX):
            return CoreMetadata(name=name, version="1")
        metadata = self.source.metadata(name, version, [original(artifact) for artifact in artifacts])
        return self._evaluated(name, metadata)

    def _evaluated(self, name: str, metadata: CoreMetadata) -> CoreMetadata:
        if self._fits(metadata.requires_python) is None:
            raise RequirementError(f"it needs Python {metadata.requires_python}")
        needs = self.conditions.evaluate(name, metadata.requires_dist)
        return replace(metadata, requires_python=None, requires_dist=tuple(needs))

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """See `CandidateSource`."""
        candidate = self.source.direct(request)
        return replace(candidate, metadata=self._evaluated(candidate.name, candidate.metadata))

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """See `CandidateSource`."""
        self.source.prefetch_pages([name for name in names if not name.startswith(FORK_PREFIX)])

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> None:
        """See `CandidateSource`."""
        self.source.prefetch_metadata([one for one in map(original, artifacts) if one.url])

    def load_digest(self, key: str) -> bytes | None:
        """See `CandidateSource`. The first lines of a digest are our own: second choices, and conditions."""
        name = key.partition("/")[0]
        data = None if name.startswith(FORK_PREFIX) else self.source.load_digest(key + self._suffix)
        if data is None:
            return None
        first, _, rest = data.partition(b"\n")
        head, _, rest = rest.partition(b"\n")
        crc, _, later = first.partition(b" ")
        if crc != b"%08x" % zlib.crc32(later + head):
            return None
        self._later[name] = int(later, 16)
        self.conditions.recall(name, head)
        return rest

    def load_files(self, key: str) -> bytes | None:
        """See `CandidateSource`."""
        return self.source.load_files(key + self._suffix)

    def store_digest(self, key: str, data: bytes, files: bytes) -> None:
        """See `CandidateSource`."""
        name = key.partition("/")[0]
        later = self._later.get(name, 0)
        if name.startswith(FORK_PREFIX) or not isinstance(later, int):
            return
        head, first = self.conditions.head(name), b"%x" % later
        data = b"%08x %s\n%s\n%s" % (zlib.crc32(first + head), first, head, data)
        self.source.store_digest(key + self._suffix, data, files)
