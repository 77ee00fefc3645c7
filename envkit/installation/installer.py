"""The installer: plans are made, looked at, and applied as one transaction each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from envkit.errors import EnvkitError, ExternallyManaged, FileConflict, InstallError, StalePlan
from envkit.events import CancelToken, Emitter, OperationFinished, OperationStarted, Reporter
from envkit.installation import state
from envkit.installation.layout import choose_layout
from envkit.installation.planner import Mode, UpgradeStrategy, make_plan
from envkit.installation.ports import EnvironmentLike, WheelSupply, lease_of
from envkit.installed.database import scan
from envkit.model.arguments import several
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.plan import InstallPlan, InstallReport, Present, Problem
from envkit.model.resolution import Resolution
from envkit.transaction import read_unmixed, recover

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from envkit.host.links import LinkMode
    from envkit.installation.contents import Item

T = TypeVar("T")
Atomic = Literal["entries", "swap"]
WithoutRecord = Literal["refuse", "forget"]


class Installer:
    """Installs into one destination: an environment, or one of *target*, *prefix*, *root*, *user_base* with its Python.

    *link_mode* is how files come in ("auto" clones, hardlinks or copies, whatever the file system can do best),
    *compile_bytecode* whether bytecode comes along; how the pool is checked before use is up to *supply*. With *atomic*
    "swap" site-packages changes in one step for every reader. *break_system_packages* installs into an environment that
    another package manager owns (PEP 668). *durable* waits for the disk, so that a power loss cannot cut short what was
    just written. *without_record* "forget" lets a distribution go whose files nobody knows: its metadata is removed, its
    files stay and are nobody's. *lock_timeout* is in seconds. *processes* says whether a process of its own may help with
    thousands of files.
    """

    def __init__(
        self,
        environment: EnvironmentLike,
        supply: WheelSupply | None = None,
        link_mode: LinkMode = "auto",
        *,
        compile_bytecode: bool = False,
        atomic: Atomic = "entries",
        durable: bool = False,
        break_system_packages: bool = False,
        without_record: WithoutRecord = "refuse",
        target: str | Path | None = None,
        prefix: str | Path | None = None,
        root: str | Path | None = None,
        user_base: str | Path | None = None,
        lock_timeout: float = 60.0,
        processes: bool = True,
        reporter: Reporter | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.environment = environment
        self._supply = supply
        self._link_mode: LinkMode = link_mode
        self._compile = compile_bytecode
        self._atomic: Atomic = atomic
        self._durable = durable
        self._override = break_system_packages
        if without_record not in ("refuse", "forget"):
            raise InstallError(f"without_record is 'refuse' or 'forget', not {without_record!r}")
        self._forget = without_record == "forget"
        self._timeout = lock_timeout
        self._processes = processes
        self._reporter = reporter
        self._cancel = cancel
        self.layout = choose_layout(environment, target, prefix, root, user_base)

    def installed(self) -> tuple[InstalledDistribution, ...]:
        """Give what is installed at the destination, after recovering it; also what is shadowed."""
        return self._read(lambda: scan(self.layout.libraries, shadowed=True))

    def plan(
        self,
        resolution: Resolution,
        mode: Mode = "install",
        *,
        reinstall: Collection[str] | bool = (),
        upgrade_strategy: UpgradeStrategy = "exact",
        protect: Collection[str] = (),
    ) -> InstallPlan:
        """Give what has to be done so that the pins of *resolution* are installed; see `make_plan`."""
        self._check_managed()
        stamp, installed = self._look()
        return make_plan(
            resolution,
            installed,
            mode=mode,
            root=self.layout.root,
            fingerprint=stamp,
            reinstall=reinstall,
            upgrade_strategy=upgrade_strategy,
            protect=protect,
        )

    def apply(self, plan: InstallPlan) -> InstallReport:
        """Do what *plan* says, wholly or not at all.

        Raises `StalePlan` if the environment changed since the plan was made, `FileConflict`, `InvalidWheel`,
        `EnvironmentBusy`, `Cancelled`, and `InstallError` for what the system refuses.
        """
        self._check_managed()
        if not isinstance(plan, InstallPlan):
            raise InstallError(
                f"an InstallPlan is needed here, not {type(plan).__name__}",
                hint="plan(resolution) gives one",
                context={"type": type(plan).__name__},
            )
        if plan.root != self.layout.root:
            raise StalePlan(f"the plan is for {plan.root}, not for {self.layout.root}")
        return self._apply(plan)

    def _apply(self, plan: InstallPlan, compiled: Collection[str] = ()) -> InstallReport:
        if plan.is_empty:
            recover(self.layout.root, timeout=self._timeout)
            self._check_fresh(plan)
            return InstallReport(root=plan.root, kept=plan.keep)
        with self._operation("install") as emitter, lease_of(self._supply, self._pause):
            began = time.perf_counter()
            items = self._fetch(plan, compiled, emitter, look=False)
            fetched = time.perf_counter()
            return self._change(plan, items, emitter, {"wheels": fetched - began}, compiled)

    def uninstall(self, names: Iterable[str], *, missing_ok: bool = False) -> InstallReport:
        """Remove distributions by name. Raises `InstallError` for one that is not installed, or has no record."""
        self._check_managed()
        stamp, installed = self._look()
        wanted = dict.fromkeys(normalize(name) for name in several("names", names, str))
        gone: list[Present] = []
        for distribution in installed:
            name = normalize(distribution.name)
            if name in wanted:
                path = os.fspath(distribution.path)
                gone.append(Present(name=name, version=distribution.version, path=path))
        found = {each.name for each in gone}
        missing = tuple(name for name in wanted if name not in found)
        if missing and not missing_ok:
            from envkit.installation.messages import not_installed

            raise not_installed(missing, installed, self.layout.root)
        plan = InstallPlan(mode="install", root=self.layout.root, fingerprint=stamp, remove=tuple(gone))
        if plan.is_empty:
            return InstallReport(root=plan.root)
        with self._operation("uninstall") as emitter:
            return self._change(plan, [], emitter, {})

    def undo(self) -> str:
        """Bring the environment back to before its last operation; give what kind that was.

        Raises `InstallError` where there was none, or where something else changed the environment since: what was
        edited or added meanwhile in a folder of the operation would be lost.
        """
        from envkit.installation.undoing import check_unchanged
        from envkit.transaction.transaction import undo

        self._check_managed()
        with self._operation("undo"):
            return undo(
                self.layout.root,
                timeout=self._timeout,
                pause=self._pause,
                check=lambda finished: check_unchanged(finished, self.layout),
            )

    def verify(self) -> tuple[Problem, ...]:
        """Compare the destination with its records; nothing is changed. An empty answer means that all is well."""
        from envkit.installation.verifying import find_problems

        layout = self.layout
        return self._read(lambda: find_problems(scan(layout.libraries, shadowed=True), layout))

    def repair(self, names: Iterable[str] | None = None) -> InstallReport:
        """Install again, from the very same archives, what `verify` finds missing or changed (of *names*, else of all).

        Edited files are set aside, never lost. ``warnings`` of the report name what cannot be repaired, because it is
        not known where it came from.
        """
        from envkit.dataclass import replace
        from envkit.installation.repairing import plan_repair, with_bytecode

        self._check_managed()
        installed = self.installed()
        wanted = None if names is None else frozenset(normalize(name) for name in several("names", names, str))
        stamp = state.fingerprint(self.layout.libraries)
        plan, warnings = plan_repair(installed, self.layout, stamp, wanted)
        if plan.is_empty:
            return InstallReport(root=plan.root, kept=plan.keep, warnings=warnings)
        return replace(self._apply(plan, with_bytecode(plan)), warnings=warnings)

    def _read(self, read: Callable[[], T]) -> T:
        return read_unmixed(self.layout.root, read, timeout=self._timeout)

    def _look(self) -> tuple[str, tuple[InstalledDistribution, ...]]:
        """Give the fingerprint and what is installed, in brief."""
        folders = self.layout.libraries
        return self._read(lambda: (state.fingerprint(folders), scan(folders, shadowed=True, brief=True)))

    def _fetch(self, plan: InstallPlan, compiled: Collection[str], emitter: Emitter, *, look: bool) -> list[Item]:
        from envkit.installation.fetching import fetch

        if self._supply is None and (plan.add or plan.replace):
            raise InstallError("there is no supply of wheels to install from")
        assert self._supply is not None or not (plan.add or plan.replace)
        names = [addition.pin.name for addition in (*plan.add, *plan.replace)] if self._compile else compiled
        interpreter = self.environment.interpreter
        return fetch(plan, self._supply, interpreter, compiled=names, look=look, check=emitter.check)

    def _change(
        self,
        plan: InstallPlan,
        items: list[Item],
        emitter: Emitter,
        seconds: dict[str, float],
        compiled: Collection[str] = (),
    ) -> InstallReport:
        from envkit.installation.applying import Change, apply_change
        from envkit.installation.fetching import PoolChanged

        change = Change(
            layout=self.layout,
            plan=plan,
            link_mode=self._link_mode,
            atomic=self._atomic,
            timeout=self._timeout,
            durable=self._durable,
            forget=self._forget,
            processes=self._processes,
        )
        for attempt in range(3):
            try:
                return apply_change(change, items, emitter, seconds, lambda: self._check_fresh(plan), self._pause)
            except PoolChanged:
                # It is damaged, or another process found it so, or removed it without waiting, and so we make it anew.
                if attempt == 2:
                    raise
            except FileConflict:
                # What nobody has looked at may be damaged: then wheels seem to disagree that do not.
                if all(item.looked for item in items):
                    raise
            items = self._fetch(plan, compiled, emitter, look=True)
        raise AssertionError("unreachable")

    def _check_fresh(self, plan: InstallPlan) -> None:
        if state.fingerprint(self.layout.libraries) != plan.fingerprint:
            raise StalePlan(
                f"{self.layout.root} has changed since the plan was made",
                hint="make the plan again",
                context={"root": self.layout.root},
            )

    def _check_managed(self) -> None:
        message = self.environment.externally_managed if self.layout.guarded and not self._override else None
        if message is not None:
            raise ExternallyManaged(
                f"{self.environment.root} is managed by something else",
                hint=message or "create an environment of its own",
                context={"root": os.fspath(self.environment.root)},
            )

    def _pause(self, seconds: float) -> None:
        if self._cancel is None:
            time.sleep(seconds)
        elif self._cancel.wait(seconds):
            self._cancel.check()

    @contextmanager
    def _operation(self, kind: str) -> Generator[Emitter]:
        emitter = Emitter(self._reporter, cancel=self._cancel, kind=kind)
        began = time.perf_counter()
        emitter(OperationStarted(operation=emitter.operation, kind=kind, subject=self.layout.root))
        good = False
        try:
            emitter.check()
            yield emitter
            good = True
        except OSError as error:
            if isinstance(error, EnvkitError):
                raise
            from envkit.installation.messages import explain

            raise explain(error, self.layout.root) from error
        finally:
            emitter(
                OperationFinished(operation=emitter.operation, kind=kind, seconds=time.perf_counter() - began, ok=good)
            )
