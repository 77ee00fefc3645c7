"""Known vulnerabilities of an environment, a lock or a resolution, and the fixes that everything else allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from envkit.dataclass import replace
from envkit.environment.environment import Environment
from envkit.errors import (
    IndexAccessError,
    LockError,
    NoCandidate,
    ProjectNotFound,
    RequirementError,
    ResolutionImpossible,
    ResolutionTooDeep,
)
from envkit.formats.lock_content import LockContent
from envkit.host.threads import Threads
from envkit.index.sources import as_index
from envkit.inspection.audit import (
    Finding,
    IndexVulnerabilities,
    OsvVulnerabilities,
    Vulnerability,
    VulnerabilityProvider,
    audit,
    vulnerabilities_of,
    worth_trying,
)
from envkit.interpreter.interpreter import Interpreter
from envkit.model.identity import normalize
from envkit.model.resolution import Resolution
from envkit.model.target import Target

if TYPE_CHECKING:
    from envkit.kit.parts import Parts

MAX_TRIES = 8
"""As many versions are tried as fixes of one finding."""
_THREADS = 8
_FAILURES = (ResolutionImpossible, NoCandidate, ResolutionTooDeep, LockError)


def find_vulnerabilities(
    parts: Parts,
    what: Any,
    *,
    index: bool,
    osv: str | None,
    providers: Iterable[VulnerabilityProvider],
    fixes: bool,
) -> tuple[Finding, ...]:
    """See `Kit.audit`."""
    answered: list[str] = []
    apis, others = _apis(parts, answered) if index else [], [*_osv(parts, osv), *providers]
    asked = [_Remembering(one) for one in (*apis, *others)]
    if not asked:
        raise IndexAccessError(
            "there is nobody to ask about vulnerabilities", hint="name an index with a JSON API, osv= or providers="
        )
    items = _items(what)
    _ask_ahead(parts, asked, items)
    if not (others or answered):
        _check_served(parts, items)
    found = audit(items, asked)
    if not fixes or not found:
        return found
    trial = _Trial(parts, what)
    return tuple(_with_fix(parts, finding, asked, trial) for finding in found)


def _apis(parts: Parts, answered: list[str]) -> list[VulnerabilityProvider]:
    """Give the JSON APIs of the indexes; the addresses that have an answer are added to *answered*."""

    def fetch(url: str, body: bytes | None) -> bytes:
        data = parts.client.ask(url, body)
        answered.append(url)
        return data

    found: list[VulnerabilityProvider] = []
    for url in [as_index(given).url for given in parts.settings.indexes]:
        root, slash, _ = url.rstrip("/").rpartition("/simple")
        if slash and url.startswith(("http:", "https:")):
            found.append(IndexVulnerabilities(f"{root}/pypi", fetch))
    return found


def _osv(parts: Parts, url: str | None) -> list[VulnerabilityProvider]:
    return [] if url is None else [OsvVulnerabilities(url, parts.client.ask)]


def _check_served(parts: Parts, items: Sequence[Any]) -> None:
    """Refuse an audit in which no JSON API knew anything of what its own index serves: there is none then.

    Mirrors have often no such API, and nothing found by nobody would pass for nothing known. Raises `IndexAccessError`.
    """
    for item in items:
        try:
            served = item.version is not None and parts.client.files(item.name, str(item.version))
        except ProjectNotFound:
            continue
        if served:
            raise IndexAccessError(
                f"no index has a JSON API that knows {item.name} {item.version}, which they serve",
                hint="name an OSV server with osv=, or providers=, and leave the indexes out with index=False",
            )


class _Remembering:
    """Asks a provider once about each version."""

    def __init__(self, provider: VulnerabilityProvider) -> None:
        self._provider = provider
        self._known: dict[tuple[str, str], tuple[Vulnerability, ...]] = {}
        self._lock = threading.Lock()

    def vulnerabilities(self, name: str, version: str) -> tuple[Vulnerability, ...]:
        with self._lock:
            known = self._known.get((name, version))
        if known is None:
            known = self._provider.vulnerabilities(name, version)
            with self._lock:
                self._known[name, version] = known
        return known


def _items(what: Any) -> list[Any]:
    if isinstance(what, Environment):
        return list(what.distributions())
    if isinstance(what, LockContent):
        return list(what.packages)
    if isinstance(what, Resolution):
        return list(what.pins.values())
    raise RequirementError(f"{type(what).__name__} is neither an environment, a lock nor a resolution")


def _ask_ahead(parts: Parts, asked: Sequence[VulnerabilityProvider], items: Sequence[Any]) -> None:
    """Ask about all at once, as the answers come from far away. Raises the first failure."""
    wanted = {(normalize(one.name), str(one.version)): None for one in items if one.version is not None}

    def ask(pair: tuple[str, str]) -> None:
        vulnerabilities_of(asked, *pair)

    given = parts.settings.executor
    if given is not None:
        for _ in given.map(ask, wanted):
            pass
        return
    with Threads(_THREADS, "envkit-audit") as pool:
        try:
            for _ in pool.map(ask, wanted):
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _with_fix(
    parts: Parts, finding: Finding, asked: Sequence[VulnerabilityProvider], trial: Callable[[str, str], str]
) -> Finding:
    """Try the versions that may be fixes, the nearest first: is it one, and does the rest allow it?"""
    problems: list[str] = []
    tries = 0
    for version in worth_trying(finding, _available(parts, finding.name)):
        text = str(version)
        still = {name for one in vulnerabilities_of(asked, finding.name, text) for name in (one.id, *one.aliases)}
        if still & finding.names:
            continue
        problem = trial(finding.name, text)
        if not problem:
            return replace(finding, fix=text, fix_problem="; ".join(problems[:1]))
        problems.append(f"{finding.name} {text}: {problem}")
        tries += 1
        if tries == MAX_TRIES:
            break
    return replace(finding, fix_problem="; ".join(problems[:1]) or "no index has a version without it")


def _available(parts: Parts, name: str) -> tuple[Version, ...]:
    try:
        versions = parts.client.versions(name)
    except ProjectNotFound:
        return ()
    stable = tuple(version for version in versions if not version.is_prerelease)
    return stable or versions


class _Trial:
    """Resolves what was audited once more, with one project at a given version; everything else may stay as it is."""

    def __init__(self, parts: Parts, what: Any) -> None:
        self._parts = parts
        self._what = what
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, name: str, version: str) -> str:
        """Give why it does not resolve, or ""."""
        key = (name, version)
        if key not in self._known:
            try:
                self._resolve(f"{name}=={version}")
                self._known[key] = ""
            except _FAILURES as error:
                self._known[key] = error.message[:500]
        return self._known[key]

    def _resolve(self, limit: str) -> None:
        what, here = self._what, Interpreter.current()
        if isinstance(what, Environment):
            self._installed(what, limit)
        elif isinstance(what, Resolution):
            resolver = self._parts.resolver(what.target, here)
            resolver.resolve(what.roots, constraints=[limit], preferences=list(what.pins.values()))
        else:
            self._lock(what, limit, here)

    def _installed(self, env: Environment, limit: str) -> None:
        """Resolve all that is installed; what no index has cannot be asked for, and stays as it is."""
        installed = env.distributions()
        wanted = {normalize(one.name) for one in installed if one.direct_url is None}
        resolver = self._parts.resolver(Target.of(env.interpreter), env.interpreter)
        while True:
            try:
                resolver.resolve(sorted(wanted), constraints=[limit], preferences=installed)
            except ProjectNotFound as error:
                unknown = error.context.get("project")
                if unknown not in wanted:
                    raise
                wanted.discard(unknown)
            else:
                return

    def _lock(self, lock: LockContent, limit: str, here: Interpreter) -> None:
        from envkit.formats.lock import Lock

        whole = [
            f"{one.name} ; {one.marker}" if one.marker else one.name for one in lock.packages if one.origin is None
        ]
        self._parts.resolver(Target.of(here), here).lock(
            lock.roots or whole,
            requires_python=lock.requires_python or ">=3.9",
            environments=lock.environments,
            constraints=[*lock.constraints, limit],
            overrides=lock.overrides,
            previous=Lock.of(lock),
        )
