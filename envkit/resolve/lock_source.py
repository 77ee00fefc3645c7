"""A source as a whole range of environments sees it, so that one resolution serves them all.

The solver works for one target. Here that target stands for every environment in a *space*: a dependency whose marker
can hold somewhere in the space always counts, a wheel for any platform is as good as a universal one, and a version that
only a part of the space can use is a second choice. Requirements that exclude each other and never hold together cannot
be put to a solver: a name that stands for the division of the space takes their place, and is in the outcome if they matter.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
import zlib
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
from envkit.resolve.lock_coverage import Coverage
from envkit.resolve.ports import CandidateSource, DirectCandidate, DirectRequest

FORK_PREFIX = "envkit-fork-"
_DIGESTS = "2"
_EXTRA = re.compile(r"""\bextra [!=]= ["']([^"']+)|["']([^"']+)["'] [!=]= extra\b""")

Condition = tuple[str, str]
"""A marker, and the extra with which it is asked ("" for none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """A requirement without its marker: *node* holds where it counts, apart from extras; *condition* is its marker."""

    text: str
    name: str
    specifier: str
    url: str | None
    node: Node
    condition: Condition


class UniversalSource:
    """A `CandidateSource` for all environments in *space*. For one thread, and one resolution at a time.

    *coverage* knows which environments have to be served; ``unserved`` are projects of which that ruled a version out.
    """

    def __init__(self, source: CandidateSource, sets: MarkerSets, space: Node, coverage: Coverage) -> None:
        self.source = source
        self.sets = sets
        self.space = space
        self._coverage = coverage
        marker = marker_of(sets, space) or ""
        self._suffix = ".u" + hashlib.sha256(f"{_DIGESTS} {coverage.key} {marker}".encode()).hexdigest()[:24]
        self._bounds = python_bounds(sets, space)
        self._pythons: dict[str, bool | None] = {}
        self._later: dict[str, frozenset[str] | int] = {}
        self._partial: dict[str, dict[str, dict[Condition, None]]] = {}
        self._heads: dict[str, bytes] = {}
        self.unserved: set[str] = set()

    def page_identity(self, name: str) -> str | None:
        """See `CandidateSource`."""
        return name if name.startswith(FORK_PREFIX) else self.source.page_identity(name)

    def page(self, name: str) -> ProjectPage:
        """See `CandidateSource`. What stands for a division has one version."""
        if name.startswith(FORK_PREFIX):
            file = Artifact(filename=f"{name.replace('-', '_')}-1-py3-none-any.whl", url="", metadata={})
            return ProjectPage(name=name, artifacts=(replace(file, provenance=_kept(file)),), identity=name)
        page = self.source.page(name)
        found: list[Artifact] = []
        later: set[str] = set()
        for artifact in page.artifacts:
            fits = self._fits(artifact.requires_python)
            if fits is None or (artifact.is_wheel and not self._serves(artifact.filename)):
                continue
            if not fits:
                later.add(version_text(name, artifact.filename))
            found.append(artifact)
        if self._coverage.required:
            found = self._usable(name, found, later)
        self._later[name] = frozenset(later)
        return replace(page, artifacts=tuple(map(_presented, found)))

    def _usable(self, name: str, artifacts: Sequence[Artifact], later: set[str]) -> list[Artifact]:
        """Leave out versions without a file where one is required; note those with too few files in *later*."""
        versions: dict[str, list[Artifact]] = {}
        for artifact in artifacts:
            versions.setdefault(_canonical(version_text(name, artifact.filename)), []).append(artifact)
        found: list[Artifact] = []
        for text, files in versions.items():
            served = self._coverage.of(name, files)
            if self._coverage.useless(served, self.space):
                self.unserved.add(name)
                continue
            found += files
            if self._coverage.lacks(served, self.space) is not None:
                later.add(text)
        return found

    def _serves(self, filename: str) -> bool:
        parts = filename[:-4].split("-")
        return len(parts) >= 5 and _serves(parts[-3], parts[-2], self._bounds)

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
            known = {_canonical(text) for text in later}
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
        return replace(metadata, requires_python=None, requires_dist=tuple(self.evaluate(name, metadata.requires_dist)))

    def evaluate(self, name: str, texts: Iterable[str]) -> list[str]:
        """Give the requirements that count somewhere in the space, without markers but for the extra that brings them."""
        base: list[Conditional] = []
        by_extra: dict[str, list[Conditional]] = {}
        for text in texts:
            requirement = parse_requirement(text)
            always = self.conditional(requirement, "")
            if self._counts(always):
                base.append(always)
                self._see(name, always)
                continue  # what counts somewhere without an extra is always there for the solver
            for extra in _extras_of(requirement):
                conditional = self.conditional(requirement, extra)
                if self._counts(conditional):
                    by_extra.setdefault(extra, []).append(conditional)
                    self._see(name, conditional)
        found = self._apart(base, ())
        for extra, added in by_extra.items():
            found += [f'{text} ; extra == "{extra}"' for text in self._apart(added, base)]
        return found

    def _counts(self, conditional: Conditional) -> bool:
        return not self.sets.is_empty(self.sets.both(conditional.node, self.space))

    def _see(self, name: str, conditional: Conditional) -> None:
        if not self.sets.is_within(self.space, conditional.node):
            self._partial.setdefault(name, {}).setdefault(conditional.name, {})[conditional.condition] = None

    def partial(self, name: str, child: str) -> list[Node]:
        """Give the sets of environments, parts of the space, for which *name* ("" for the roots) needs *child*."""
        conditions = dict(self._partial.get(name, {}).get(child, {}))
        head = self._heads.get(name)
        if head is not None:
            stored: dict[str, list[Condition]] = json.loads(head)
            conditions |= dict.fromkeys((marker, extra) for marker, extra in stored.get(child, ()))
        return [set_of(self.sets, marker, extra=extra) for marker, extra in conditions]

    def partials(self) -> list[Node]:
        """Give all the sets of environments for which somebody needs something."""
        pairs = [(name, child) for name, children in self._partial.items() for child in children]
        pairs += [(name, child) for name, head in self._heads.items() for child in json.loads(head)]
        return [node for name, child in dict.fromkeys(pairs) for node in self.partial(name, child)]

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
            node=node,
            condition=(marker or "", extra),
        )

    def _apart(self, rows: Sequence[Conditional], others: Sequence[Conditional]) -> list[str]:
        """Give *rows* for the solver; those that exclude each other, or *others*, give way to a division."""
        ours = {id(one) for one in rows}
        by_name: dict[str, list[Conditional]] = {}
        for one in (*others, *rows):
            by_name.setdefault(one.name, []).append(one)
        dropped: set[int] = set()
        forks: dict[str, None] = {}
        for one, other in (pair for group in by_name.values() for pair in itertools.combinations(group, 2)):
            if id(other) in ours and self._never_together(one, other) and _exclude_each_other(one, other):
                forks[self._fork(other.node)] = None
                dropped |= {id(one), id(other)}
        return [*(one.text for one in rows if id(one) not in dropped), *forks]

    def _never_together(self, one: Conditional, other: Conditional) -> bool:
        return self.sets.is_empty(self.sets.both(self.sets.both(one.node, other.node), self.space))

    def _fork(self, node: Node) -> str:
        return FORK_PREFIX + (marker_of(self.sets, node, self.space) or "").encode().hex()

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
        self._heads[name] = head
        return rest

    def store_digest(self, key: str, data: bytes) -> None:
        """See `CandidateSource`."""
        name = key.partition("/")[0]
        later = self._later.get(name, 0)
        if name.startswith(FORK_PREFIX) or not isinstance(later, int):
            return
        conditions: dict[str, list[Condition]] = json.loads(self._heads.get(name, b"{}"))
        for child, more in self._partial.get(name, {}).items():
            known = dict.fromkeys((marker, extra) for marker, extra in conditions.get(child, ()))
            conditions[child] = list(known | more)
        head, first = json.dumps(conditions).encode(), b"%x" % later
        self.source.store_digest(key + self._suffix, b"%08x %s\n%s\n%s" % (zlib.crc32(first + head), first, head, data))


def _presented(artifact: Artifact) -> Artifact:
    """Give a file as one for every Python and platform; `original` undoes it."""
    filename = artifact.filename
    if artifact.is_wheel:
        parts = filename[:-4].split("-")
        filename = f"{parts[0]}-{parts[1]}-py3-none-any.whl"
    return replace(artifact, filename=filename, requires_python=None, provenance=_kept(artifact))


def _kept(artifact: Artifact) -> str:
    return json.dumps([artifact.filename, artifact.requires_python, artifact.provenance])


def version_text(name: str, filename: str) -> str:
    """Give the version that the name of a file of this project says, as it is written there."""
    if filename.endswith(".whl"):
        return filename.split("-", 2)[1]
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip")
    return next((stem[at + 1 :] for at, one in enumerate(stem) if one == "-" and normalize(stem[:at]) == name), "")


def _canonical(text: str) -> str:
    try:
        return str(Version(text.replace("_", "-")))
    except ValueError:
        return ""


def original(artifact: Artifact) -> Artifact:
    """Give the artifact as the index has it."""
    filename, requires_python, provenance = _unkept(artifact.provenance)
    return replace(artifact, filename=filename, requires_python=requires_python, provenance=provenance)


@functools.lru_cache(maxsize=16_384)
def _unkept(text: str | None) -> tuple[str, str | None, str | None]:
    try:
        filename, requires_python, provenance = json.loads(text or "")
    except ValueError as error:
        raise LockError("a file did not come through the lock's own source") from error
    return filename, requires_python, provenance


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
