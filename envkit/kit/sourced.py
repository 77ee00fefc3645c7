"""Pins of sources whose version a lock cannot promise (PEP 751): the sources themselves say it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import Version

from envkit.errors import InvalidSource
from envkit.model.identity import normalize, parse_version
from envkit.model.pin import Pin
from envkit.model.resolution import Resolution

if TYPE_CHECKING:
    from envkit.interpreter.interpreter import Interpreter
    from envkit.kit.builds import Builds
    from envkit.kit.parts import Parts

_UNKNOWN = Version("0")


def with_versions(parts: Parts, interpreter: Interpreter, resolution: Resolution) -> Resolution:
    """Give the resolution with the versions of its repositories, folders and archives, as their metadata has them.

    Raises what reading a source raises, and `InvalidSource` for one that is another project than its pin says.
    """
    unknown = [pin for pin in resolution.pins.values() if pin.origin is not None and pin.version == _UNKNOWN]
    if not unknown:
        return resolution
    builds = parts.builds(interpreter)
    found = {pin.name: replace(pin, version=_version_of(builds, pin)) for pin in unknown}
    return replace(resolution, pins={**resolution.pins, **found})


def _version_of(builds: Builds, pin: Pin) -> Version:
    from envkit.model.metadata import parse_metadata

    assert pin.origin is not None
    artifact = pin.artifacts[0] if pin.artifacts else None
    tree = builds.sources.of_origin(pin.origin, artifact, name=pin.name, version=str(pin.version))
    metadata = parse_metadata(builds.builder.metadata(tree, editable=pin.origin.editable), where=tree.subject)
    if normalize(metadata.name) != pin.name:
        raise InvalidSource(f"{pin.origin.url}: it is {metadata.name}, not {pin.name}")
    return parse_version(metadata.version)
