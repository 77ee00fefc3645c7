"""Known vulnerabilities of what is installed or locked, from whoever knows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from envkit.dataclass import dataclass
from envkit.errors import IndexAccessError, ProjectNotFound
from envkit.formats.toml import as_table, as_tables, as_texts
from envkit.model.identity import normalize
from envkit.model.values import Value

MAX_ANSWER_BYTES = 32 * 1024 * 1024
_MAX_TEXT = 2_000

Fetch = Callable[[str, bytes | None], bytes]
"""Gives the answer to a GET, or with a body to a POST of JSON. Raises errors of envkit's tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability(Value):
    """One known vulnerability; *link* says where to read on.

    *fixed_in* and *last_affected* are versions, ascending: the first good and the last bad ones, as far as known.
    """

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    fixed_in: tuple[str, ...] = ()
    last_affected: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Value):
    """*name* at *version* is vulnerable; *nearest_fix* is the lowest newer version that is said not to be.

    *fix* is the lowest one that also resolves together with everything else, where that was looked for; *fix_problem* says
    what kept the nearest ones from it.
    """

    name: str
    version: str
    vulnerability: Vulnerability
    nearest_fix: str | None = None
    fix: str | None = None
    fix_problem: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Every name of the vulnerability."""
        return frozenset((self.vulnerability.id, *self.vulnerability.aliases))


class VulnerabilityProvider(Protocol):
    """Knows vulnerabilities. May be asked from several threads."""

    def vulnerabilities(self, name: str, version: str) -> tuple[Vulnerability, ...]:
        """Give what is known of one version of a project (normalized *name*, without local part); no withdrawn reports.

        Raises `IndexAccessError` where it cannot be asked. A project that it does not know has no vulnerabilities.
        """
        ...


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> object: ...


def audit(what: Iterable[_Named], providers: Iterable[VulnerabilityProvider]) -> tuple[Finding, ...]:
    """Ask every provider about each distribution, pin or locked package; the same finding from two counts once.

    Raises `IndexAccessError` where a provider cannot be asked: half an answer would look like a good one.
    """
    asked = tuple(providers)
    versions = {(normalize(one.name), str(one.version)): None for one in what if one.version is not None}
    found: list[Finding] = []
    for name, version in sorted(versions):
        for vulnerability in vulnerabilities_of(asked, name, version):
            fix = nearest_fix(version, vulnerability.fixed_in)
            found.append(Finding(name=name, version=version, vulnerability=vulnerability, nearest_fix=fix))
    return tuple(found)


def vulnerabilities_of(
    providers: Iterable[VulnerabilityProvider], name: str, version: str
) -> tuple[Vulnerability, ...]:
    """Give what any provider knows of a version; what one calls by another's name is one vulnerability."""
    public = version.partition("+")[0]  # databases do not know of local builds, which have the faults of their version
    known: list[Vulnerability] = []
    for provider in providers:
        for one in provider.vulnerabilities(name, public):
            names = {one.id, *one.aliases}
            same = [other for other in known if names & {other.id, *other.aliases}]
            merged = _united([*same, one])
            known = (
                [merged if other is same[0] else other for other in known if other not in same[1:]]
                if same
                else [*known, one]
            )
    return tuple(known)


def _united(same: Sequence[Vulnerability]) -> Vulnerability:
    first = same[0]
    names = dict.fromkeys(name for one in same for name in (one.id, *one.aliases))
    return Vulnerability(
        id=first.id,
        aliases=tuple(name for name in names if name != first.id),
        summary=next((one.summary for one in same if one.summary), ""),
        fixed_in=_ascending(version for one in same for version in one.fixed_in),
        last_affected=_ascending(version for one in same for version in one.last_affected),
        link=next((one.link for one in same if one.link), ""),
    )


def worth_trying(finding: Finding, available: Iterable[Version]) -> list[Version]:
    """Give the versions that may be fixes of a finding, the nearest first.

    Those from the first one on that is said to be good, or that follows the last one that is said to be bad.
    """
    current = _version(finding.version)
    if current is None:
        return []
    good = [one for one in map(_version, finding.vulnerability.fixed_in) if one is not None and one > current]
    bad = [one for one in map(_version, finding.vulnerability.last_affected) if one is not None and one >= current]
    return sorted(
        one
        for one in available
        if one > current and (any(one >= fixed for fixed in good) or any(one > last for last in bad))
    )


def nearest_fix(version: str, fixed_in: Iterable[str]) -> str | None:
    """Give the lowest of *fixed_in* that is above *version*, or None."""
    try:
        current = Version(version)
    except InvalidVersion:
        return None
    newer = [fixed for fixed in map(_version, fixed_in) if fixed is not None and fixed > current]
    return str(min(newer)) if newer else None


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


class IndexVulnerabilities:
    """The JSON API of an index: ``<url>/<name>/<version>/json`` has a list ``vulnerabilities``."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self._url = url.rstrip("/")
        self._fetch = fetch

    def vulnerabilities(self, name: str, version: str) -> tuple[Vulnerability, ...]:
        """See `VulnerabilityProvider`."""
        try:
            data = _read(self._fetch(f"{self._url}/{quote(name)}/{quote(version)}/json", None))
        except ProjectNotFound:
            return ()
        return tuple(
            Vulnerability(
                id=_text(entry.get("id")),
                aliases=_texts(entry.get("aliases")),
                summary=_text(entry.get("summary")) or _text(entry.get("details")),
                fixed_in=_ascending(_texts(entry.get("fixed_in"))),
                link=_text(entry.get("link")),
            )
            for entry in as_tables(data.get("vulnerabilities"))
            if entry.get("withdrawn") is None and _text(entry.get("id"))
        )


class OsvVulnerabilities:
    """An OSV server: ``POST <url>/v1/query``. *ecosystem* is OSV's name for where projects come from."""

    def __init__(self, url: str, fetch: Fetch, *, ecosystem: str = "PyPI") -> None:
        self._url = url.rstrip("/")
        self._fetch = fetch
        self._ecosystem = ecosystem

    def vulnerabilities(self, name: str, version: str) -> tuple[Vulnerability, ...]:
        """See `VulnerabilityProvider`."""
        found: list[Vulnerability] = []
        token = ""
        for _ in range(20):  # pages
            query: dict[str, Any] = {"version": version, "package": {"name": name, "ecosystem": self._ecosystem}}
            if token:
                query["page_token"] = token
            data = _read(self._fetch(f"{self._url}/v1/query", json.dumps(query).encode()))
            found += [
                one for entry in as_tables(data.get("vulns")) if (one := self._one(name, version, entry)) is not None
            ]
            token = _text(data.get("next_page_token"))
            if not token:
                break
        return tuple(found)

    def _one(self, name: str, version: str, entry: Mapping[str, Any]) -> Vulnerability | None:
        identity = _text(entry.get("id"))
        if not identity or entry.get("withdrawn"):
            return None
        ours = [one for one in as_tables(entry.get("affected")) if self._is_about(one, name)]
        if not _affects(ours, version):
            return None
        events = [event for one in ours for span in _ranges(one) for event in as_tables(span.get("events"))]
        links = [_text(reference.get("url")) for reference in as_tables(entry.get("references"))]
        return Vulnerability(
            id=identity,
            aliases=_texts(entry.get("aliases")),
            summary=_text(entry.get("summary")) or _text(entry.get("details")),
            fixed_in=_ascending(_text(event.get("fixed")) for event in events),
            last_affected=_ascending(_text(event.get("last_affected")) for event in events),
            link=links[0] if links else "",
        )

    def _is_about(self, affected: Mapping[str, Any], name: str) -> bool:
        package = as_table(affected.get("package"))
        if package is None:
            return True
        ecosystem = _text(package.get("ecosystem")) or self._ecosystem
        return normalize(_text(package.get("name"))) == name and ecosystem.partition(":")[0] == self._ecosystem


def _ranges(affected: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the ranges whose versions are the project's own: those of commits (GIT) say nothing here."""
    return [span for span in as_tables(affected.get("ranges")) if span.get("type") == "ECOSYSTEM"]


def _affects(entries: Sequence[Mapping[str, Any]], version: str) -> bool:
    """Whether a report's own words include the version; where it has none, the server that named it is believed."""
    wanted = _version(version)
    told = False
    for entry in entries:
        listed, ranges = as_texts(entry.get("versions")) or [], _ranges(entry)
        told = told or bool(listed or ranges)
        if version in listed or (wanted is not None and wanted in map(_version, listed)):
            return True
        if wanted is not None and any(_is_inside(as_tables(span.get("events")), wanted) for span in ranges):
            return True
    return not told or wanted is None


def _is_inside(events: Iterable[Mapping[str, Any]], version: Version) -> bool:
    """Follow the events of a range in the order of their versions, as OSV's schema says."""
    steps: list[tuple[Version, int, str]] = []
    for event in events:
        for order, kind in enumerate(("introduced", "fixed", "last_affected")):
            text = _text(event.get(kind))
            at = Version("0.dev0") if text == "0" else _version(text)
            if at is not None:
                steps.append((at, order, kind))
    inside = all(kind != "introduced" for _, _, kind in steps)  # who does not say since when means always
    for at, _, kind in sorted(steps):
        if kind == "last_affected":
            inside = inside and version <= at
        elif version >= at:
            inside = kind == "introduced"
    return inside


def _read(data: bytes) -> Mapping[str, Any]:
    if len(data) > MAX_ANSWER_BYTES:
        raise IndexAccessError(f"an answer about vulnerabilities is larger than {MAX_ANSWER_BYTES} bytes")
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IndexAccessError("an answer about vulnerabilities is not JSON") from error
    table = as_table(value)
    if table is None:
        raise IndexAccessError("an answer about vulnerabilities is not an object")
    return table


def _text(value: object) -> str:
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, as_texts(value) or ()))


def _ascending(versions: Iterable[str]) -> tuple[str, ...]:
    known = {text: version for text in versions if (version := _version(text)) is not None}
    return tuple(sorted(known, key=lambda text: known[text]))
