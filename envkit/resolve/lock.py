"""Universal locks: one choice of versions for every Python and platform in a range."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.version import Version

from envkit.dataclass import replace
from envkit.errors import LockError, RequirementError
from envkit.events import CancelToken
from envkit.formats.lock import Lock
from envkit.model.arguments import several
from envkit.model.identity import normalize, parse_specifier
from envkit.model.lock import LockedPackage
from envkit.model.marker_sets import ALL, MarkerSets, Node
from envkit.model.marker_text import set_of, set_of_python
from envkit.model.requested import RequirementEntry
from envkit.model.requirement import parse_marker, parse_requirement
from envkit.model.secret import strip_credentials
from envkit.resolve.lock_coverage import Coverage
from envkit.resolve.lock_forks import MAX_FORKS, Forking, MakeResolver
from envkit.resolve.lock_merge import merge
from envkit.resolve.lock_reach import Reaching
from envkit.resolve.ports import CandidateSource

Lockable = str | Requirement | RequirementEntry


def lock(
    make: MakeResolver,
    source: CandidateSource,
    requirements: Iterable[Lockable],
    *,
    requires_python: str = ">=3.9",
    environments: Sequence[str] = (),
    required_environments: Sequence[str] = (),
    extras: Mapping[str, Iterable[Lockable]] | None = None,
    groups: Mapping[str, Iterable[Lockable]] | None = None,
    default_groups: Sequence[str] = (),
    conflicts: Sequence[Sequence[str]] = (),
    constraints: Iterable[Lockable] = (),
    overrides: Iterable[Lockable] = (),
    previous: Lock | None = None,
    hashes: Mapping[str, Iterable[str]] | None = None,
    builds: Callable[[str], bool] = lambda _: True,
    cancel: CancelToken | None = None,
) -> Lock:
    """Lock *requirements* for every environment that fits *requires_python* and one of the markers *environments*.

    *make* gives a resolver for a target and a source, *builds* tells of which projects sdists count; `Resolver.lock`
    passes both.

    *required_environments* are markers too: for each environment in them every project must have a file, a wheel or an
    sdist that may be built. Other environments may be left without.

    *extras* and *groups* are further requirements that can be asked for by name when the lock is used; *conflicts* lists
    sets of such names (``"extra:cpu"``, ``"group:old"``) of which at most one may be used at a time; `Lock.select` refuses
    two. Versions of *previous* are kept where they fit; where all of it still fits, nothing is looked up at all. *hashes*
    are as `Resolver.resolve` takes them.

    Raises what `Resolver.resolve` raises (with the environments that failed in ``context``), and `LockError`.
    """
    requires_python = str(parse_specifier(requires_python))
    environments = tuple(str(parse_marker(marker)) for marker in several("environments", environments, str))
    more = _choices(extras, groups)
    roots = [*map(_text, several("requirements", requirements)), *more]
    names = tuple(sorted(normalize(name) for name in extras or ()))
    group_names = tuple(sorted(normalize(name) for name in groups or ()))
    defaults = tuple(normalize(name) for name in several("default_groups", default_groups, str))
    for name in defaults:
        if name not in group_names:
            raise LockError(
                f"the default group {name!r} is none of the lock's groups",
                hint=f"it has {', '.join(group_names)}" if group_names else "groups={name: requirements} gives it some",
                context={"group": name, "groups": group_names},
            )
    limits = [_text(one) for one in several("constraints", constraints)]
    replaced = [_text(one) for one in several("overrides", overrides)]
    shape = Lock(
        packages=(),
        requires_python=requires_python,
        environments=environments,
        extras=names,
        groups=group_names,
        default_groups=defaults,
        roots=tuple(map(_without_credentials, roots)),
        constraints=tuple(map(_without_credentials, limits)),
        overrides=tuple(map(_without_credentials, replaced)),
        conflicts=tuple(
            tuple(_choice(text, names, group_names) for text in _conflict(one))
            for one in several("conflicts", conflicts)
        ),
    )
    sets = MarkerSets()
    whole = _whole(sets, requires_python, environments)
    coverage = Coverage(
        sets, _required(sets, several("required_environments", required_environments, str), whole), builds
    )
    if previous is not None and not hashes and _still_fits(previous, shape) and _is_served(sets, previous, coverage):
        return replace(shape, packages=previous.packages)
    reaching = Reaching(source, sets, roots, replaced)
    forking = Forking(
        make=make,
        source=source,
        sets=sets,
        roots=roots,
        constraints=limits,
        overrides=replaced,
        coverage=coverage,
        reaching=reaching,
        cancel=cancel,
        preferred=_Preferred(sets, previous),
        hashes=hashes or {},
    )
    forks = forking.run(_spaces(sets, whole, shape.conflicts))
    return replace(shape, packages=merge(forks, reaching, sets, whole=whole))


def _text(given: Lockable) -> str:
    if isinstance(given, RequirementEntry):
        wanted = given.requirement
        if not isinstance(wanted, str):
            raise RequirementError(
                "a lock for many machines cannot hold a path without a name", file=given.file, line=given.line
            )
        return wanted
    if not isinstance(given, (str, Requirement)):
        raise RequirementError(
            f"a lock for many machines cannot hold a {type(given).__name__}, only names and URLs",
            context={"type": type(given).__name__},
        )
    return str(parse_requirement(str(given)))


def _without_credentials(text: str) -> str:
    url = parse_requirement(text).url if "@" in text else None
    return text.replace(url, strip_credentials(url)) if url else text


def _choices(
    extras: Mapping[str, Iterable[Lockable]] | None, groups: Mapping[str, Iterable[Lockable]] | None
) -> Iterable[str]:
    for variable, table in (("extras", extras or {}), ("dependency_groups", groups or {})):
        for name, requirements in table.items():
            condition = f'"{normalize(name)}" in {variable}'
            for given in several(f"{variable}[{name!r}]", requirements):
                text = _text(given)
                own = parse_requirement(text).marker
                head = text.rpartition(";")[0].strip() if own is not None else text
                yield f"{head} ; {condition}" if own is None else f"{head} ; ({own}) and {condition}"


def _whole(sets: MarkerSets, requires_python: str, environments: Sequence[str]) -> Node:
    node = set_of_python(sets, requires_python)
    three = sets.both(node, set_of_python(sets, "<4"))
    if not sets.is_empty(three):
        node = three  # an open range means the Pythons that there are; many projects say <4
    if environments:
        node = sets.both(node, sets.any_of(set_of(sets, marker) for marker in environments))
    if sets.is_empty(node):
        raise LockError("no environment fits both requires_python and environments")
    return node


def _required(sets: MarkerSets, markers: Sequence[str], whole: Node) -> list[str]:
    texts = [str(parse_marker(marker)) for marker in markers]
    for text in texts:
        if sets.is_empty(sets.both(whole, set_of(sets, text))):
            raise LockError(f"the required environment {text} is outside of what the lock is for")
    return texts


def _conflict(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        raise RequirementError(
            f"conflicts: a conflict is a list of choices that exclude each other, and {given!r} is one choice",
            hint='give a list of lists: conflicts=[["extra:cpu", "extra:gpu"]]',
            context={"option": "conflicts", "choice": given},
        )
    return several("conflicts", given, str)


def _choice(text: str, extras: Sequence[str], groups: Sequence[str]) -> str:
    kind, _, name = text.partition(":")
    known = {"extra": extras, "group": groups}.get(kind, ())
    if normalize(name) not in known:
        raise LockError(
            f"a conflict is between extras and groups of the lock, as extra:cpu or group:old: {text!r} is none"
        )
    return f"{kind}:{normalize(name)}"


def _spaces(sets: MarkerSets, whole: Node, conflicts: Sequence[Sequence[str]]) -> list[Node]:
    """Divide by what must not be used together: each part has one choice of each conflict, or none."""
    spaces = [whole]
    for conflict in conflicts:
        members = [_asked(sets, text) for text in dict.fromkeys(conflict)]
        parts: list[Node] = []
        for chosen in (None, *range(len(members))):
            part = ALL
            for at, member in enumerate(members):
                part = sets.both(part, member if at == chosen else sets.outside(member))
            parts.append(part)
        spaces = [both for space in spaces for part in parts if not sets.is_empty(both := sets.both(space, part))]
        if len(spaces) > MAX_FORKS:
            raise LockError(f"the conflicts leave more than {MAX_FORKS} ways to choose")
    return spaces


def _asked(sets: MarkerSets, text: str) -> Node:
    kind, _, name = text.partition(":")
    return sets.atom(("extras" if kind == "extra" else "dependency_groups", "has", name))


class _Preferred:
    """The versions of an earlier lock, for a part of the range: the newest, where several are for it."""

    def __init__(self, sets: MarkerSets, previous: Lock | None) -> None:
        self._sets = sets
        self._packages = [one for one in previous.packages if one.version and not one.origin] if previous else []

    def __call__(self, space: Node) -> dict[str, str]:
        sets = self._sets
        found: dict[str, Version] = {}
        for package in self._packages:
            version = package.version
            if version is None or (package.name in found and found[package.name] > version):
                continue
            if package.marker and sets.is_empty(sets.both(space, set_of(sets, package.marker))):
                continue
            found[package.name] = version
        return {name: str(version) for name, version in found.items()}


def _is_served(sets: MarkerSets, previous: Lock, coverage: Coverage) -> bool:
    return not coverage.required or all(
        coverage.lacks(coverage.of(one.name, [file.filename for file in one.artifacts]), set_of(sets, one.marker))
        is None
        for one in previous.packages
        if one.origin is None
    )


def _still_fits(previous: Lock, shape: Lock) -> bool:
    """Whether a lock answers the same question: the same roots, or roots that its versions satisfy as well."""
    same = ("requires_python", "environments", "extras", "groups", "default_groups",
            "constraints", "overrides", "conflicts")  # fmt: skip
    if not previous.packages or any(getattr(previous, name) != getattr(shape, name) for name in same):
        return False
    if previous.roots == shape.roots:
        return _is_whole(previous)
    before, after = map(_by_shape, (previous.roots, shape.roots))
    if before.keys() != after.keys():
        return False
    versions: dict[str, list[LockedPackage]] = {}
    for package in previous.packages:
        versions.setdefault(package.name, []).append(package)
    for requirements in after.values():
        for requirement in requirements:
            for package in versions.get(normalize(requirement.name), ()):
                if package.version is None or not requirement.specifier.contains(package.version, prereleases=True):
                    return False
    return _is_whole(previous)


def _is_whole(previous: Lock) -> bool:
    names = {package.name for package in previous.packages}
    wanted = {normalize(parse_requirement(text).name) for text in previous.roots if ";" not in text}
    return wanted <= names


def _by_shape(roots: Sequence[str]) -> dict[tuple[object, ...], list[Requirement]]:
    """Group requirements by all but their versions."""
    found: dict[tuple[object, ...], list[Requirement]] = {}
    for text in roots:
        requirement = parse_requirement(text)
        key = (normalize(requirement.name), tuple(sorted(requirement.extras)), requirement.url, str(requirement.marker))
        found.setdefault(key, []).append(requirement)
    return found
