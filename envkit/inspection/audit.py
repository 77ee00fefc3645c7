"""Known vulnerabilities of what is installed or locked, from whoever knows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

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
    """One known vulnerability; *fixed_in* are versions, ascending, *link* says where to read on."""

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    fixed_in: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Value):
    """*name* at *version* is vulnerable; *nearest_fix* is the lowest newer version that is not, where one is known."""

    name: str
    version: str
    vulnerability: Vulnerability
    nearest_fix: str | None = None


class VulnerabilityProvider(Protocol):
    """Knows vulnerabilities. May be asked from several threads."""

    def vulnerabilities(self, name: str, version: str) -> tuple[Vulnerability, ...]:
        """Give what is known of one version of a project (normalized *name*); withdrawn reports are left out.

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
    found: list[Finding] = []
    for one in sorted(what, key=lambda item: normalize(item.name)):
        if one.version is None:
            continue
        name, version = normalize(one.name), str(one.version)
        known: dict[str, Vulnerability] = {}
        for provider in asked:
            for vulnerability in provider.vulnerabilities(name, version):
                names = {vulnerability.id, *vulnerability.aliases}
                if not names & {other for have in known.values() for other in (have.id, *have.aliases)}:
                    known[vulnerability.id] = vulnerability
        for vulnerability in known.values():
            fix = nearest_fix(version, vulnerability.fixed_in)
            found.append(Finding(name=name, version=version, vulnerability=vulnerability, nearest_fix=fix))
    return tuple(found)


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
            found += [one for entry in as_tables(data.get("vulns")) if (one := self._one(name, entry)) is not None]
            token = _text(data.get("next_page_token"))
            if not token:
                break
        return tuple(found)

    def _one(self, name: str, entry: Mapping[str, Any]) -> Vulnerability | None:
        identity = _text(entry.get("id"))
        if not identity or entry.get("withdrawn"):
            return None
        fixed: list[str] = []
        for affected in as_tables(entry.get("affected")):
            package = as_table(affected.get("package"))
            if package is not None and normalize(_text(package.get("name"))) != name:
                continue
            for span in as_tables(affected.get("ranges")):
                if span.get("type") == "ECOSYSTEM":
                    fixed += [
                        _text(event.get("fixed")) for event in as_tables(span.get("events")) if event.get("fixed")
                    ]
        links = [_text(reference.get("url")) for reference in as_tables(entry.get("references"))]
        return Vulnerability(
            id=identity,
            aliases=_texts(entry.get("aliases")),
            summary=_text(entry.get("summary")) or _text(entry.get("details")),
            fixed_in=_ascending(fixed),
            link=links[0] if links else "",
        )


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
