"""`Kit`: the layers, wired once and used for any number of operations and environments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from envkit.environment.environment import Environment
from envkit.events import CancelToken, Reporter
from envkit.interpreter.interpreter import Interpreter
from envkit.kit import operations
from envkit.kit.elsewhere import Elsewhere
from envkit.kit.looking import Looking
from envkit.kit.parts import Parts
from envkit.kit.places import Place, as_target, interpreter_of
from envkit.kit.settings import Settings
from envkit.kit.wanted import Wish, gather
from envkit.model.arguments import check_choice, several
from envkit.model.policy import ResolutionPolicy
from envkit.model.resolution import Resolution
from envkit.model.source import PYPI

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from envkit.formats.lock import Lock
    from envkit.host.links import LinkMode
    from envkit.model.plan import InstallPlan, InstallReport
    from envkit.wheels.settings import BuildSettings


class Kit(Looking, Elsewhere):
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
        unusable_cache: Literal["temporary", "refuse"] = "temporary",
        offline: bool = False,
        refresh: bool | Iterable[str] = False,
        policy: ResolutionPolicy | None = None,
        credentials: Any = None,
        keyring: Literal["disabled", "auto", "import", "subprocess"] = "disabled",
        trusted_hosts: Iterable[str] = (),
        ca_file: str | None = None,
        client_cert: str | tuple[str, str] | None = None,
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
        processes: bool = True,
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
        from copy import copy

        kit = copy(self)
        kit._parts = self._parts.twin(self._parts.settings.changed(changes))  # noqa: SLF001  a twin of ours
        return kit

    def close(self) -> None:
        """Close connections; the kit may still be used afterwards. What other threads are fetching ends with `Cancelled`."""
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
        from envkit.kit.env_builder import create

        return create(path, python, parts=self._parts, **options)

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
        environments: Sequence[str] | str = (),
        required_environments: Sequence[str] | str = (),
        extras: Mapping[str, Any] | None = None,
        groups: Mapping[str, Any] | None = None,
        default_groups: Sequence[str] | str = (),
        conflicts: Sequence[Sequence[str]] = (),
        constraints: Iterable[Wish] | Wish = (),
        overrides: Iterable[Any] = (),
        previous: Lock | None = None,
    ) -> Lock:
        """Choose versions for every platform and every Python in *requires_python* at once; see `Resolver.lock`.

        Paths, URLs without a name and `Editable` folders are looked at to learn their names.
        """
        from envkit.kit.locking import lock

        return lock(
            self._parts,
            gather(requirements, constraints),
            requires_python=requires_python,
            environments=environments,
            required_environments=required_environments,
            extras=extras,
            groups=groups,
            default_groups=default_groups,
            conflicts=conflicts,
            overrides=overrides,
            previous=previous,
        )

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

    # --- changing environments; `Looking` has what only looks at them

    def plan(
        self,
        env: Environment,
        resolution: Resolution,
        mode: Literal["install", "sync"] = "install",
        *,
        reinstall: bool | Iterable[str] = False,
        upgrade_strategy: Literal["exact", "only-if-needed"] = "exact",
        protect: Iterable[str] | str = (),
    ) -> InstallPlan:
        """Say what would bring *resolution* into *env*, without changing anything; see `Installer.plan`."""
        operations.check_target(env, resolution)
        return self._parts.installer(env).plan(
            resolution,
            mode=mode,
            reinstall=operations.names_or_all("reinstall", reinstall),
            upgrade_strategy=upgrade_strategy,
            protect=several("protect", protect, str),
        )

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
    ) -> InstallReport:
        """Resolve and install in one step.

        What is installed is kept where it fits. *upgrade* lets the named requirements (true: all of *requirements*) move
        to the newest version that fits, with ``"eager"`` also what they depend on. *reinstall* puts the same versions in
        again.
        """
        check_choice("upgrade_strategy", upgrade_strategy, ("only-if-needed", "eager"))
        return operations.install(
            self._parts,
            env,
            gather(requirements, constraints),
            upgrade=operations.names_or_all("upgrade", upgrade),
            eager=upgrade_strategy == "eager",
            reinstall=operations.names_or_all("reinstall", reinstall),
            overrides=several("overrides", overrides),
            compile_bytecode=compile_bytecode,
        )

    def uninstall(self, env: Environment, names: Iterable[str] | str, *, missing_ok: bool = False) -> InstallReport:
        """Remove distributions by name as one transaction. Raises `InstallError` for one that is not there, unless
        *missing_ok*.
        """
        wanted = several("names", names, str)
        return operations.again_when_stale(
            self._parts, lambda: self._parts.installer(env).uninstall(wanted, missing_ok=missing_ok)
        )

    def sync(
        self,
        env: Environment,
        resolution: Any,
        *,
        reinstall: bool | Iterable[str] = False,
        protect: Iterable[str] | str = (),
    ) -> InstallReport:
        """Bring *env* to exactly *resolution* (a `Resolution`, a `Lock`, or the path or text of a lock file).

        *reinstall* puts the same versions in again, what is named in *protect* is not removed.
        """
        reinstall = operations.names_or_all("reinstall", reinstall)
        return operations.sync(self._parts, env, resolution, reinstall, several("protect", protect, str))

    def undo(self, env: Environment) -> str:
        """Return *env* to the state before the last operation, and give what kind that was."""
        return self._parts.installer(env).undo()

    def repair(self, env: Environment, names: Iterable[str] | str | None = None) -> InstallReport:
        """Mend what `verify` finds, byte for byte, from the pool or the indexes."""
        return self._parts.installer(env).repair(None if names is None else several("names", names, str))
