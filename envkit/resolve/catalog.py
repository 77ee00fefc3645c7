"""Releases and dependencies of projects as one target sees them: the source's pages, digested once.

Everything a solver or a lock needs is asked for here, lazily, by name and position. The answers do not depend on what
happened to be cached: a digest holds what selecting and evaluating would give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING

from packaging.version import Version

from envkit.errors import (
    BuildForbidden,
    EnvkitError,
    IndexAccessError,
    InvalidSource,
    InvalidWheel,
    MetadataMismatch,
    ProjectNotFound,
    RequirementError,
    ResolutionError,
    WheelBuildError,
)
from envkit.model.identity import normalize, parse_version
from envkit.resolve.dependencies import Unusable, VersionDependencies, evaluate
from envkit.resolve.digest import Releases

if TYPE_CHECKING:  # what reads pages and metadata is loaded where a digest does not tell
    from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage, Rejection
    from envkit.resolve.ports import CandidateSource, DirectCandidate, DirectRequest
    from envkit.resolve.rules import Rules
    from envkit.resolve.selection import Release


class Allowance:
    """How often metadata may still be read for what is nice to have: from wheels alone, and not from an index that fails."""

    __slots__ = ("reads",)

    def __init__(self, reads: int) -> None:
        self.reads = reads

    def take(self, artifacts: Sequence[Artifact]) -> None:
        """Count one reading. Raises `ResolutionError` where it is one too many, or may need a build."""
        if self.reads <= 0 or not any(artifact.is_wheel for artifact in artifacts):
            raise ResolutionError("this is not worth reading more")
        self.reads -= 1


class Catalog:
    """One source under one set of rules. Not for several threads at once.

    ``identities`` are those of every page that was looked at, by name. ``passing`` is true where something failed that
    may not fail the next time, though no page has changed: a build, or reading a file. ``failed`` has the builds
    that failed, by project and version, ``unreadable`` why the scout could not read a page. With an ``allowance`` no
    more is read than it lets.
    """

    def __init__(self, source: CandidateSource, rules: Rules) -> None:
        self.source = source
        self.rules = rules
        self.identities: dict[str, str] = {}
        self.passing = False
        self.missing: dict[str, str] = {}
        self.failed: dict[str, dict[str, WheelBuildError]] = {}
        self.unreadable: dict[str, IndexAccessError] = {}
        self.scout: Callable[[], None] | None = None
        self.allowance: Allowance | None = None
        self.deadline = math.inf  # of `time.monotonic`: no build outlasts it
        self._releases: dict[str, Releases] = {}
        self._hinted: set[str] = set()
        self._direct: dict[DirectRequest, DirectCandidate] = {}
        self._direct_dependencies: dict[DirectRequest, VersionDependencies | Unusable] = {}

    def _look_ahead(self) -> None:
        """Let the scout walk, once, as soon as anything has to be fetched."""
        scout, self.scout = self.scout, None
        if scout is not None:
            scout()

    def under(self, rules: Rules) -> Catalog:
        """Give the same source under other rules; the pages that are looked at are noted for both."""
        other = Catalog(self.source, rules)
        other.identities, other.allowance, other.deadline = self.identities, self.allowance, self.deadline
        return other

    def releases(self, name: str) -> Releases:
        """Give the usable versions of *name*; an unknown project has none, and is noted in ``missing``."""
        known = self._releases.get(name)
        if known is None:
            identity = self.source.page_identity(name)
            if identity is None and self.scout is not None:
                self._look_ahead()
                return self.releases(name)
            if name in self.unreadable:
                raise self.unreadable.pop(name)
            known = self._releases[name] = self._load(name, identity)
            self.identities[name] = known.identity
        return known

    def _load(self, name: str, identity: str | None) -> Releases:
        rules = self.rules.fingerprint(name)
        if identity is not None:
            stored = self.source.load_digest(digest_key(name, rules))
            found = Releases.decode(name, identity, rules, stored) if stored is not None else None
            if found is not None:
                return found
        try:
            page = self.source.page(name)
        except ProjectNotFound as error:
            self.missing[name] = error.message
            return Releases.of(name, "", [])
        releases = Releases.of(name, page.identity, self._select(page))
        releases.learned = True
        return releases

    def page(self, name: str) -> ProjectPage | None:
        """Give the page of *name* where it can be read, again: for errors and reports."""
        try:
            return self.source.page(name)
        except EnvkitError:
            return None

    def rejections(self, name: str, among: Container[str] | None = None) -> tuple[Rejection, ...]:
        """Say why each unusable file of *name*, or each of those *among* these, was passed over. Reads the page again."""
        page = self.page(name)
        if page is None:
            return ()
        from envkit.resolve.selection import rejected

        return rejected(page, self.rules, among)

    def _select(self, page: ProjectPage) -> list[Release]:
        from envkit.resolve.selection import select

        return select(page, self.rules)

    def artifacts(self, name: str, at: int) -> tuple[Artifact, ...]:
        """Give the usable files of a version, the preferred one first."""
        releases = self.releases(name)
        try:
            found = releases.artifacts(at)
            if found is None and self._load_files(releases):
                found = releases.artifacts(at)
        except (ValueError, TypeError, KeyError, IndexError):
            found = None
        if found is not None:
            return found
        page = self.source.page(name)  # what was stored is damaged or gone: select again
        chosen = self._select(page)
        if page.identity == releases.identity:
            releases.choose(chosen)
        return next((item.artifacts for item in chosen if str(item.version) == releases.line.texts[at]), ())

    def _load_files(self, releases: Releases) -> bool:
        """Load the files of all versions of a project."""
        rules = self.rules.fingerprint(releases.name)
        data = self.source.load_files(digest_key(releases.name, rules))
        return data is not None and releases.take_files(rules, data)

    def without_wheels(self, name: str) -> int:
        """Give the mask of the versions that have an sdist alone. Reads the files of all versions."""
        versions = range(len(self.releases(name).line.texts))
        return sum(2 << at for at in versions if not any(file.is_wheel for file in self.artifacts(name, at)[:1]))

    def dependencies(self, name: str, at: int) -> VersionDependencies | Unusable:
        """Give what a version depends on, reading its metadata once."""
        releases = self.releases(name)
        try:
            known = releases.dependencies(at)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            known = None
        if known is None and self.scout is not None:
            self._look_ahead()
            return self.dependencies(name, at)
        if known is None:
            known, lasting = self._read(name, releases.line.texts[at], self.artifacts(name, at))
            known = releases.learn(at, known, lasting=lasting)
            self.passing = self.passing or not lasting
        return known

    def _read(
        self, name: str, version: str, artifacts: Sequence[Artifact]
    ) -> tuple[VersionDependencies | Unusable, bool]:
        """Read and evaluate metadata; the flag tells whether the answer is the same for ever."""
        if self.allowance is not None:
            self.allowance.take(artifacts)
        try:
            metadata = self._ask(name, version, artifacts)
        except WheelBuildError as error:
            self._check_builds(name, version, error)
            return Unusable("build-failed", error.message), False
        except (RequirementError, MetadataMismatch, InvalidWheel) as error:
            return Unusable("bad-metadata", error.message), False
        try:
            if normalize(metadata.name) != name or _public(metadata.version) != _public(version):
                return Unusable("bad-metadata", f"the metadata says {metadata.name[:80]} {metadata.version[:80]}"), True
            needs = metadata.requires_python
            if needs and not self._accepts(needs):
                return Unusable("requires-python", f"needs Python {needs[:80]}"), True
            return evaluate(metadata, self.rules.target.markers), True
        except RequirementError as error:
            return Unusable("bad-metadata", error.message), True

    def _ask(self, name: str, version: str, artifacts: Sequence[Artifact]) -> CoreMetadata:
        if any(artifact.is_wheel for artifact in artifacts):
            return self.source.metadata(name, parse_version(version), artifacts)
        from envkit.resolve.in_time import in_time

        with in_time(self.deadline, self.rules.policy.deadline):
            return self.source.metadata(name, parse_version(version), artifacts)

    def _check_builds(self, name: str, version: str, error: WheelBuildError) -> None:
        """Note it, and end the resolution where too many versions of a project could not be built."""
        if isinstance(error, (BuildForbidden, InvalidSource)):
            return  # refused without a build
        versions = self.failed.setdefault(name, {})
        versions[version] = error
        if len(versions) >= self.rules.policy.max_failed_builds:
            raise ResolutionError(
                f"{len(versions)} versions of {name} could not be built ({', '.join(versions)}); {error.message}",
                hint=f"ask for a version of {name} that can be built, mend what the builds lack, take wheels alone"
                " (only_binary), or let more builds fail (max_failed_builds)",
                context={**error.context, "project": name, "failed": tuple(versions)},
            ) from error

    def _accepts(self, requires_python: str) -> bool:
        from envkit.resolve.judging import accepts_python

        return accepts_python(requires_python, self.rules.target.python)

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names. Raises what the source raises."""
        known = self._direct.get(request)
        if known is None:
            from envkit.resolve.in_time import in_time
            from envkit.resolve.ports import DirectRequest

            with in_time(self.deadline, self.rules.policy.deadline):
                known = self._direct[request] = self.source.direct(request)

            # A path is asked for before its name is known, and by name from then on.
            self._direct.setdefault(DirectRequest(url=request.url, name=known.name, editable=request.editable), known)
        return known

    def direct_dependencies(self, request: DirectRequest) -> VersionDependencies | Unusable:
        """Give what the candidate of a direct request depends on."""
        known = self._direct_dependencies.get(request)
        if known is None:
            candidate = self.direct(request)
            needs = candidate.metadata.requires_python
            if needs and not self._accepts(needs):
                known = Unusable("requires-python", f"needs Python {needs[:80]}")
            else:
                try:
                    known = evaluate(candidate.metadata, self.rules.target.markers)
                except RequirementError as error:
                    known = Unusable("bad-metadata", error.message)
            self._direct_dependencies[request] = known
        return known

    def prefetch(self, names: Iterable[str]) -> None:
        """Hint at projects that are about to be needed."""
        wanted = [name for name in names if name not in self._releases and name not in self._hinted]
        if wanted:
            self._hinted.update(wanted)
            self.source.prefetch_pages(wanted)

    def prefetch_metadata(self, name: str, positions: Iterable[int]) -> None:
        """Hint at versions whose metadata is about to be needed."""
        releases = self.releases(name)
        unknown = [at for at in positions if not releases.knows(at)]
        if unknown:
            from envkit.resolve.selection import best_wheel

            self.source.prefetch_metadata([best_wheel(self.artifacts(name, at)) for at in unknown])

    def save(self) -> None:
        """Store the digests of what was learned, for the next time."""
        for name, releases in self._releases.items():
            if not releases.learned or name in self.missing or not (releases.complete or self._load_files(releases)):
                continue
            rules = self.rules.fingerprint(name)
            self.source.store_digest(digest_key(name, rules), releases.encode(rules), releases.encode_files(rules))
            releases.learned = False


def digest_key(name: str, rules: str) -> str:
    """Name a digest in the source's store."""
    return f"{name}/{rules}"


def _public(version: str) -> Version:
    return parse_version(parse_version(version).public)
