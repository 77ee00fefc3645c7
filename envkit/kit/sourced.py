"""What the files and sources of pins say of themselves: their core metadata, and with it versions that locks leave open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packaging.version import Version

from envkit.dataclass import replace
from envkit.errors import InvalidSource
from envkit.model.identity import normalize, parse_version
from envkit.model.metadata import parse_metadata
from envkit.model.pin import Pin
from envkit.model.resolution import Resolution

if TYPE_CHECKING:
    from envkit.interpreter.interpreter import Interpreter
    from envkit.kit.parts import Parts

_UNKNOWN = Version("0")


def with_versions(parts: Parts, interpreter: Interpreter, resolution: Resolution) -> Resolution:
    """Give the resolution with the versions of its repositories, folders and archives, as their metadata has them.

    A lock cannot promise the version of a source (PEP 751). Raises what reading a source raises, and `InvalidSource` for
    one that is another project than its pin says.
    """
    unknown = [pin for pin in resolution.pins.values() if pin.origin is not None and pin.version == _UNKNOWN]
    if not unknown:
        return resolution
    found = {pin.name: replace(pin, version=_version_of(parts, interpreter, pin)) for pin in unknown}
    return replace(resolution, pins={**resolution.pins, **found})


def _version_of(parts: Parts, interpreter: Interpreter, pin: Pin) -> Version:
    where = pin.origin.url if pin.origin is not None else pin.name
    metadata = parse_metadata(metadata_of(parts, interpreter, pin), where=where)
    if normalize(metadata.name) != pin.name:
        raise InvalidSource(f"{where}: it is {metadata.name}, not {pin.name}")
    return parse_version(metadata.version)


def metadata_of(parts: Parts, interpreter: Interpreter, pin: Pin) -> bytes:
    """Give the core metadata of what *pin* would install: of its wheel, else what its backend says.

    Raises the errors of fetching and building.
    """
    artifact = pin.artifacts[0] if pin.artifacts else None
    if artifact is not None and artifact.is_wheel:
        sha256 = artifact.hashes.get("sha256")
        wheel = parts.pool.get(sha256) if sha256 is not None else None
        if wheel is None:
            return parts.client.metadata(artifact)
        with open(os.path.join(wheel.root, wheel.dist_info, "METADATA"), "rb") as file:
            return file.read()
    builds = parts.builds(interpreter)
    version = str(pin.version)
    if pin.origin is not None:
        tree = builds.sources.of_origin(pin.origin, artifact, name=pin.name, version=version)
        return builds.builder.metadata(tree, editable=pin.origin.editable)
    if artifact is None:
        raise InvalidSource(f"{pin.name} {version}: there is no file to read it from")
    return builds.builder.metadata(builds.sources.sdist(artifact, name=pin.name, version=version))
