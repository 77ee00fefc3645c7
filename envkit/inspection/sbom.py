"""Bills of materials (CycloneDX, JSON) of environments and locks; needs the extra ``sbom``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import quote

from envkit.dataclass import dataclass, field
from envkit.errors import MissingExtra, RequirementError
from envkit.formats.lock_content import LockContent
from envkit.inspection.graph import DependencyGraph
from envkit.inspection.metadata import licence_of, metadata_dict
from envkit.inspection.provenance import origin_of, recorded_artifact
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Resolution
from envkit.model.secret import strip_credentials

_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "sha3_256": "SHA3-256", "md5": "MD5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One component: *needs* are names of others, *hashes* those of its one file, where it is known.

    *spdx* tells that *licence* is an SPDX expression, not just the name of a licence.
    """

    name: str
    version: str
    licence: str = ""
    spdx: bool = False
    description: str = ""
    url: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    needs: tuple[str, ...] = ()


def materials_of_graph(graph: DependencyGraph) -> tuple[Material, ...]:
    """Give what is installed, with licences and who needs whom."""
    found: list[Material] = []
    for name, one in sorted(graph.distributions.items()):
        data = metadata_dict(one)
        url = (one.direct_url or {}).get("url")
        found.append(
            Material(
                name=name,
                version=one.version,
                licence=licence_of(data),
                spdx=bool(data.get("license_expression")),
                description=str(data.get("summary", "")),
                url=strip_credentials(url) if isinstance(url, str) else "",
                hashes=_hashes_of(one),
                needs=tuple(sorted({edge.child for edge in graph.children.get(name, ()) if edge.child != name})),
            )
        )
    return tuple(found)


def _hashes_of(one: InstalledDistribution) -> dict[str, str]:
    if one.direct_url is None:
        artifact = recorded_artifact(one)
        return dict(artifact.hashes) if artifact is not None else {}
    origin = origin_of(one.direct_url)
    return dict(origin.hashes) if origin is not None else {}


def materials_of_lock(lock: LockContent) -> tuple[Material, ...]:
    """Give every entry of a lock, for all of its environments."""
    found: list[Material] = []
    for package in lock.packages:
        needs: set[str] = set()
        for text in package.dependencies:
            try:
                needs.add(normalize(parse_requirement(text).name))
            except RequirementError:
                continue
        only = package.artifacts[0] if len(package.artifacts) == 1 else None
        found.append(
            Material(
                name=package.name,
                version=str(package.version) if package.version is not None else "",
                url=strip_credentials(package.origin.url if package.origin else only.url if only else ""),
                hashes=dict(only.hashes) if only else {},
                needs=tuple(sorted(needs)),
            )
        )
    return tuple(found)


def materials_of_resolution(resolution: Resolution) -> tuple[Material, ...]:
    """Give every pin with the file that its target would use."""
    needs: dict[str, set[str]] = {}
    for edge in resolution.edges:
        needs.setdefault(edge.parent, set()).add(edge.child)
    found: list[Material] = []
    for name, pin in sorted(resolution.pins.items()):
        file = pin.artifacts[0] if pin.artifacts else None
        found.append(
            Material(
                name=name,
                version=str(pin.version),
                url=strip_credentials(pin.origin.url if pin.origin else file.url if file else ""),
                hashes=dict(file.hashes) if file else {},
                needs=tuple(sorted(needs.get(name, set()) - {name})),
            )
        )
    return tuple(found)


def write_sbom(
    materials: Iterable[Material], *, subject: str = "environment", timestamp: datetime | None = None
) -> str:
    """Give a CycloneDX 1.6 document in JSON. *subject* names the whole, *timestamp* is when it was looked at (now).

    Raises `MissingExtra` where ``cyclonedx-python-lib`` is not installed.
    """
    try:
        # as Any: the library's decorators hide its classes from type checkers
        model: Any = import_module("cyclonedx.model")
        parts: Any = import_module("cyclonedx.model.component")
        licences: Any = import_module("cyclonedx.model.license")
        bom: Any = import_module("cyclonedx.model.bom").Bom()
        output: Any = import_module("cyclonedx.output.json")
        package_url: Any = import_module("packageurl").PackageURL
    except ImportError as error:
        raise MissingExtra("a bill of materials needs cyclonedx-python-lib", hint="install pyenvkit[sbom]") from error

    def licences_of(material: Material) -> list[Any] | None:
        if not material.licence:
            return None
        if material.spdx:
            return [licences.LicenseExpression(value=material.licence)]
        return [licences.DisjunctiveLicense(name=material.licence)]

    def component_of(material: Material) -> Any:
        hashes = [
            model.HashType(alg=model.HashAlgorithm(_ALGORITHMS[algorithm]), content=value)
            for algorithm, value in sorted(material.hashes.items())
            if algorithm in _ALGORITHMS
        ]
        link = model.XsUri(quote(material.url, safe=":/?#[]@!$&'()*+,;=%"))
        kind = model.ExternalReferenceType.DISTRIBUTION
        return parts.Component(
            name=material.name,
            version=material.version or None,
            type=parts.ComponentType.LIBRARY,
            bom_ref=f"{material.name}=={material.version}",
            purl=package_url(type="pypi", name=material.name, version=material.version or None),
            description=material.description or None,
            licenses=licences_of(material),
            hashes=hashes,
            external_references=[model.ExternalReference(type=kind, url=link)] if material.url else None,
        )

    bom.metadata.timestamp = timestamp if timestamp is not None else datetime.now(UTC)
    root = parts.Component(name=subject, type=parts.ComponentType.APPLICATION, bom_ref=f"subject:{subject}")
    bom.metadata.component = root
    made = [(material, component_of(material)) for material in materials]
    by_name: dict[str, list[Any]] = {}
    for material, component in made:
        bom.components.add(component)
        by_name.setdefault(material.name, []).append(component)
    needed = {name for material, _ in made for name in material.needs}
    bom.register_dependency(root, [component for material, component in made if material.name not in needed])
    for material, component in made:
        bom.register_dependency(component, [one for name in material.needs for one in by_name.get(name, ())])
    return str(output.JsonV1Dot6(bom).output_as_string(indent=2))
