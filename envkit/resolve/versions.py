"""The versions of one project in order, and specifiers as bitmasks over them.

Bit 0 of a mask stands for "the project is not chosen", bit ``k + 1`` for the k-th version in ascending order. Set algebra
on versions is then integer arithmetic, which is what makes solving fast. Versions are parsed only where a bisection looks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from packaging.version import Version

from envkit.errors import RequirementError
from envkit.model.identity import MAX_SPECIFIER_LENGTH, parse_version

ABSENT = 1
_CLAUSE = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*(\S+)\s*")


class VersionLine:
    """The versions of one project, ascending; a local version stands below its public twin, so that the twin is preferred.

    ``mask`` answers for whole specifiers and remembers the answer. Pre-releases are treated as any version: preferring
    stable ones is the chooser's work, not the specifier's.
    """

    __slots__ = ("_keys", "_masks", "full", "has_local", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.full = (1 << (len(texts) + 1)) - 1
        self.has_local = "+" in "".join(texts)
        self._keys: list[Version | None] = [None] * len(texts)
        self._masks: dict[str, int] = {"": self.full & ~ABSENT}

    def mask(self, specifier: str) -> int:
        """Give the versions that *specifier* (comma-separated clauses, PEP 440) allows; never bit 0."""
        known = self._masks.get(specifier)
        if known is None:
            if len(specifier) > MAX_SPECIFIER_LENGTH:
                raise RequirementError(f"version specifier of {len(specifier)} characters is too long")
            known = self.full & ~ABSENT
            for clause in specifier.split(","):
                one = self._masks.get(clause)
                if one is None:
                    self._masks[clause] = one = self._clause(clause)
                known &= one
            self._masks[specifier] = known
        return known

    def index(self, text: str) -> int | None:
        """Give the position of the version spelled *text* (normalized), or None."""
        at = self._left(self._public(text))
        while at < len(self.texts) and self._key(at) == self._public(text):
            if self.texts[at] == text:
                return at
            at += 1
        return None

    def _clause(self, clause: str) -> int:
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            if not clause.strip():
                return self.full & ~ABSENT
            raise RequirementError(f"invalid version specifier: {clause!r}")
        operator, text = match.groups()
        if operator == "===":
            wanted = text.lower()
            return sum(2 << at for at, have in enumerate(self.texts) if have == wanted)
        return self._compare(operator, text)

    def _compare(self, operator: str, text: str) -> int:
        if operator == "!=":
            return self.full & ~ABSENT & ~self._compare("==", text)
        if text.endswith(".*"):
            if operator != "==":
                raise RequirementError(f"a wildcard does not go with {operator}: {text!r}")
            return self._prefix(text[:-2])
        version = parse_version(text)
        if version.local is not None:
            return self._slowly(operator, text)
        if operator == "==":
            return self._range(self._left(version), self._right(version))
        if operator == ">=":
            return self._range(self._left(version), len(self.texts))
        if operator == "<=":
            return self._range(0, self._right(version))
        if operator == "~=":
            release = version.release[:-1]
            if not release:
                raise RequirementError(f"~= needs at least two release segments: {text!r}")
            prefix = f"{version.epoch}!" + ".".join(map(str, release))
            return self._compare(">=", text) & self._prefix(prefix)
        if operator == "<":
            if not version.is_prerelease:
                # "<V" must not allow a pre-release of V, and those are all that lies between V.dev0 and V.
                version = parse_version(f"{text}.dev0")
            return self._range(0, self._left(version))
        at = self._right(version)
        if version.post is None and version.dev is None:
            while at < len(self.texts) and _is_post_of(self._key(at), version):
                at += 1  # ">V" must not allow a post-release of V
        return self._range(at, len(self.texts))

    def _prefix(self, text: str) -> int:
        version = parse_version(text)
        if version.pre is not None or version.post is not None or version.dev is not None or version.local is not None:
            return self._slowly("==", f"{text}.*")
        release = version.release
        above = f"{version.epoch}!" + ".".join(map(str, (*release[:-1], release[-1] + 1)))
        return self._range(self._left(parse_version(f"{text}.dev0")), self._left(parse_version(f"{above}.dev0")))

    def _slowly(self, operator: str, text: str) -> int:
        from packaging.specifiers import InvalidSpecifier, Specifier  # for what nearly nobody writes

        try:
            specifier = Specifier(operator + text)
        except InvalidSpecifier as error:
            raise RequirementError(f"invalid version specifier: {operator + text!r}") from error
        return sum(2 << at for at, have in enumerate(self.texts) if specifier.contains(have, prereleases=True))

    def _range(self, low: int, high: int) -> int:
        return ((1 << high) - (1 << low)) << 1 if high > low else 0

    @staticmethod
    def _public(text: str) -> Version:
        return parse_version(text.partition("+")[0])

    def _key(self, at: int) -> Version:
        key = self._keys[at]
        if key is None:
            key = self._keys[at] = self._public(self.texts[at])
        return key

    def _left(self, version: Version) -> int:
        low, high = 0, len(self.texts)
        while low < high:
            middle = (low + high) // 2
            if self._key(middle) < version:
                low = middle + 1
            else:
                high = middle
        return low

    def _right(self, version: Version) -> int:
        low, high = 0, len(self.texts)
        while low < high:
            middle = (low + high) // 2
            if version < self._key(middle):
                high = middle
            else:
                low = middle + 1
        return low


def _is_post_of(version: Version, final: Version) -> bool:
    return (
        version.post is not None
        and (version.epoch, version.pre) == (final.epoch, final.pre)
        and version.__replace__(post=None, dev=None) == final
    )


def sort_key(version: Version) -> tuple[Version, bool, Version]:
    """Order versions for a `VersionLine`: by public version, a local version below its public twin."""
    if version.local is None:
        return (version, True, version)
    return (parse_version(version.public), False, version)


@functools.lru_cache(maxsize=65_536)
def is_exact(specifier: str) -> bool:
    """Whether *specifier* pins one version: some clause is ``==`` without a wildcard, or ``===``."""
    for clause in specifier.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match and (match[1] == "===" or (match[1] == "==" and not match[2].endswith(".*"))):
            return True
    return False
