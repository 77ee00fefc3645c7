"""Bytecode, compiled once for each wheel and interpreter into the pool, by the interpreter that will run it.

Several worker processes share the wheels. The bytecode names mtime and size of its source, which linking and copying
keep, so an import finds it valid and rewrites nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from envkit.errors import InstallError
from envkit.host import effect, files
from envkit.host.looking import is_intact
from envkit.host.threads import Threads
from envkit.host.workers import Worker
from envkit.model.distribution import CompiledWheel, Group, LocalWheel
from envkit.wheels import pool_manifest as manifest
from envkit.wheels.pool import WheelPool
from envkit.wheels.pool_unpack import split_scheme

TIMEOUT = 600.0  # seconds for one wheel
_NOT_COMPILED = frozenset(("data", "headers", "scripts"))


class Interpreter(Protocol):
    """What has to be known of an interpreter."""

    @property
    def executable(self) -> str:
        """The path to run."""
        ...

    @property
    def version(self) -> str:
        """The full version."""
        ...

    @property
    def implementation(self) -> str:
        """The name in lower case."""
        ...


def compile_wheels(
    pool: WheelPool,
    wheels: Sequence[LocalWheel],
    interpreter: Interpreter,
    *,
    workers: int | None = None,
    verify: str = "stat",
) -> dict[str, CompiledWheel]:
    """Give the bytecode of *wheels* by the sha256 of their archives; what is missing is compiled first.

    *verify* "hash" compares the content of what was compiled before with what it was then, not sizes and mtimes alone.
    Modules that cannot be compiled (for another Python, templates) are left out. Raises `InstallError` where the
    interpreter cannot be run.
    """
    key = _key(interpreter)
    found: dict[str, CompiledWheel] = {}
    missing: list[LocalWheel] = []
    for wheel in wheels:
        compiled = _read(pool, wheel, key, verify)
        if compiled is None:
            missing.append(wheel)
        else:
            found[wheel.sha256] = compiled
    if missing:
        found.update(_compile(pool, missing, interpreter, key, workers))
    return found


def _key(interpreter: Interpreter) -> str:
    """Name an interpreter as far as its bytecode goes: the format may change with any release."""
    text = f"{interpreter.implementation}-{interpreter.version}"
    if interpreter.implementation != "cpython":  # whose own release is not in the version
        with suppress(OSError):
            real = os.path.realpath(interpreter.executable)
            text += f"-{real}-{os.stat(real).st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _folder(pool: WheelPool, wheel: LocalWheel, key: str) -> str:
    return f"{pool.entry(wheel.sha256)}/bytecode-{key}"


def _read(pool: WheelPool, wheel: LocalWheel, key: str, verify: str = "stat") -> CompiledWheel | None:
    folder = _folder(pool, wheel, key)
    data = manifest.read(f"{folder}/manifest")
    if data is None:
        if os.path.lexists(folder):
            files.remove_tree(folder)
        return None
    groups: tuple[Group, ...] = data[0]
    tree = f"{folder}/tree"
    if not is_intact(tree, groups) or (verify == "hash" and data[1:] != (_digest(tree, groups),)):
        files.remove_tree(folder)
        return None
    return CompiledWheel(sha256=wheel.sha256, root=Path(tree), groups=groups)


def _compile(
    pool: WheelPool, wheels: list[LocalWheel], interpreter: Interpreter, key: str, workers: int | None
) -> dict[str, CompiledWheel]:
    count = max(1, min(workers or os.cpu_count() or 1, len(wheels)))
    idle: list[_Compiler] = []
    lock = threading.Lock()

    def work(wheel: LocalWheel) -> tuple[str, CompiledWheel | None]:
        with lock:
            worker = idle.pop() if idle else None
        worker = worker or _Compiler(interpreter.executable)
        try:
            compiled = _compile_one(pool, wheel, worker, key)
        except BaseException:
            worker.close()
            raise
        with lock:
            idle.append(worker)
        return wheel.sha256, compiled

    try:
        with Threads(count) as executor:
            # The largest first, so that no worker is left alone with it at the end.
            results = list(executor.map(work, sorted(wheels, key=lambda wheel: -wheel.size)))
    finally:
        for worker in idle:
            worker.close()
    return {sha256: compiled for sha256, compiled in results if compiled is not None}


def _modules(wheel: LocalWheel) -> list[str]:
    return [
        f"{source}/{name}" if source else name
        for scheme, _, source, names, _, _ in wheel.groups
        if scheme not in _NOT_COMPILED
        for name in names
        if name.endswith(".py")
    ]


def _compile_one(pool: WheelPool, wheel: LocalWheel, worker: _Compiler, key: str) -> CompiledWheel | None:
    temporary = pool.temporary()
    try:
        tree = f"{temporary}/tree"
        files.make_dir(tree, exist_ok=False)
        names = worker.compile(os.fspath(wheel.root), tree, _modules(wheel))
        groups = _groups(tree, names, wheel.data_dir)
        files.write_bytes(f"{temporary}/manifest", manifest.encode((groups, _digest(tree, groups))), exclusive=True)
        pool.publish(temporary, _folder(pool, wheel, key))
    except FileNotFoundError:
        with suppress(OSError):
            files.remove_tree(temporary)
        return None  # the entry was removed meanwhile; it is installed without
    except BaseException:
        with suppress(OSError):
            files.remove_tree(temporary)
        raise
    return _read(pool, wheel, key)


def _digest(tree: str, groups: tuple[Group, ...]) -> bytes:
    """Hash the content of all files, in their order; b"" where one cannot be read."""
    digest = hashlib.sha256()
    try:
        for _, _, source, names, _, _ in groups:
            for name in names:
                with open(f"{tree}/{source}/{name}", "rb", buffering=0) as file:
                    digest.update(hashlib.sha256(file.read()).digest())
    except OSError:
        return b""
    return digest.digest()


def _groups(tree: str, names: Sequence[str], data_dir: str) -> tuple[Group, ...]:
    folders: dict[str, list[tuple[str, int, int]]] = {}
    for path in names:
        folder, _, name = path.rpartition("/")
        facts = os.lstat(f"{tree}/{path}")
        folders.setdefault(folder, []).append((name, facts.st_size, facts.st_mtime_ns))
    groups: list[Group] = []
    for folder, rows in sorted(folders.items()):
        scheme, inner = split_scheme(folder, data_dir)
        groups.append(
            (
                scheme,
                inner,
                folder,
                tuple(row[0] for row in rows),
                tuple(row[1] for row in rows),
                tuple(row[2] for row in rows),
            )
        )
    return tuple(groups)


class _Compiler:
    """One process of the interpreter that compiles what it is told to."""

    def __init__(self, executable: str) -> None:
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pool_worker.py")
        try:
            # -I and -S: nothing of the environment runs, no .pth file, no sitecustomize.
            self._worker = Worker([executable, "-I", "-S", "-B", script])
        except OSError as error:
            raise InstallError(f"{executable} cannot be run to compile bytecode: {error}") from error
        self._executable = executable
        self.close = self._worker.end

    def compile(self, tree: str, target: str, names: list[str]) -> list[str]:
        """Compile the modules *names* of *tree* below *target*; give the paths of what was written."""
        if not names:
            return []
        effect("compile", tree)
        line = self._worker.ask(json.dumps([tree, target, names]).encode(), TIMEOUT)
        wanted = {name.rpartition("/")[0] for name in names}
        try:
            answer: Any = json.loads(line or b"null")
        except ValueError:
            answer = None
        if not isinstance(answer, list) or not all(_is_inside(name, wanted) for name in answer):  # pyright: ignore[reportUnknownVariableType]
            raise InstallError(f"{self._executable} failed to compile bytecode")
        found: list[str] = answer  # pyright: ignore[reportUnknownVariableType]
        return found


def _is_inside(path: Any, folders: set[str]) -> bool:
    if not isinstance(path, str):
        return False
    above, _, name = path.rpartition("/")
    folder, _, cache = above.rpartition("/")
    return cache == "__pycache__" and name.endswith(".pyc") and folder in folders
