"""Apply one plan as one transaction: look, stage, move, and tell what was done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

from envkit.dataclass import dataclass
from envkit.errors import StalePlan
from envkit.events import DistributionRemoved, Emitter, Recovered, WheelInstalled
from envkit.host import files
from envkit.host.link_worker import FileChanged
from envkit.host.links import Linker, LinkMode
from envkit.installation import state
from envkit.installation.cloning import check_possible, clone_rest
from envkit.installation.contents import Contents, Item, collect, same_content
from envkit.installation.fetching import PoolChanged
from envkit.installation.layout import Layout
from envkit.installation.moving import plan_moves
from envkit.installation.occupied import check_place
from envkit.installation.removal import find_removal
from envkit.installation.staging import Staging
from envkit.installation.walking import Removal
from envkit.installed.database import scan
from envkit.model.distribution import InstalledDistribution
from envkit.model.plan import Change as DistributionChange
from envkit.model.plan import InstallPlan, InstallReport
from envkit.transaction import STATE_DIR
from envkit.transaction.state import is_id
from envkit.transaction.transaction import Transaction

if TYPE_CHECKING:
    from envkit.host.sharing import LinkHelper

_KEPT = "kept"
_WORTH_PROCESS = 2000  # files; a process has to be started
KEPT_OPERATIONS = 32
"""Files that were set aside are kept until this many later operations have set some aside, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One plan with how to apply it."""

    layout: Layout
    plan: InstallPlan
    link_mode: LinkMode
    atomic: str
    timeout: float
    durable: bool = False
    forget: bool = False
    processes: bool = True


def apply_change(
    change: Change,
    items: list[Item],
    emitter: Emitter,
    seconds: dict[str, float],
    check_fresh: Callable[[], object],
    pause: Callable[[float], object],
) -> InstallReport:
    """Apply a plan. Raises `OSError` as the system gives it, and errors of the tree; then everything is as it was."""
    layout, plan = change.layout, change.plan
    clock = time.perf_counter
    contents = collect(items, layout)
    for base in dict.fromkeys((layout.root, *(layout.locate(path)[0] for path in layout.schemes.values()))):
        files.make_dirs(base)
    purpose = "uninstall" if not items else plan.mode
    linker = Linker(change.link_mode)
    with (
        Transaction(layout.root, purpose=purpose, timeout=change.timeout, pause=pause) as transaction,
        _begin_help(change, items, linker, transaction) as helper,
    ):
        if transaction.recovered == "rolled-back":
            emitter(Recovered(operation=emitter.operation, root=layout.root, outcome="rolled-back"))
        check_fresh()
        began = clock()
        attested = state.read_attested(layout)
        removal = _find_removal(change, attested)
        removal.changed |= check_place(contents, layout, removal, lambda: _sort_out(plan, layout)[1])
        looked = clock()
        stager = _Stages(layout, transaction)
        whole = _find_whole(change, transaction)
        staging = Staging(contents, layout, linker, stager)
        try:
            staging.place_files(emitter.check, helper)
        except FileChanged as error:
            raise PoolChanged("a wheel in the pool is not what was unpacked") from error
        except FileNotFoundError as error:
            if any(str(error.filename).startswith(f"{item.wheel.root}") for item in items):
                raise PoolChanged("a wheel left the pool while it was linked") from error
            raise
        aside = _set_aside(removal, contents, stager, transaction)
        for library in whole:
            clone_rest(library, frozenset(removal.units), stager, Linker("hardlink"))
        plan_moves(contents, layout, removal, transaction, whole)
        _stage_rewritten(removal, stager, transaction)
        _stage_attested(removal, attested, staging, stager, transaction)
        staged = clock()
        emitter.check()
        transaction.commit(durable=change.durable, at_once=bool(whole))
        transaction.note(state.fingerprint(layout.libraries).encode())
        if aside:
            _drop_oldest(f"{layout.root}/{STATE_DIR}/{_KEPT}")
        done = clock()
    seconds.update({"look": looked - began, "stage": staged - looked, "move": done - staged})
    _tell(plan, emitter)
    return InstallReport(
        root=layout.root,
        changes=_changes(plan),
        kept=plan.keep,
        left=removal.left,
        set_aside=aside,
        seconds=dict(seconds),
        link_mode=linker.used if items else None,
        warnings=tuple(f"{each} had no record of its files; they stay, and are nobody's" for each in removal.forgotten),
    )


def _begin_help(
    change: Change, items: list[Item], linker: Linker, transaction: Transaction
) -> AbstractContextManager[LinkHelper | None]:
    """Begin a process that links, where that is worth it: early, so that it is ready when it is needed."""
    if not change.processes or sum(item.wheel.file_count for item in items) < _WORTH_PROCESS:
        return nullcontext()
    from envkit.host.sharing import begin_link_helper

    wheel = max((item.wheel for item in items), key=lambda wheel: wheel.file_count)
    linker.settle(f"{wheel.root}/{next(wheel.files())[0]}", f"{transaction.stage()}/.settle")
    helper = begin_link_helper(transaction.lock_descriptor) if linker.used == "hardlink" else None
    return helper or nullcontext()


def _find_whole(change: Change, transaction: Transaction) -> tuple[str, ...]:
    """Give the library folders that change in one step."""
    if change.atomic != "swap":
        return ()
    check_possible(change.layout, transaction.stage())
    return tuple(library for library in change.layout.libraries if os.path.isdir(library))


class _Stages:
    """Gives, for absolute paths, where they are staged."""

    def __init__(self, layout: Layout, transaction: Transaction) -> None:
        self.layout = layout
        self._transaction = transaction

        self._root = f"{layout.root}/"
        self._first = transaction.stage()

    def __call__(self, path: str) -> str:
        if path.startswith(self._root) and not self.layout.mounted:
            return f"{self._first}/{path[len(self._root) :]}"
        base, inner = self.layout.locate(path)
        stage = self._transaction.stage(self._transaction.place(base))
        return f"{stage}/{inner}" if inner else stage


def _find_removal(change: Change, attested: dict[str, tuple[int, int]]) -> Removal:
    if not change.plan.replace and not change.plan.remove:
        return Removal()
    gone, others = _sort_out(change.plan, change.layout)
    return find_removal(gone, others, change.layout, attested, forget=change.forget)


def _sort_out(plan: InstallPlan, layout: Layout) -> tuple[list[InstalledDistribution], list[InstalledDistribution]]:
    """Give the installed distributions that the plan removes, and those that stay. Raises `StalePlan`."""
    gone_paths = {present.path for addition in plan.replace for present in addition.old}
    gone_paths |= {present.path for present in plan.remove}
    gone: list[InstalledDistribution] = []
    others: list[InstalledDistribution] = []
    for distribution in scan(layout.libraries, shadowed=True, brief=True):
        (gone if os.fspath(distribution.path) in gone_paths else others).append(distribution)
    if len(gone) != len(gone_paths):
        raise StalePlan("a distribution that the plan removes is not there", context={"root": layout.root})
    return gone, others


def _set_aside(removal: Removal, contents: Contents, stager: _Stages, transaction: Transaction) -> dict[str, str]:
    """Stage a second name for each edited or stray file that has to give way to another content; give where they go."""
    layout = stager.layout
    kept = f"{layout.root}/{STATE_DIR}/{_KEPT}"
    linker = Linker("hardlink")
    places: dict[str, str] = {}
    for path in sorted(removal.changed):
        folder, name = os.path.split(path)
        gives_way = any(name in source[2] for source in contents.folders.get(folder, ()))
        if gives_way and not same_content(stager(path), path):
            inner = layout.locate(path)[1]
            places[path] = f"{kept}/{transaction.id}/{inner}"
            staged = stager(os.path.dirname(places[path]))
            files.make_dirs(staged)
            linker.link_folder(folder, staged, (name,))
    if places:
        top = f"{kept}/{transaction.id}" if os.path.lexists(kept) else kept
        transaction.move("add", layout.locate(top)[1])
    return places


def _drop_oldest(kept: str) -> None:
    """Remove what was set aside longest ago. The operation is done, so trouble here is none of its own."""
    with suppress(OSError), os.scandir(kept) as entries:
        ours = [each for each in entries if is_id(each.name) and each.is_dir(follow_symlinks=False)]
        ours.sort(key=lambda each: each.stat(follow_symlinks=False).st_mtime_ns)
        for entry in ours[:-KEPT_OPERATIONS]:
            files.remove_tree(entry.path)


def _stage_rewritten(removal: Removal, stager: _Stages, transaction: Transaction) -> None:
    for path, content in removal.rewritten.items():
        base, inner = stager.layout.locate(path)
        staged = stager(path)
        files.make_dirs(os.path.dirname(staged))
        files.write_bytes(staged, content, exclusive=True)
        transaction.move("swap", inner, place=transaction.place(base))


def _stage_attested(
    removal: Removal,
    attested: dict[str, tuple[int, int]],
    staging: Staging,
    stager: _Stages,
    transaction: Transaction,
) -> None:
    gone = frozenset(removal.units)
    records = {path: row for path, row in attested.items() if path not in gone}
    records.update(staging.records)
    if records == attested:
        return
    path = f"{stager.layout.root}/{STATE_DIR}/{state.RECORDS}"
    staged = stager(path)
    files.make_dirs(os.path.dirname(staged))
    files.write_bytes(staged, state.encode_attested(records, stager.layout), exclusive=True)
    transaction.move("swap" if os.path.lexists(path) else "add", f"{STATE_DIR}/{state.RECORDS}")


def _changes(plan: InstallPlan) -> tuple[DistributionChange, ...]:
    added = [DistributionChange(name=each.name, before=None, after=each.version) for each in plan.add]
    replaced = [
        DistributionChange(name=each.name, before=each.old[0].version, after=each.version) for each in plan.replace
    ]
    removed = [DistributionChange(name=each.name, before=each.version, after=None) for each in plan.remove]
    return (*added, *replaced, *removed)


def _tell(plan: InstallPlan, emitter: Emitter) -> None:
    if not emitter.active:
        return
    operation = emitter.operation
    additions = (*plan.add, *plan.replace)
    for done, each in enumerate(additions, 1):
        emitter(
            WheelInstalled(operation=operation, name=each.name, version=each.version, done=done, total=len(additions))
        )
    for done, gone in enumerate(plan.remove, 1):
        emitter(
            DistributionRemoved(
                operation=operation, name=gone.name, version=gone.version, done=done, total=len(plan.remove)
            )
        )
