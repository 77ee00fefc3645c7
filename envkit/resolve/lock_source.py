"""A source as a whole range of environments sees it, so that one resolution serves them all.

The solver works for one target. Here that target stands for every environment in a *space*: a dependency whose marker
can hold somewhere in the space always counts, a version counts only where every Python of the space may use it, and a
wheel for any platform is as good as a universal one. Where one choice cannot serve the whole space, `ForkNeeded` says by
which marker to divide it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envkit.errors import EnvkitError, LockError, RequirementError
from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage
from envkit.model.identity import normalize
from envkit.model.marker_sets import MarkerSets, Node
from envkit.model.marker_text import marker_of, python_bounds, set_of, set_of_python
from envkit.model.requirement import parse_requirement
from envkit.resolve.ports import CandidateSource, DirectCandidate, DirectRequest

FORK_PREFIX = "envkit-fork-"
_DIGESTS = "1"
_EXTRA = re.compile(r"""\bextra [!=]= ["']([^"']+)|["']([^"']+)["'] [!=]= extra\b""")


class ForkNeeded(Exception):
    """The space must be divided by *marker* before anything can be chosen."""

    def __init__(self, marker: str) -> None:
        super().__init__(marker)
        self.marker = marker


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """A requirement without its marker: *node* holds where it counts, apart from extras."""

    text: str
    name: str
    specifier: str
    url: str | None
    extras: tuple[str, ...]
    node: Node


class UniversalSource:
    """A `CandidateSource` for all environments in *space*. For one thread, and one resolution at a time.

    ``seen`` maps names to the markers under which somebody needs them, and to the Pythons that their versions are for:
    by what a space can be divided when nothing fits it.
    """

    def __init__(self, source: CandidateSource, sets: MarkerSets, space: Node, *, digests: bool = True) -> None:
        self.source = source
        self.sets = sets
        self.space = space
        self.seen: dict[str, dict[Node, None]] = {}
        self._digests = digests
        marker = marker_of(sets, space) or ""
        self._suffix = ".u" + hashlib.sha256(f"{_DIGESTS} {marker}".encode()).hexdigest()[:24]
        self._pythons: dict[str, tuple[bool, Node] | None] = {}
        self._bounds = python_bounds(sets, space)

    def page_identity(self, name: str) -> str | None:
        """See `CandidateSource`."""
        return None if name.startswith(FORK_PREFIX) else self.source.page_identity(name)

    def page(self, name: str) -> ProjectPage:
        """See `CandidateSource`. Raises `ForkNeeded` for the names that stand for a division."""
        if name.startswith(FORK_PREFIX):
            raise ForkNeeded(bytes.fromhex(name[len(FORK_PREFIX) :]).decode())
        page = self.source.page(name)
        artifacts = (self._present(name, artifact) for artifact in page.artifacts)
        return replace(page, artifacts=tuple(artifact for artifact in artifacts if artifact is not None))

    def _present(self, name: str, artifact: Artifact) -> Artifact | None:
        if artifact.requires_python and not self._fits(name, artifact.requires_python):
            return None
        filename = artifact.filename
        if artifact.is_wheel:
            parts = filename[:-4].split("-")
            if len(parts) < 5 or not _serves(parts[-3], parts[-2], self._bounds):
                return None
            filename = f"{parts[0]}-{parts[1]}-py3-none-any.whl"
        original = json.dumps([artifact.filename, artifact.requires_python, artifact.provenance])
        return replace(artifact, filename=filename, requires_python=None, provenance=original)

    def _fits(self, name: str, specifier: str) -> bool:
        """Whether a version with this Requires-Python may be looked at: from the oldest Python of the space on."""
        try:
            node = set_of_python(self.sets, specifier)
        except EnvkitError:
            return False
        inside = self.sets.both(node, self.space)
        if self.sets.is_empty(inside):
            return False
        if self.sets.is_within(self.space, node):
            return True
        self.seen.setdefault(name, {})[node] = None
        # one that only newer Pythons lack is shown: it divides the space once it is chosen
        return python_bounds(self.sets, inside)[0] == self._bounds[0]

    def metadata(self, name: str, version: Version, artifacts: Sequence[Artifact]) -> CoreMetadata:
        """See `CandidateSource`: with markers evaluated for the space."""
        metadata = self.source.metadata(name, version, [original(artifact) for artifact in artifacts])
        specifiers = {one.requires_python for one in map(original, artifacts)} | {metadata.requires_python}
        requires = [text for specifier in specifiers if specifier for text in self._python_fork(specifier)]
        return replace(metadata, requires_python=None, requires_dist=(*requires, *self.evaluate(metadata)))

    def _python_fork(self, specifier: str) -> list[str]:
        node = set_of_python(self.sets, specifier)
        if self.sets.is_within(self.space, node):
            return []
        if self.sets.is_empty(self.sets.both(self.space, node)):
            raise RequirementError(f"it needs Python {specifier}")
        return [self.fork_requirement(node)]

    def fork_requirement(self, node: Node) -> str:
        """Give a requirement that divides the space by *node* as soon as it is looked at."""
        marker = marker_of(self.sets, node, self.space) or ""
        return FORK_PREFIX + marker.encode().hex()

    def evaluate(self, metadata: CoreMetadata) -> list[str]:
        """Give the requirements that count somewhere in the space, without markers but for the extra that brings them."""
        found: list[str] = []
        base: list[Conditional] = []
        by_extra: dict[str, list[Conditional]] = {}
        for text in metadata.requires_dist:
            requirement = parse_requirement(text)
            for extra in ("", *_extras_of(requirement)):
                conditional = self.conditional(requirement, extra)
                if self.sets.is_empty(self.sets.both(conditional.node, self.space)):
                    continue
                if not extra:
                    base.append(conditional)
                    found.append(conditional.text)
                elif not self._counts_without(requirement):
                    by_extra.setdefault(extra, []).append(conditional)
                    found.append(f'{conditional.text} ; extra == "{extra}"')
                self._see(conditional)
        found += self.forks_of(base)
        for extra, added in by_extra.items():
            found += [f'{text} ; extra == "{extra}"' for text in self.forks_of([*base, *added]) if text not in found]
        return found

    def _counts_without(self, requirement: Requirement) -> bool:
        # what counts somewhere without the extra is always there for the solver
        return not self.sets.is_empty(self.sets.both(self.conditional(requirement, "").node, self.space))

    def _see(self, conditional: Conditional) -> None:
        if not self.sets.is_within(self.space, conditional.node):
            self.seen.setdefault(conditional.name, {})[conditional.node] = None

    def conditional(self, requirement: Requirement, extra: str) -> Conditional:
        """Take the marker off, with *extra* asked for ("" for none)."""
        marker = str(requirement.marker) if requirement.marker is not None else None
        node = set_of(self.sets, marker, extra=extra)
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        what = f" @ {requirement.url}" if requirement.url else str(requirement.specifier)
        return Conditional(
            text=f"{requirement.name}{extras}{what}",
            name=normalize(requirement.name),
            specifier=str(requirement.specifier),
            url=requirement.url,
            extras=tuple(sorted(normalize(one) for one in requirement.extras)),
            node=node,
        )

    def forks_of(self, conditionals: Sequence[Conditional]) -> list[str]:
        """Give a fork for requirements of one project that exclude each other and never hold together."""
        by_name: dict[str, list[Conditional]] = {}
        for conditional in conditionals:
            by_name.setdefault(conditional.name, []).append(conditional)
        for group in by_name.values():
            for at, one in enumerate(group):
                for other in group[at + 1 :]:
                    apart = self.sets.is_empty(self.sets.both(self.sets.both(one.node, other.node), self.space))
                    if apart and _exclude_each_other(one, other):
                        return [self.fork_requirement(one.node)]
        return []

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """See `CandidateSource`."""
        candidate = self.source.direct(request)
        metadata = candidate.metadata
        requires = self._python_fork(metadata.requires_python) if metadata.requires_python else []
        changed = replace(metadata, requires_python=None, requires_dist=(*requires, *self.evaluate(metadata)))
        return replace(candidate, metadata=changed)

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """See `CandidateSource`."""
        self.source.prefetch_pages([name for name in names if not name.startswith(FORK_PREFIX)])

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> None:
        """See `CandidateSource`."""
        self.source.prefetch_metadata([original(artifact) for artifact in artifacts])

    def load_digest(self, key: str) -> bytes | None:
        """See `CandidateSource`."""
        return self.source.load_digest(key + self._suffix) if self._digests else None

    def store_digest(self, key: str, data: bytes) -> None:
        """See `CandidateSource`."""
        if not key.startswith(FORK_PREFIX):
            self.source.store_digest(key + self._suffix, data)


def original(artifact: Artifact) -> Artifact:
    """Give the artifact as the index has it."""
    try:
        filename, requires_python, provenance = json.loads(artifact.provenance or "")
    except ValueError as error:
        raise LockError(f"{artifact.filename} did not come through the lock's own source") from error
    return replace(artifact, filename=filename, requires_python=requires_python, provenance=provenance)


def _extras_of(requirement: Requirement) -> tuple[str, ...]:
    if requirement.marker is None:
        return ()
    return tuple(
        dict.fromkeys(normalize(name) for pair in _EXTRA.findall(str(requirement.marker)) for name in pair if name)
    )


def _exclude_each_other(one: Conditional, other: Conditional) -> bool:
    if one.url != other.url:
        return one.url is not None or other.url is not None
    both = SpecifierSet(f"{one.specifier},{other.specifier}".strip(","))
    points = {"0", "99999"}
    for clause in both:
        version = clause.version.removesuffix(".*")
        points |= {version, f"{version}.0.1", f"{version}.post1", f"{version}.dev0", f"{version}.1"}
    return not any(both.contains(point, prereleases=True) for point in points if _is_version(point))


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True


def _serves(pythons: str, abis: str, bounds: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    """Whether a wheel with these tags can be for some Python between *bounds* (the last included)."""
    oldest, newest = bounds
    for python in pythons.split("."):
        digits = "".join(character for character in python if character.isdigit())
        if not digits:
            return True
        major, minor = int(digits[0]), int(digits[1:]) if len(digits) > 1 else None
        if major < oldest[0]:
            continue
        if minor is None:
            return True
        exact = python[:2] in ("cp", "pp") and "abi3" not in abis and "none" not in abis.split(".")
        if (major, minor) <= newest and (not exact or (major, minor) >= oldest):
            return True
    return False
