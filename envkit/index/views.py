"""What an editor or a person wants to see of a project: its versions, the files of one, its description and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.version import Version

from envkit.dataclass import dataclass, field
from envkit.errors import RequirementError
from envkit.index.filenames import sdist_version
from envkit.model.candidate import Artifact, ProjectPage
from envkit.model.identity import parse_version
from envkit.model.metadata import MAX_METADATA_BYTES
from envkit.model.sdist_names import sdist_suffix
from envkit.model.values import Value

_LISTED = frozenset(("classifier", "project-url", "requires-dist", "provides-extra", "keywords", "license-file"))
_MAX_FIELDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDescription(Value):
    """The descriptive part of core metadata. *links* map a label to an address; all texts are as the project wrote them.

    Nothing here is safe to run or to show as HTML.
    """

    name: str
    version: str
    summary: str = ""
    description: str = ""
    content_type: str = "text/x-rst"
    requires_python: str | None = None
    license: str = ""
    author: str = ""
    keywords: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict[str, str])


def version_of(artifact: Artifact, project: str) -> Version | None:
    """Give the version that the name of a file says."""
    if artifact.is_wheel:
        text: str | None = artifact.filename.split("-")[1]
    else:
        suffix = sdist_suffix(artifact.filename)
        text = sdist_version(artifact.filename.removesuffix(suffix), project)
    try:
        return parse_version(text) if text else None
    except RequirementError:
        return None


def versions_of(page: ProjectPage, *, yanked: bool = False) -> tuple[Version, ...]:
    """Give the versions that have a file, the newest first; those with yanked files alone only if *yanked*."""
    found = {
        version
        for artifact in page.artifacts
        if (yanked or artifact.yanked is None) and (version := version_of(artifact, page.name)) is not None
    }
    return tuple(sorted(found, reverse=True))


def latest_of(versions: Iterable[Version], *, prereleases: bool = False) -> Version | None:
    """Give the newest; a pre-release only if *prereleases*, or where there is nothing else."""
    ordered = tuple(versions)
    stable = ordered if prereleases else tuple(version for version in ordered if not version.is_prerelease)
    return max(stable or ordered, default=None)


def describe(data: bytes) -> ProjectDescription:
    """Read the descriptive fields of core metadata. Raises `RequirementError` where it has no name or version."""
    if len(data) > MAX_METADATA_BYTES:
        raise RequirementError(f"metadata of {len(data)} bytes is larger than {MAX_METADATA_BYTES}")
    head, _, body = data.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n\n")
    single, listed = _fields(head)
    if "name" not in single or "version" not in single:
        raise RequirementError("the metadata has no name or no version")
    keywords = single.get("keywords", "")
    return ProjectDescription(
        name=single["name"],
        version=single["version"],
        summary=single.get("summary", ""),
        description=body or single.get("description", ""),
        content_type=single.get("description-content-type", "text/x-rst").partition(";")[0].strip(),
        requires_python=single.get("requires-python"),
        license=single.get("license-expression") or single.get("license", ""),
        author=single.get("author") or single.get("author-email", ""),
        keywords=tuple(word.strip() for word in keywords.replace(",", " ").split()),
        classifiers=tuple(listed.get("classifier", ())),
        links=_links(single, listed.get("project-url", [])),
    )


def _fields(head: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    single: dict[str, str] = {}
    listed: dict[str, list[str]] = {}
    last = ""
    for line in head.split("\n")[:_MAX_FIELDS]:
        if line[:1] in (" ", "\t"):
            if last and last not in listed:
                single[last] += "\n" + line.removeprefix("        ").removeprefix("       |")
            continue
        name, _, value = line.partition(":")
        last = name.strip().lower()
        if last in _LISTED and last != "keywords":
            listed.setdefault(last, []).append(value.strip())
        else:
            single[last] = value.strip()
    return single, listed


def _links(single: Mapping[str, str], urls: Iterable[str]) -> dict[str, str]:
    pairs = [("Homepage", single.get("home-page", "")), ("Download", single.get("download-url", ""))]
    for text in urls:
        label, _, address = text.partition(",")
        pairs.append((label.strip(), address.strip()))
    # Only what a browser can open harmlessly: a project must not put "javascript:" or "file:" behind a label.
    return {label: address for label, address in pairs if label and address.startswith(("https://", "http://"))}
