"""Judge the rows of a page: whether a file counts, for which version and how much it is wanted, or why it does not.

Pages have thousands of files, whose names are made of few parts: every part is looked at once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from itertools import compress

from envkit.dataclass import dataclass
from envkit.errors import RequirementError
from envkit.model.candidate import Reason
from envkit.model.identity import normalize, parse_version
from envkit.model.listing import Files, Hashes, Row, columns_of
from envkit.model.plain_python import allows, read_python, release_of
from envkit.model.sdist_names import SDIST_SUFFIXES, sdist_suffix
from envkit.namedtuple import NamedTuple
from envkit.resolve.rules import Rules, read_time

_BUILD = re.compile(r"(\d+)(.*)", re.ASCII)
_NUMBER = "(?:0|[1-9][0-9]{0,8})"
_NORMAL = re.compile(
    rf"{_NUMBER}(?:\.{_NUMBER}){{0,8}}+(?:(?:a|b|rc){_NUMBER})?+(?:\.post{_NUMBER})?+(?:\.dev{_NUMBER})?+\Z", re.ASCII
)
"""Versions in their normal form, as nearly all in names of files are."""
_STAR = r"(>=|<=|<|>|~=)(\s*[0-9.]+?)\.\*"
_SDIST_RANK = 1 << 30
_MAX_TAGS = 64
_MAX_ENDINGS = 20_000


class Rank(NamedTuple):
    """How much a file is wanted: by tag, the lower the better; then by build tag, the higher the better."""

    tag: int
    build: tuple[int, str]


@dataclass(frozen=True, slots=True)
class No:
    """Why a file does not count."""

    reason: Reason
    detail: str = ""


_NOT_OURS = No("invalid-name", "not a wheel name of this project")
_SDISTS = {suffix: Rank(_SDIST_RANK + at, (0, "")) for at, suffix in enumerate(SDIST_SUFFIXES)}


class _Endings:
    """What the ends of wheels' names say to a target: build tag and tags. They are few, and the same in many projects."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = {tag: rank for rank, tag in reversed(tuple(enumerate(tags)))}
        self._pairs = {tag.rpartition("-")[0] for tag in tags}
        self.ranks: dict[str, Rank | No] = {}
        self.hopeless: set[str] = set()

    def learn(self, ending: str) -> None:
        """Look at an ending, with ``.whl``, that was not seen yet."""
        rank = self._rank(ending[:-4].split("-"))
        if isinstance(rank, No):
            self.hopeless.add(ending)
        self.ranks[ending] = rank  # last, as other threads go by this

    def _rank(self, parts: list[str]) -> Rank | No:
        if not 3 <= len(parts) <= 4:
            return _NOT_OURS
        build: tuple[int, str] = (-1, "")
        if len(parts) == 4:
            match = _BUILD.fullmatch(parts[0])
            if match is None or len(match[1]) > 32:
                return No("invalid-name", f"build tag {parts[0]!r} does not start with a number")
            build = (int(match[1]), match[2])
        pythons, abis, platforms = parts[-3:]
        found: list[int] = []
        if pythons.count(".") + abis.count(".") + platforms.count(".") <= _MAX_TAGS:
            for python in pythons.lower().split("."):
                for abi in abis.lower().split("."):
                    pair = f"{python}-{abi}"
                    if pair in self._pairs:  # most are of another Python
                        tags = [f"{pair}-{platform}" for platform in platforms.lower().split(".")]
                        found += [self._tags[tag] for tag in tags if tag in self._tags]
        return Rank(min(found), build) if found else No("wrong-tag", f"built for {'-'.join(parts[-3:])}")


@functools.lru_cache(maxsize=8)
def _endings(tags: tuple[str, ...]) -> _Endings:
    return _Endings(tags)


def _endings_for(tags: tuple[str, ...]) -> _Endings:
    """Give what is known for a target; anew after very many, while whoever judges keeps what it has."""
    known = _endings(tags)
    if len(known.ranks) > _MAX_ENDINGS:
        _endings.cache_clear()
    return known


class Judge:
    """The checks for one project, with everything that is the same for many files worked out once."""

    def __init__(self, name: str, rules: Rules) -> None:
        self._name = name
        self._known = _endings_for(rules.target.tags)
        self._python = rules.target.python
        self._floor = _floor(rules.policy.requires_python)
        self._cutoff = rules.cutoff(name)
        self._wheels = not rules.source_only(name)
        self._sdists = not rules.binary_only(name)
        self._builds = rules.may_build(name)
        self._allowed = rules.hashes.get(name)
        self._need_hashes = rules.policy.require_hashes or self._allowed is not None
        self._plain = self._cutoff is None and not self._need_hashes
        self._names: dict[str, bool] = {}
        self._versions: dict[str, str | No] = {}
        self._endings = self._known.ranks
        self._pythons: dict[str | None, No | None] = {None: None, "": None}

    def hopeful(self, rows: Sequence[Row]) -> Iterable[Row]:
        """Leave out files that do not count by the ends of their names alone: most of a large project, for little."""
        files = rows if isinstance(rows, Files) else Files(columns_of(rows))
        endings = files.endings
        kept = {ending: self._is_hopeful(ending) for ending in set(endings)}
        return files.only(list(compress(range(len(endings)), map(kept.__getitem__, endings))))

    def _is_hopeful(self, ending: str) -> bool:
        if ending[-4:] != ".whl":
            return (self._sdists and self._builds) or ending[-7:] != ".tar.gz"
        if ending not in self._endings:
            self._known.learn(ending)
        return ending not in self._known.hopeless

    def __call__(self, row: Row) -> tuple[str, Rank] | No:
        """Judge a file: by its name, then by everything else. The version that it is for is in its normal form."""
        filename = row[0]
        if filename[-4:] == ".whl":
            verdict = self._wheel(filename)
        elif filename.endswith(SDIST_SUFFIXES):
            verdict = self._sdist(filename)
        else:
            return No("unsupported-format", "neither a wheel nor an sdist")
        if verdict.__class__ is No:
            return verdict
        needs = row[4]
        try:
            no = self._pythons[needs]
        except KeyError:
            no = self._pythons[needs] = self._python_problem(needs or "")
        if no is None and not self._plain:
            no = self._age_problem(row[6]) or self._hash_problem(row[2])
        return verdict if no is None else no

    def _wheel(self, filename: str) -> tuple[str, Rank] | No:
        try:
            name, text, ending = filename.split("-", 2)
        except ValueError:
            return _NOT_OURS
        try:
            # By subscript, as that is the fastest way to ask: nearly all parts were seen before.
            ours, version, rank = self._names[name], self._versions[text], self._endings[ending]
        except KeyError:
            self._learn(name, text, ending)
            ours, version, rank = self._names[name], self._versions[text], self._endings[ending]
        if not ours or rank is _NOT_OURS:
            return _NOT_OURS
        if not self._wheels:
            return No("no-binary", "the policy wants this project from source")
        if isinstance(version, No):
            return version
        return rank if isinstance(rank, No) else (version, rank)

    def _learn(self, name: str, text: str, ending: str) -> None:
        if name not in self._names:
            self._names[name] = normalize(name) == self._name
        if text not in self._versions:
            self._versions[text] = _version(text.replace("_", "-"), text)
        if ending not in self._endings:
            self._known.learn(ending)

    def _sdist(self, filename: str) -> tuple[str, Rank] | No:
        suffix = sdist_suffix(filename)
        version = self._sdist_version(filename[: -len(suffix)])
        if isinstance(version, No):
            return version
        if not self._sdists:
            return No("only-binary", "the policy wants wheels of this project only")
        if not self._builds:
            return No("builds-forbidden", "the policy forbids building this project")
        return version, _SDISTS[suffix]

    def _sdist_version(self, stem: str) -> str | No:
        at = stem.find("-")
        while at > 0:
            if normalize(stem[:at]) == self._name:
                return _version(stem[at + 1 :], stem[at + 1 : at + 65])
            at = stem.find("-", at + 1)
        return No("invalid-name", "not an sdist name of this project")

    def _python_problem(self, needs: str) -> No | None:
        if not accepts_python(needs, self._python):
            return No("requires-python", f"needs Python {needs}, the target has {self._python}")
        if self._floor is not None and not accepts_python(needs, self._floor):
            return No("requires-python", f"needs Python {needs}, the policy starts at {self._floor}")
        return None

    def _age_problem(self, uploaded: str | None) -> No | None:
        if self._cutoff is None:
            return None
        if uploaded is None:
            return No("no-upload-time", "the index gives no upload time to compare with the cut-off")
        try:
            moment = read_time(uploaded)
        except RequirementError:
            return No("no-upload-time", f"unreadable upload time {uploaded!r}")
        return No("too-new", f"uploaded at {uploaded}") if moment > self._cutoff else None

    def _hash_problem(self, hashes: Hashes) -> No | None:
        if not self._need_hashes:
            return None
        pairs = [("sha256", hashes)] if isinstance(hashes, str) else hashes.items()
        if any(f"{algorithm}:{digest}" in (self._allowed or ()) for algorithm, digest in pairs):
            return None
        return No("no-allowed-hash", "none of its hashes is among the allowed ones")


def _version(text: str, shown: str) -> str | No:
    if _NORMAL.match(text):
        return text
    try:
        return str(parse_version(text))
    except RequirementError:
        return No("invalid-version", shown)


@functools.lru_cache(maxsize=16_384)
def accepts_python(specifier: str, python: str) -> bool:
    """Whether a Requires-Python allows *python*. One that cannot be read does not restrict, as for pip.

    Files for which a page gives such a one were left out when the page was read.
    """
    if len(specifier) > 1_024:
        return True
    clauses, release = read_python(specifier), release_of(python)
    if clauses is not None and release is not None:
        return allows(clauses, release)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        # ">=3.6.*" was accepted for years and is in thousands of old files.
        parsed = SpecifierSet(re.sub(_STAR, r"\1\2", specifier))
    except InvalidSpecifier:
        return True
    return parsed.contains(python, prereleases=True)


def _floor(requires_python: str | None) -> str | None:
    """Give the lowest Python that *requires_python* names as a lower bound."""
    if not requires_python:
        return None
    found = [match[1] for match in re.finditer(r"(?:>=|~=|==)\s*([0-9]+(?:\.[0-9]+)*)", requires_python)]
    return max(found, key=parse_version, default=None)
