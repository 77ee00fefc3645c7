"""An in-memory source of candidates, for testing what resolves without a network.

    source = MemorySource({"flask": {"3.0": ["werkzeug>=3"]}, "werkzeug": {"3.0": [], "2.0": []}})

Each version is a list of requirements, or a `Release` with more to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from packaging.version import Version

from envkit.dataclass import dataclass, field
from envkit.errors import ProjectNotFound, RequirementError
from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage
from envkit.model.identity import normalize
from envkit.model.secret import mask_credentials
from envkit.resolve.ports import DirectCandidate, DirectRequest


@dataclass(frozen=True, kw_only=True)
class Release:
    """One version of a project in a `MemorySource`: *files* are names, one pure wheel where there are none."""

    requires: Sequence[str] = ()
    extras: Sequence[str] = ()
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = "2024-01-01T00:00:00Z"
    files: Sequence[str] = ()
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])


class MemorySource:
    """A `CandidateSource` over a mapping of projects to versions; ``calls`` counts what was asked for.

    *direct* answers direct requests by URL. `change` replaces a project, which changes its page's identity.
    """

    def __init__(
        self,
        projects: Mapping[str, Mapping[str, Release | Sequence[str]]],
        *,
        direct: Mapping[str, DirectCandidate] | None = None,
    ) -> None:
        self._projects: dict[str, dict[str, Release]] = {}
        self._pages: dict[str, ProjectPage] = {}
        self._digests: dict[str, tuple[bytes, bytes]] = {}
        self._direct = dict(direct or {})
        self._changes = 0
        self.calls: list[tuple[str, str]] = []
        for name, versions in projects.items():
            self.change(name, versions)

    def change(self, name: str, versions: Mapping[str, Release | Sequence[str]]) -> None:
        """Set what the project *name* has."""
        name = normalize(name)
        self._changes += 1
        self._projects[name] = {
            version: release if isinstance(release, Release) else Release(requires=tuple(release))
            for version, release in versions.items()
        }
        self._pages[name] = self._page(name)

    def _page(self, name: str) -> ProjectPage:
        artifacts = tuple(
            Artifact(
                filename=filename,
                url=f"https://files.example/{filename}",
                hashes=release.hashes,
                requires_python=release.requires_python,
                yanked=release.yanked,
                upload_time=release.upload_time,
                metadata={},
                index="memory",
            )
            for version, release in self._projects[name].items()
            for filename in release.files or (f"{name.replace('-', '_')}-{version}-py3-none-any.whl",)
        )
        return ProjectPage(name=name, artifacts=artifacts, identity=f"memory-{self._changes}", index="memory")

    def page_identity(self, name: str) -> str | None:
        """Give the identity of the page."""
        page = self._pages.get(name)
        return page.identity if page is not None else None

    def page(self, name: str) -> ProjectPage:
        """Give the page. Raises `ProjectNotFound`."""
        self.calls.append(("page", name))
        if name not in self._pages:
            raise ProjectNotFound(f"the index has no project {name!r}", context={"project": name})
        return self._pages[name]

    def metadata(self, name: str, version: Version, artifacts: Sequence[Artifact]) -> CoreMetadata:  # noqa: ARG002
        """Give the metadata that the release was described with."""
        self.calls.append(("metadata", f"{name} {version}"))
        for text, release in self._projects[name].items():
            if Version(text) == version:
                return CoreMetadata(
                    name=name,
                    version=text,
                    requires_dist=tuple(release.requires),
                    requires_python=release.requires_python,
                    provides_extra=tuple(release.extras),
                )
        raise RequirementError(f"{name} has no version {version}")

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give the candidate registered for the URL. Raises `ProjectNotFound`."""
        self.calls.append(("direct", request.url))
        try:
            return self._direct[request.url]
        except KeyError:
            raise ProjectNotFound(f"nothing is at {mask_credentials(request.url)}") from None

    def known_names(self) -> Iterable[str]:
        """Give every name, for near misses."""
        return tuple(self._projects)

    def prefetch_pages(self, names: Iterable[str]) -> None:
        """Do nothing: everything is here."""

    def prefetch_metadata(self, artifacts: Iterable[Artifact]) -> None:
        """Do nothing: everything is here."""

    def load_digest(self, key: str) -> bytes | None:
        """Give a stored digest."""
        return self._digests[key][0] if key in self._digests else None

    def load_files(self, key: str) -> bytes | None:
        """Give the files that were stored with a digest."""
        return self._digests[key][1] if key in self._digests else None

    def store_digest(self, key: str, data: bytes, files: bytes) -> None:
        """Keep a digest."""
        self._digests[key] = (data, files)
