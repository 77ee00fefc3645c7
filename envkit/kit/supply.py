"""Wheels for the installer: from the pool, else fetched or built, checked, and unpacked into it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from envkit.errors import InstallError
from envkit.events import Emitter
from envkit.host.threads import Threads
from envkit.installation.ports import InterpreterFacts
from envkit.model.candidate import Artifact
from envkit.model.distribution import CompiledWheel, LocalWheel
from envkit.model.resolution import Pin
from envkit.wheels.pool import WheelPool

if TYPE_CHECKING:
    from envkit.wheels.unpacking import Unpacking


_MANY = 8  # wheels; fewer are worth a process only if they are large
_LARGE = 8 << 20  # bytes of all archives


class Fetcher(Protocol):
    """What is needed of the client of the indexes."""

    def fetch(self, artifact: Artifact) -> Path:
        """Give a local file whose hashes are right."""
        ...

    def prefetch_files(self, artifacts: Iterable[Artifact]) -> None:
        """Begin to fetch."""
        ...


Builder = Callable[[Pin], Path]


class PoolSupply:
    """Implements the installer's `WheelSupply` over the client of the indexes and the wheel pool.

    What is in the pool needs no archive. Everything else is fetched and unpacked at once by some threads. *build* makes a
    wheel for a pin whose preferred artifact is none, and gives its path; without it such pins are an error. *verify*
    "hash" compares the content of every unpacked file, as installations with required hashes do. *executor* does the work
    where one is given (threads, not processes), else some threads for the time of one call. *processes* says whether a
    process of its own may help to unpack many wheels.
    """

    def __init__(
        self,
        client: Fetcher,
        pool: WheelPool,
        *,
        build: Builder | None = None,
        verify: str = "stat",
        workers: int | None = None,
        executor: Executor | None = None,
        processes: bool = True,
        emitter: Emitter | None = None,
    ) -> None:
        self._client = client
        self._pool = pool
        self.lease = pool.lease
        self._build = build
        self._verify = verify
        self._workers = workers or min(8, (os.cpu_count() or 1) + 2)
        self._executor = executor
        self._processes = processes
        self._emitter = emitter

    def wheels(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel]]:
        """Yield each pin with its wheel as it becomes ready. Raises errors of the tree; nothing is left half done."""
        return ((pin, wheel) for pin, wheel, _ in self._wheels(pins, self._verify))

    def unlooked(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel, bool]]:
        """Do as `wheels`, but leave sizes and mtimes of what is in the pool to be compared later."""
        return self._wheels(pins, "later" if self._verify == "stat" else self._verify)

    def _wheels(self, pins: Iterable[Pin], verify: str) -> Iterator[tuple[Pin, LocalWheel, bool]]:
        missing: list[tuple[Pin, Artifact | None]] = []
        for pin in pins:
            artifact = pin.artifacts[0] if pin.artifacts and pin.artifacts[0].is_wheel else None
            wheel = self._from_pool(pin, artifact, verify) if artifact is not None else None
            if wheel is None:
                missing.append((pin, artifact))
            else:
                yield pin, wheel, verify != "later"
        if missing:
            for pin, wheel in self._make_all(missing):
                yield pin, wheel, True

    def _from_pool(self, pin: Pin, artifact: Artifact, verify: str) -> LocalWheel | None:
        sha256 = artifact.hashes.get("sha256")
        if sha256 is None:
            return None
        return self._pool.get(
            sha256.lower(),
            filename=artifact.filename,
            origin=pin.origin,
            index=artifact.index,
            url=artifact.url,
            verify=verify,
        )

    def _make_all(self, missing: Sequence[tuple[Pin, Artifact | None]]) -> Iterator[tuple[Pin, LocalWheel]]:
        from envkit.wheels.unpacking import Unpacking

        # The largest first, so that nobody is left alone with it at the end.
        missing = sorted(missing, key=lambda each: -_size(each[1]))
        processes = self._processes and _are_many([artifact for _, artifact in missing])
        self._client.prefetch_files([artifact for _, artifact in missing if artifact is not None])
        with (
            Unpacking(self._pool, processes=processes) as unpacking,
            self._borrow(min(self._workers, len(missing))) as executor,
        ):
            waiting: dict[Future[LocalWheel], Pin] = {
                executor.submit(self._make, pin, artifact, unpacking): pin for pin, artifact in missing
            }
            try:
                while waiting:
                    done, _ = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
                    if self._emitter is not None:
                        self._emitter.check()
                    for future in done:
                        pin = waiting.pop(future)
                        yield pin, future.result()
            finally:
                for future in waiting:
                    future.cancel()

    def _borrow(self, workers: int) -> AbstractContextManager[Executor]:
        """Give the caller's executor, which stays open, or threads of our own for this once."""
        if self._executor is not None:
            return nullcontext(self._executor)
        return Threads(workers, "envkit-supply")

    def _make(self, pin: Pin, artifact: Artifact | None, unpacking: Unpacking) -> LocalWheel:
        if artifact is None:
            if self._build is None:
                raise InstallError(
                    f"{pin.name} {pin.version} has no wheel that can be installed",
                    hint="allow builds, or ask for a version that has one",
                    context={"name": pin.name, "version": str(pin.version)},
                )
            path = self._build(pin)
            wheel = unpacking.add(path, name=pin.name, version=str(pin.version), origin=pin.origin, owned=True)
        else:
            wheel = unpacking.add(
                self._client.fetch(artifact),
                filename=artifact.filename,
                sha256=artifact.hashes.get("sha256"),
                name=pin.name,
                version=str(pin.version),
                origin=pin.origin,
                index=artifact.index,
                url=artifact.url,
                owned=not artifact.url.startswith("file:"),
            )
        if self._emitter is not None and self._emitter.active:
            from envkit.events import WheelUnpacked

            self._emitter(
                WheelUnpacked(
                    operation=self._emitter.operation,
                    filename=wheel.filename,
                    files=wheel.file_count,
                    size=wheel.size,
                )
            )
        return wheel

    def compiled(self, wheels: Sequence[LocalWheel], interpreter: InterpreterFacts) -> Mapping[str, CompiledWheel]:
        """Give the bytecode of *wheels* for an interpreter; what is missing is compiled into the pool."""
        from envkit.wheels.pool_bytecode import compile_wheels

        return compile_wheels(self._pool, wheels, interpreter, verify=self._verify)


def _size(artifact: Artifact | None) -> int:
    return 0 if artifact is None else artifact.size or 0


def _are_many(artifacts: Sequence[Artifact | None]) -> bool:
    """Whether so much has to be unpacked that a process is there in time."""
    count = sum(artifact is not None for artifact in artifacts)
    return count >= _MANY or (count > 1 and sum(map(_size, artifacts)) >= _LARGE)
