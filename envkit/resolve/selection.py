"""Choose the usable files of a project page, and say of each other file why it was passed over.

A chain of small checks, each with its reason; what remains is grouped by version, the preferred file first: by tag, then
by build tag, the sdist last.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envkit.errors import RequirementError
from envkit.model.candidate import Artifact, ProjectPage, Reason, Rejection
from envkit.model.identity import normalize, parse_version
from envkit.model.policy import ResolutionPolicy
from envkit.model.target import Target

_SDIST = (".tar.gz", ".zip")
_FOREIGN = (".egg", ".exe", ".msi", ".rpm", ".tar.bz2", ".tgz", ".deb", ".dmg", ".tar.Z", ".tar.xz")
_BUILD = re.compile(r"(\d+)(.*)", re.ASCII)
_STAR = re.compile(r"(>=|<=|<|>|~=)(\s*[0-9.]+?)\.\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides whether a file is usable, with every time made absolute: a policy seen by one target.

    *hashes* maps normalized names to the allowed ``"sha256:..."`` texts; a name that is not in it is not restricted,
    unless the policy requires hashes.
    """

    target: Target
    policy: ResolutionPolicy
    now: datetime
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def cutoff(self, name: str) -> datetime | None:
        """Give the time after which files of *name* do not count."""
        given = self.policy.exclude_newer_by_project
        value = given.get(name, self.policy.exclude_newer)
        if value is None:
            return None
        if isinstance(value, timedelta):
            # In whole hours, or what is kept for these rules would never be found again.
            return (self.now - value).replace(minute=0, second=0, microsecond=0)
        moment = parse_time(value) if isinstance(value, str) else value
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def fingerprint(self, name: str) -> str:
        """Give a text that is equal for rules that choose the same files of *name*."""
        parts = (
            self.target.fingerprint,
            self.cutoff(name),
            self.binary_only(name),
            self.source_only(name),
            self.may_build(name),
            self.hashes.get(name),
            self.policy.require_hashes,
            self.policy.requires_python,
        )
        return repr(parts)

    def binary_only(self, name: str) -> bool:
        """Whether only wheels of *name* count."""
        return _listed(name, self.policy.only_binary)

    def source_only(self, name: str) -> bool:
        """Whether only sdists of *name* count."""
        return _listed(name, self.policy.no_binary)

    def may_build(self, name: str) -> bool:
        """Whether code of *name* may run to build it."""
        builds = self.policy.builds
        return builds == "allow" or (builds != "never" and _listed(name, builds))


def _listed(name: str, names: tuple[str, ...] | str) -> bool:
    return bool(names) and (":all:" in names or any(normalize(item) == name for item in names))


@dataclass(slots=True)
class Release:
    """One version with its usable files, the preferred one first; *yanked* when every usable file is."""

    version: Version
    artifacts: tuple[Artifact, ...]
    yanked: bool


@dataclass(slots=True)
class Selection:
    """The usable releases of a page in no order, and why the other files were passed over."""

    releases: list[Release]
    rejections: list[Rejection]


def select(page: ProjectPage, rules: Rules, *, explain: bool = False) -> Selection:
    """Choose the usable files of *page*. Rejections are collected only with *explain*: they cost as much as the rest."""
    chooser = _Chooser(page.name, rules)
    found: dict[Version, list[tuple[tuple[int, tuple[int, str]], Artifact]]] = {}
    rejections: list[Rejection] = list(page.rejected) if explain else []
    for artifact in page.artifacts:
        verdict = chooser.judge(artifact)
        if isinstance(verdict, tuple):
            version, rank = verdict
            found.setdefault(version, []).append((rank, artifact))
        elif explain:
            rejections.append(Rejection(subject=artifact.filename, reason=verdict.reason, detail=verdict.detail))
    releases = [_release(version, files) for version, files in found.items()]
    return Selection(releases=releases, rejections=rejections)


def _release(version: Version, files: list[tuple[tuple[int, tuple[int, str]], Artifact]]) -> Release:
    wanted = [item for item in files if item[1].yanked is None] or files
    if len(wanted) > 1:
        wanted.sort(key=lambda item: item[1].filename)
        wanted.sort(key=lambda item: item[0][1], reverse=True)  # a higher build tag wins within one tag
        wanted.sort(key=lambda item: item[0][0])
    return Release(version, tuple(item[1] for item in wanted), wanted[0][1].yanked is not None)


@dataclass(frozen=True, slots=True)
class _No:
    reason: Reason
    detail: str = ""


_SDIST_RANK = 1 << 30


class _Chooser:
    """The checks, with everything that is the same for all files of a project worked out once."""

    def __init__(self, name: str, rules: Rules) -> None:
        self.name = name
        self.ranks = rules.target.ranks
        self.python = rules.target.python
        self.floor = _floor(rules.policy.requires_python)
        self.cutoff = rules.cutoff(name)
        self.wheels = not rules.source_only(name)
        self.sdists = not rules.binary_only(name)
        self.builds = rules.may_build(name)
        self.hashes = rules.hashes.get(name)
        self.need_hashes = rules.policy.require_hashes or self.hashes is not None
        self.tags: dict[str, int | None] = {}

    def judge(self, artifact: Artifact) -> tuple[Version, tuple[int, tuple[int, str]]] | _No:
        filename = artifact.filename
        if filename.endswith(".whl"):
            verdict = self._wheel(filename)
        elif filename.endswith(_SDIST):
            verdict = self._sdist(filename)
        else:
            return _No("unsupported-format", "neither a wheel nor an sdist")
        if isinstance(verdict, _No):
            return verdict
        return self._common(artifact) or verdict

    def _common(self, artifact: Artifact) -> _No | None:
        needs = artifact.requires_python
        if needs:
            if not accepts_python(needs, self.python):
                return _No("requires-python", f"needs Python {needs}, the target has {self.python}")
            if self.floor is not None and not accepts_python(needs, self.floor):
                return _No("requires-python", f"needs Python {needs}, the policy starts at {self.floor}")
        if self.cutoff is not None:
            if artifact.upload_time is None:
                return _No("no-upload-time", "the index gives no upload time to compare with the cut-off")
            try:
                moment = parse_time(artifact.upload_time)
            except RequirementError:
                return _No("no-upload-time", f"unreadable upload time {artifact.upload_time!r}")
            if moment > self.cutoff:
                return _No("too-new", f"uploaded at {artifact.upload_time}")
        if self.need_hashes:
            allowed = self.hashes or ()
            if not any(f"{algorithm}:{digest}" in allowed for algorithm, digest in artifact.hashes.items()):
                return _No("no-allowed-hash", "none of its hashes is among the allowed ones")
        return None

    def _wheel(self, filename: str) -> tuple[Version, tuple[int, tuple[int, str]]] | _No:
        parts = filename[:-4].split("-")
        if not 5 <= len(parts) <= 6 or normalize(parts[0]) != self.name:
            return _No("invalid-name", "not a wheel name of this project")
        if not self.wheels:
            return _No("no-binary", "the policy wants this project from source")
        try:
            version = parse_version(parts[1].replace("_", "-") if "_" in parts[1] else parts[1])
        except RequirementError:
            return _No("invalid-version", parts[1])
        build: tuple[int, str] = (-1, "")
        if len(parts) == 6:
            match = _BUILD.fullmatch(parts[2])
            if match is None or len(match[1]) > 32:
                return _No("invalid-name", f"build tag {parts[2]!r} does not start with a number")
            build = (int(match[1]), match[2])
        text = "-".join(parts[-3:])
        rank = self.tags.get(text, -1)
        if rank == -1:
            self.tags[text] = rank = self._rank(*parts[-3:])
        if rank is None:
            return _No("wrong-tag", f"built for {text}")
        return version, (rank, build)

    def _rank(self, pythons: str, abis: str, platforms: str) -> int | None:
        if pythons.count(".") + abis.count(".") + platforms.count(".") > 64:
            return None
        ranks = self.ranks
        found = (
            ranks.get(f"{python}-{abi}-{platform}".lower())
            for python in pythons.split(".")
            for abi in abis.split(".")
            for platform in platforms.split(".")
        )
        return min((rank for rank in found if rank is not None), default=None)

    def _sdist(self, filename: str) -> tuple[Version, tuple[int, tuple[int, str]]] | _No:
        version = self._sdist_version(filename[: -7 if filename.endswith(".tar.gz") else -4])
        if isinstance(version, _No):
            return version
        if not self.sdists:
            return _No("only-binary", "the policy wants wheels of this project only")
        if not self.builds:
            return _No("builds-forbidden", "the policy forbids building this project")
        return version, (_SDIST_RANK if filename.endswith(".tar.gz") else _SDIST_RANK + 1, (0, ""))

    def _sdist_version(self, stem: str) -> Version | _No:
        at = stem.find("-")
        while at > 0:
            if normalize(stem[:at]) == self.name:
                try:
                    return parse_version(stem[at + 1 :])
                except RequirementError:
                    return _No("invalid-version", stem[at + 1 : at + 65])
            at = stem.find("-", at + 1)
        return _No("invalid-name", "not an sdist name of this project")


@functools.lru_cache(maxsize=16_384)
def accepts_python(specifier: str, python: str) -> bool:
    """Whether a Requires-Python allows *python*. One that cannot be read does not restrict, as in every installer."""
    if len(specifier) > 1_024:
        return True
    try:
        # ">=3.6.*" was accepted for years and is in thousands of old files.
        parsed = SpecifierSet(_STAR.sub(r"\1\2", specifier))
    except InvalidSpecifier:
        return True
    return parsed.contains(python, prereleases=True)


def _floor(requires_python: str | None) -> str | None:
    """Give the lowest Python that *requires_python* names as a lower bound."""
    if not requires_python:
        return None
    found = [match[1] for match in re.finditer(r"(?:>=|~=|==)\s*([0-9]+(?:\.[0-9]+)*)", requires_python)]
    return max(found, key=parse_version, default=None)


@functools.lru_cache(maxsize=65_536)
def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time; without a zone it is UTC, a bare date means its first moment. Raises `RequirementError`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequirementError(f"not a time: {text[:64]!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def best_wheel(artifacts: Sequence[Artifact]) -> Artifact:
    """Give the artifact whose metadata is cheapest to read: the preferred wheel with a sidecar, a wheel, or the first."""
    wheels = [artifact for artifact in artifacts if artifact.is_wheel]
    return next((item for item in wheels if item.metadata is not None), wheels[0] if wheels else artifacts[0])
