"""`Kit`: the layers, wired once and used for any number of operations and environments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Self

from envkit.environment.environment import Environment
from envkit.events import CancelToken, Reporter
from envkit.interpreter.interpreter import Interpreter
from envkit.kit import operations
from envkit.kit.parts import Parts
from envkit.kit.places import Place, as_environment, as_target, interpreter_of
from envkit.kit.settings import Settings
from envkit.kit.wanted import Wish, gather
from envkit.model.arguments import several
from envkit.model.policy import ResolutionPolicy
from envkit.model.resolution import Resolution
from envkit.model.source import PYPI

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import datetime
    from pathlib import Path

    from envkit.formats.lock import Lock
    from envkit.host.links import LinkMode
    from envkit.inspection.audit import Finding, VulnerabilityProvider
    from envkit.inspection.graph import Dependency, TreeNode
    from envkit.inspection.problems import Problem
    from envkit.inspection.report import Shown
    from envkit.kit.outdated import Outdated
    from envkit.model.distribution import InstalledDistribution
    from envkit.model.plan import InstallPlan, InstallReport
    from envkit.model.plan import Problem as FileProblem
    from envkit.wheels.settings import BuildSettings


class Kit:
    """Environments, resolution, installation and freezing with one cache, one set of indexes and one policy.

    *indexes* are URLs or `Index` values, asked in order; ``()`` means no index at all. *find_links* are folders or pages
    of links; one thing stands for a list of it. *cache_dir* None means the user's cache folder. *credentials* is called
    with an index's address and gives ``(user name, password)`` or None. *reporter* is called with each event, *cancel*
    stops every operation of this kit. *build* says how projects are built. *executor* runs downloads and unpacking, else
    the kit makes threads as it needs them. A kit reads no configuration files and asks no variables about indexes;
    `Kit.from_environment` does. It is thread-safe, makes nothing before it is needed, and keeps connections open between
    operations until `close` or the end of a ``with`` block.
    """

    def __init__(
        self,
        *,
        indexes: Iterable[Any] = (PYPI,),
        find_links: Iterable[str | os.PathLike[str]] | os.PathLike[str] = (),
        cache_dir: str | os.PathLike[str] | None = None,
        offline: bool = False,
        refresh: bool | Iterable[str] = False,
        policy: ResolutionPolicy | None = None,
        credentials: Any = None,
        keyring: Literal["disabled", "auto", "import", "subprocess"] = "disabled",
        trusted_hosts: Iterable[str] = (),
        ca_file: str | None = None,
        client_cert: str | None = None,
        proxy: str | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        reporter: Reporter | None = None,
        executor: Executor | None = None,
        cancel: CancelToken | None = None,
        solver: Any = None,
        build: BuildSettings | None = None,
        link_mode: LinkMode = "auto",
        verify: Literal["stat", "hash"] = "stat",
        compile_bytecode: bool = False,
        atomic: Literal["entries", "swap"] = "entries",
        durable: bool = False,
        break_system_packages: bool = False,
        without_record: Literal["refuse", "forget"] = "refuse",
        lock_timeout: float = 60.0,
        transport: Any = None,
    ) -> None:
        given = dict(locals())  # first of all, so that it is the arguments and nothing else
        del given["self"]
        self._parts = Parts(Settings.of(given))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Kit:
        """Make a kit as variables, pip's configuration files and netrc say; *options* win over them.

        Raises `ConfigurationError` naming the file or variable that cannot be read.
        """
        from envkit.kit.configured import options_from

        options, configuration = options_from(environ, options)
        return cls(**options).with_options(configuration=configuration)

    def with_options(self, **changes: Any) -> Kit:
        """Give a kit like this one but for *changes* (names of the constructor's arguments); caches are shared."""
        kit = copy(self)
        kit._parts = Parts(self._parts.settings.changed(changes))  # noqa: SLF001  a twin of ours
        return kit

    def close(self) -> None:
        """Close idle connections; the kit may still be used afterwards."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Kit(indexes={self._parts.settings.indexes!r}, cache_dir={self._parts.cache_dir!r})"

    # --- environments

    def create(
        self, path: str | os.PathLike[str], python: str | os.PathLike[str] | Interpreter | None = None, **options: Any
    ) -> Environment:
        """Make an environment at *path* for *python*: a version or range ("3.12", ">=3.10,<3.13"), a path, an
        `Interpreter`, or None for the running one. *options* are `EnvBuilder`'s.

        Raises `InterpreterError` or `VenvError`.
        """
        from envkit.kit.environments import create

        return create(self._parts, path, python, options)

    # --- resolving

    def resolve(
        self,
        requirements: Iterable[Wish] | Wish,
        *,
        target: Place,
        constraints: Iterable[Wish] | Wish = (),
        overrides: Iterable[Any] = (),
        preferences: Iterable[Any] = (),
    ) -> Resolution:
        """Choose a version for everything that *requirements* need on *target*, which is not touched.

        See `envkit.Resolver.resolve` for the arguments and errors. What files of requirements say about indexes and
        formats holds as well.
        """
        wanted = gather(requirements, constraints)
        return operations.resolve(
            self._parts,
            wanted,
            as_target(target),
            interpreter_of(target),
            overrides=overrides,
            preferences=preferences,
        )

    def lock(
        self,
        requirements: Iterable[Wish] | Wish,
        *,
        requires_python: str = ">=3.9",
        constraints: Iterable[Wish] | Wish = (),
        **options: Any,
    ) -> Lock:
        """Choose versions for every platform and every Python in *requires_python* at once; see `Resolver.lock`."""
        return operations.lock(self._parts, gather(requirements, constraints), requires_python, options)

    def download(
        self,
        requirements: Iterable[Wish] | Wish,
        dest: str | os.PathLike[str],
        *,
        target: Place | None = None,
        constraints: Iterable[Wish] | Wish = (),
    ) -> tuple[Path, ...]:
        """Resolve for *target* (None: the running Python) and save the files into the folder *dest*, as they are."""
        return operations.save(self._parts, gather(requirements, constraints), dest, target, wheels=False)

    def wheel(
        self,
        requirements: Iterable[Wish] | Wish,
        dest: str | os.PathLike[str],
        *,
        target: Place | None = None,
        constraints: Iterable[Wish] | Wish = (),
    ) -> tuple[Path, ...]:
        """Like `download`, but what is no wheel is built, so that *dest* can be installed from alone."""
        return operations.save(self._parts, gather(requirements, constraints), dest, target, wheels=True)

    # --- changing environments

    def plan(
        self, env: Environment, resolution: Any, mode: Literal["install", "sync"] = "install", **options: Any
    ) -> InstallPlan:
        """Say what would bring *resolution* into *env*, without changing anything. A value: see `InstallPlan`."""
        operations.check_target(env, resolution)
        return self._parts.installer(env).plan(resolution, mode=mode, **options)

    def report(self, env: Environment, plan: InstallPlan) -> dict[str, Any]:
        """Give what *plan* would install in the JSON schema of ``pip install --report``; nothing is changed."""
        from envkit.kit.reporting import report_plan

        return report_plan(self._parts, env.interpreter, plan)

    def apply(self, env: Environment, plan: InstallPlan, *, compile_bytecode: bool | None = None) -> InstallReport:
        """Carry out *plan* as one transaction. Raises `StalePlan` if *env* changed since, and the supply's errors."""
        return self._parts.installer(env, compile_bytecode=compile_bytecode).apply(plan)

    def install(
        self,
        env: Environment,
        requirements: Iterable[Wish] | Wish,
        *,
        upgrade: bool | Iterable[str] = False,
        upgrade_strategy: Literal["only-if-needed", "eager"] = "only-if-needed",
        reinstall: bool | Iterable[str] = False,
        constraints: Iterable[Wish] | Wish = (),
        overrides: Iterable[Any] = (),
        compile_bytecode: bool | None = None,
        **options: Any,
    ) -> InstallReport:
        """Resolve and install in one step.

        What is installed is kept where it fits. *upgrade* lets the named requirements (true: all of *requirements*) move
        to the newest version that fits, with ``"eager"`` also what they depend on. *reinstall* puts the same versions in
        again. *options* are those of `Installer.plan`.
        """
        return operations.install(
            self._parts,
            env,
            gather(requirements, constraints),
            upgrade=upgrade,
            eager=upgrade_strategy == "eager",
            reinstall=reinstall,
            overrides=overrides,
            compile_bytecode=compile_bytecode,
            options=options,
        )

    def uninstall(self, env: Environment, names: Iterable[str] | str, **options: Any) -> InstallReport:
        """Remove distributions by name as one transaction. Raises `InstallError` for one that is not there."""
        wanted = several("names", names, str)
        return operations.again_when_stale(self._parts, lambda: self._parts.installer(env).uninstall(wanted, **options))

    def sync(self, env: Environment, resolution: Any, **options: Any) -> InstallReport:
        """Bring *env* to exactly *resolution* (a `Resolution`, a `Lock`, or the path or text of a lock file)."""
        return operations.sync(self._parts, env, resolution, options)

    def undo(self, env: Environment) -> str:
        """Return *env* to the state before the last operation, and give what kind that was."""
        return self._parts.installer(env).undo()

    def verify(self, env: Environment) -> tuple[FileProblem, ...]:
        """Compare every installed file with its record: what is missing, changed, orphaned or shadowed."""
        return self._parts.installer(env).verify()

    def repair(self, env: Environment, names: Iterable[str] | str | None = None) -> InstallReport:
        """Mend what `verify` finds, byte for byte, from the pool or the indexes."""
        return self._parts.installer(env).repair(None if names is None else several("names", names, str))

    # --- looking

    def freeze(self, env: Environment, **options: Any) -> tuple[str, ...]:
        """Give what is installed as requirement lines, as ``pip freeze`` prints them."""
        return self._parts.freezer(env).freeze(**options)

    def pylock(self, env: Environment) -> Lock:
        """Give a lock of exactly what is installed; what nobody wrote down is looked up. See `Freezer.pylock`."""
        return operations.pylock(self._parts, env)

    def list(self, env: Environment) -> tuple[InstalledDistribution, ...]:
        """Give the installed distributions, sorted by name."""
        return as_environment(env).distributions()

    def show(self, env: Environment, name: str, **options: Any) -> Shown | None:
        """Give everything known of one installed distribution, with its files; None where it is not installed."""
        return self._parts.freezer(env).show(name, **options)

    def tree(self, env: Environment, **options: Any) -> tuple[TreeNode, ...]:
        """Give what is installed as a forest of dependencies; see `Freezer.tree`."""
        return self._parts.freezer(env).tree(**options)

    def why(self, env: Environment, name: str) -> tuple[tuple[Dependency, ...], ...]:
        """Give the chains of dependencies that lead to *name*, from what was asked for; see `Freezer.why`."""
        return self._parts.freezer(env).why(name)

    def orphans(self, env: Environment, keep: Iterable[str] | str = ()) -> tuple[str, ...]:
        """Give what nobody asked for and nothing needs any more; see `Freezer.orphans`."""
        return self._parts.freezer(env).orphans(several("keep", keep, str))

    def outdated(self, env: Environment, **options: Any) -> tuple[Outdated, ...]:
        """Give the distributions for which the indexes have a newer version that fits *env*, sorted by name.

        *options* are those of `Freezer.list`.
        """
        from envkit.kit.outdated import find_outdated

        return find_outdated(self._parts, as_environment(env), **options)

    def audit(
        self,
        what: Any,
        *,
        index: bool = True,
        osv: str | None = None,
        providers: Iterable[VulnerabilityProvider] = (),
        fixes: bool = True,
    ) -> tuple[Finding, ...]:
        """Give the known vulnerabilities of an environment, a `Lock` or a `Resolution`, by name and version.

        Asked are the JSON APIs of the kit's indexes (unless *index* is false), the OSV server at the address *osv*, and
        *providers*. With *fixes* each finding names the nearest version without it that still resolves with the rest.
        Raises `IndexAccessError` where anybody cannot be asked: half an answer would look like a good one.
        """
        from envkit.kit.audit import find_vulnerabilities

        return find_vulnerabilities(self._parts, what, index=index, osv=osv, providers=providers, fixes=fixes)

    def sbom(self, what: Any, *, subject: str | None = None, timestamp: datetime | None = None) -> str:
        """Give a bill of materials (CycloneDX, JSON) of an environment, a `Lock` or a `Resolution`.

        *subject* names the whole, *timestamp* is when it was looked at (now). Raises `MissingExtra` where the extra
        ``sbom`` is not installed.
        """
        from envkit.kit.materials import write_bill

        return write_bill(self._parts, what, subject=subject, timestamp=timestamp)

    def check(self, env: Environment) -> tuple[Problem, ...]:
        """Give what is wrong with what is installed; empty when nothing is."""
        return self._parts.freezer(env).check()
