"""Whole operations: resolve with what files of requirements say, install keeping what fits, sync."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from envkit.dataclass import replace
from envkit.environment.environment import Environment
from envkit.errors import InstallError, RequirementError, StalePlan
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.parts import Parts
from envkit.kit.places import Place, as_environment, as_target, interpreter_of
from envkit.kit.wanted import Wanted
from envkit.model.arguments import several
from envkit.model.identity import normalize, parse_specifier
from envkit.model.requirement import requirement_name
from envkit.model.resolution import Pin, Resolution
from envkit.model.source import PYPI, Index
from envkit.model.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.formats.file_options import FileOptions
    from envkit.kit.source import IndexSource
    from envkit.model.distribution import InstalledDistribution
    from envkit.model.plan import InstallReport
    from envkit.model.policy import ResolutionPolicy
    from envkit.wheels.settings import BuildSettings


def resolve(
    parts: Parts,
    wanted: Wanted,
    target: Target,
    interpreter: Interpreter,
    *,
    overrides: Iterable[Any] = (),
    preferences: Iterable[Any] = (),
) -> Resolution:
    """Resolve *wanted* for *target*; *interpreter* builds what only a build can tell."""
    parts = with_file_options(parts, wanted)
    for check in wanted.checks:
        check(target.markers)
    return parts.resolver(target, interpreter, hashed_source(parts, interpreter, wanted)).resolve(
        wanted.requirements,
        constraints=wanted.constraints,
        overrides=overrides,
        preferences=preferences,
        hashes=wanted.hashes,
    )


def hashed_source(parts: Parts, interpreter: Interpreter, wanted: Wanted) -> IndexSource | None:
    """Give a source that minds the hashes of *wanted*, None where there are none."""
    return parts.hashed_source(interpreter, wanted) if wanted.hashes or wanted.direct_hashes else None


def install(
    parts: Parts,
    env: Environment,
    wanted: Wanted,
    *,
    upgrade: bool | tuple[str, ...],
    eager: bool,
    reinstall: bool | tuple[str, ...],
    overrides: tuple[Any, ...],
    compile_bytecode: bool | None,
) -> InstallReport:
    """Resolve *wanted* against what is installed, then plan and apply."""
    target = Target.of(as_environment(env).interpreter)
    parts = with_file_options(parts, wanted)
    wanted = wanted._replace(options=(), settings={})
    renewed = _renewed(wanted, upgrade=upgrade)

    def once() -> InstallReport:
        installed = env.distributions()
        there = resolution = None
        if not (renewed or reinstall or overrides or wanted.checks):
            there = resolution = _already_there(wanted, installed, target)
        if resolution is None:
            kept = () if renewed and eager else [dist for dist in installed if normalize(dist.name) not in renewed]
            resolution = resolve(parts, wanted, target, env.interpreter, overrides=overrides, preferences=kept)
        installer = parts.installer(env, compile_bytecode=compile_bytecode)
        plan = installer.plan(resolution, mode="install", reinstall=reinstall)
        if there is not None and (plan.add or plan.replace):
            # What is installed has no files to install it from: it went while it was looked at.
            raise StalePlan(f"{plan.root} changed while it was looked at")
        report = installer.apply(plan)
        if plan.replace:
            from envkit.kit.broken import with_broken

            report = with_broken(report, installed, target.markers)
        return report

    return again_when_stale(parts, once)


def again_when_stale(parts: Parts, once: Callable[[], InstallReport]) -> InstallReport:
    """Do *once*, and do it again while others change the environment between its plan and its application.

    A plan that somebody made and keeps has to fail then; one that nobody has seen is simply made again, for as long as
    the lock would be waited for. Raises `StalePlan` after that.
    """
    until = time.monotonic() + parts.settings.lock_timeout
    while True:
        try:
            return once()
        except StalePlan:
            if time.monotonic() > until:
                raise


def check_target(env: Environment, resolution: Any) -> None:
    """Refuse a resolution whose files or versions are not for *env*. Raises `InstallError` naming the first one."""
    if not isinstance(resolution, Resolution):
        raise RequirementError(
            f"a Resolution is needed here, not {type(resolution).__name__}",
            hint="Kit.resolve(requirements, target=env) gives one, and so does Lock.select(target)",
            context={"type": type(resolution).__name__},
        )
    target = Target.of(as_environment(env).interpreter)
    if resolution.target.fingerprint == target.fingerprint:
        return
    for pin in resolution.pins.values():
        problem = _misfit(pin, target)
        if problem:
            raise InstallError(
                f"the resolution is for Python {resolution.target.python}, and {pin.name} {pin.version} {problem}",
                hint="resolve again with this environment as the target",
                context={"name": pin.name, "version": str(pin.version), "root": str(env.root)},
            )


def _misfit(pin: Pin, target: Target) -> str | None:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    if pin.requires_python and not parse_specifier(pin.requires_python).contains(target.python, prereleases=True):
        return f"needs Python {pin.requires_python}, not {target.python}"
    if pin.artifacts and pin.artifacts[0].is_wheel:
        try:
            tags = parse_wheel_filename(pin.artifacts[0].filename)[3]
        except InvalidWheelFilename:
            return None  # the installer says more about such a file
        if not any(str(tag) in target.ranks for tag in tags):
            return f"comes as {pin.artifacts[0].filename}, which does not fit Python {target.python} on this platform"
    return None


def names_or_all(name: str, given: bool | Iterable[str]) -> bool | tuple[str, ...]:  # noqa: FBT001  the user's
    """Give what says for which projects something holds: names, or true for all. Raises `RequirementError`."""
    return given if isinstance(given, bool) else several(name, given, str)


def _renewed(wanted: Wanted, *, upgrade: bool | tuple[str, ...]) -> frozenset[str]:
    return wanted.names if upgrade is True else frozenset(map(normalize, upgrade or ()))


def _already_there(wanted: Wanted, installed: Iterable[InstalledDistribution], target: Target) -> Resolution | None:
    texts = wanted.simple
    if texts is None:
        return None
    installed = tuple(installed)
    names = {normalize(dist.name) for dist in installed}
    if not all(";" in text or requirement_name(text) in names for text in texts):
        return None  # said without a parser, as mostly for a new environment
    from envkit.kit.satisfied import satisfied_by

    return satisfied_by(texts, installed, target, [str(limit) for limit in wanted.constraints])


def sync(
    parts: Parts,
    env: Environment,
    wanted: Any,
    reinstall: bool | tuple[str, ...],  # noqa: FBT001  the user's
    protect: tuple[str, ...],
) -> InstallReport:
    """Bring *env* to exactly *wanted*."""
    from pathlib import Path

    if isinstance(wanted, (str, Path)):
        from envkit.formats.lock import Lock

        # the text of a lock has many lines, its path has one
        wanted = Lock.parse(wanted) if isinstance(wanted, str) and "\n" in wanted else Lock.read(wanted)
    if not isinstance(wanted, Resolution):
        select = getattr(wanted, "select", None)
        if select is None:
            raise RequirementError(
                f"{type(wanted).__name__} is neither a resolution nor a lock",
                hint="Kit.resolve(requirements, target=env) gives a resolution, Lock.read(path) a lock",
                context={"type": type(wanted).__name__},
            )
        wanted = select(Target.of(as_environment(env).interpreter))
    from envkit.kit.sourced import with_versions

    check_target(env, wanted)
    resolution: Resolution = with_versions(parts, env.interpreter, wanted)

    def once() -> InstallReport:
        installer = parts.installer(env)
        return installer.apply(installer.plan(resolution, mode="sync", reinstall=reinstall, protect=protect))

    return again_when_stale(parts, once)


def save(
    parts: Parts,
    wanted: Wanted,
    dest: str | os.PathLike[str],
    target: Place | None,
    *,
    wheels: bool,
) -> tuple[Path, ...]:
    """Resolve *wanted* for *target* (None: the running Python) and put its files into *dest*."""
    from envkit.kit.downloads import save_files

    place = Interpreter.current() if target is None else target
    interpreter = interpreter_of(place)
    parts = with_file_options(parts, wanted)
    resolution = resolve(parts, wanted._replace(options=(), settings={}), as_target(place), interpreter)
    return save_files(resolution, dest, client=parts.client, builds=parts.builds(interpreter), wheels=wheels)


def with_file_options(parts: Parts, wanted: Wanted) -> Parts:
    """Give parts that also follow what the files of requirements say about indexes and formats."""
    settings = parts.settings
    policy = settings.policy
    if wanted.hash_mode and not policy.require_hashes:
        policy = replace(policy, require_hashes=True)
    indexes, find_links, trusted = settings.indexes, settings.find_links, settings.trusted_hosts
    for options in wanted.options:
        indexes = _indexes(indexes, options)
        find_links = (*find_links, *options.find_links)
        trusted = (*trusted, *options.trusted_hosts)
        policy = _with_releases(policy, options)
        if options.prefer_binary:
            policy = replace(policy, prefer_binary=True)
        if options.only_binary or options.no_binary:
            policy = replace(
                policy,
                only_binary=(*policy.only_binary, *options.only_binary),
                no_binary=(*policy.no_binary, *options.no_binary),
            )
    changed = settings._replace(policy=policy, indexes=indexes, find_links=find_links, trusted_hosts=trusted)
    if wanted.settings:
        changed = changed._replace(build=_build_settings(settings.build, wanted))
    return parts if changed == settings else parts.twin(changed)


def _with_releases(policy: ResolutionPolicy, options: FileOptions) -> ResolutionPolicy:
    """Apply ``--pre``, ``--all-releases`` and ``--only-final``."""
    if options.pre:
        policy = replace(policy, prereleases="allow")
    if ":all:" in options.only_final:
        policy = replace(policy, prereleases="disallow")
    chosen: dict[str, Any] = {name: "allow" for name in options.all_releases if name != ":all:"}
    chosen |= {name: "disallow" for name in options.only_final if name != ":all:"}
    if not chosen:
        return policy
    return replace(policy, prereleases_by_project={**policy.prereleases_by_project, **chosen})


def _indexes(indexes: tuple[Any, ...], options: FileOptions) -> tuple[Any, ...]:
    if options.no_index:
        return ()
    extra = tuple(Index(url) for url in options.extra_index_urls)
    if options.index_url is not None:
        kept = tuple(item for item in indexes[:-1] if item is not PYPI)
        return (*extra, *kept, Index(options.index_url))
    return (*extra, *indexes)


def _build_settings(given: BuildSettings | None, wanted: Wanted) -> BuildSettings:
    from envkit.wheels.settings import BuildSettings

    given = given if given is not None else BuildSettings()
    return replace(given, config_settings_by_project={**given.config_settings_by_project, **wanted.settings})
