"""Put distributions into new environments with envkit's own pool, installer and indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from envkit.dataclass import replace
from envkit.environment.environment import Environment

if TYPE_CHECKING:
    from envkit.installation.ports import InterpreterFacts
    from envkit.kit.parts import Parts
    from envkit.model.distribution import CompiledWheel, LocalWheel
    from envkit.model.resolution import Pin, Resolution
    from envkit.model.target import Target


class _Ready:
    """A supply of wheels that are in the pool already."""

    def __init__(self, wheels: dict[str, LocalWheel]) -> None:
        self._wheels = wheels

    def wheels(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, LocalWheel]]:
        for pin in pins:
            yield pin, self._wheels[pin.name]

    def compiled(
        self,
        wheels: Sequence[LocalWheel],  # noqa: ARG002  the port's arguments
        interpreter: InterpreterFacts,  # noqa: ARG002
    ) -> Mapping[str, CompiledWheel]:
        return {}


class PoolSeeder:
    """Implements the environment's `Seeder` over the parts of a kit, which *parts* gives when they are needed."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts

    def install_wheels(self, environment: Environment, wheels: Sequence[str]) -> None:
        """Install wheel files through the pool; a second environment gets links and unpacks nothing."""
        from envkit.installation.installer import Installer

        parts = self._parts()
        with parts.cache.lease():
            local = [_with_version(parts.pool.add(path), environment) for path in wheels]
            installer = Installer(
                environment, _Ready({wheel.name: wheel for wheel in local}), link_mode=parts.settings.link_mode
            )
            installer.apply(installer.plan(_resolution(environment, local)))

    def install_latest(self, environment: Environment, names: Sequence[str]) -> None:
        """Install the newest versions that the kit's indexes have."""
        from envkit.installation.installer import Installer
        from envkit.model.target import Target

        parts = self._parts()
        resolution = parts.resolver(Target.of(environment.interpreter), environment.interpreter).resolve(tuple(names))
        settings = parts.settings
        installer = Installer(
            environment,
            parts.supply(environment.interpreter),
            link_mode=settings.link_mode,
            processes=settings.processes,
        )
        installer.apply(installer.plan(resolution))


def _with_version(wheel: LocalWheel, environment: Environment) -> LocalWheel:
    """Name pip's commands for the interpreter that they are installed for, as pip itself does: ``pip3.12``."""
    if wheel.name != "pip":
        return wheel
    major, minor, _ = environment.interpreter.version_info
    rows = [row for row in wheel.scripts if row[0] in ("pip", f"pip{major}")]
    if rows:
        rows.append((f"pip{major}.{minor}", *rows[0][1:]))
    return replace(wheel, scripts=tuple(rows))


def _resolution(environment: Environment, wheels: Sequence[LocalWheel]) -> Resolution:
    from packaging.version import Version

    from envkit.model.resolution import Pin, Resolution

    pins = {wheel.name: Pin(name=wheel.name, version=Version(wheel.version)) for wheel in wheels}
    return Resolution(target=_target(environment), roots=tuple(pins), pins=pins, edges=())


def _target(environment: Environment) -> Target:
    """Describe the environment for wheels that fit every machine; its own tags are not needed, and cost time."""
    from envkit.model.target import Target

    interpreter = environment.interpreter
    return Target(python=interpreter.version, markers=interpreter.markers, tags=("py3-none-any",))
