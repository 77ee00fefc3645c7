"""Locks of what people ask for: of names, and of places that only their metadata can name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.dataclass import replace
from envkit.environment.environment import Environment
from envkit.errors import LockError, RequirementError
from envkit.formats.lock import Lock
from envkit.index.places import local_path
from envkit.index.vcs_url import is_vcs_url
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.direct_hashes import digests_of
from envkit.kit.operations import hashed_source, with_file_options
from envkit.kit.parts import Parts
from envkit.kit.wanted import Wanted, looks_direct
from envkit.model.arguments import several
from envkit.model.editable import Editable
from envkit.model.lock import LockedPackage
from envkit.model.requested import RequirementEntry
from envkit.model.secret import mask_credentials, strip_credentials
from envkit.model.target import Target
from envkit.resolve.inputs import place, split_extras
from envkit.resolve.ports import DirectRequest

if TYPE_CHECKING:
    from envkit.kit.source import Builder, IndexSource
    from envkit.model.candidate import Artifact, CoreMetadata
    from envkit.resolve.ports import DirectCandidate


def lock(
    parts: Parts,
    wanted: Wanted,
    *,
    extras: Mapping[str, Any] | None,
    groups: Mapping[str, Any] | None,
    **options: Any,
) -> Lock:
    """Lock *wanted* for all environments in a range; *options* are those of `Resolver.lock`."""
    parts = with_file_options(parts, wanted)
    for check in wanted.checks:
        check(None)  # a lock is for targets of all kinds
    here = Interpreter.current()
    source = hashed_source(parts, here, wanted) or parts.source(here)
    naming = _Naming(source)
    requirements = naming.texts(wanted.requirements)
    more = [
        {name: naming.texts(several(f"{kind}[{name!r}]", given)) for name, given in (table or {}).items()}
        for kind, table in (("extras", extras), ("groups", groups))
    ]
    editable = naming.editable
    if editable:
        source = source.with_builder(lambda builder: EditableBuilds(builder, editable))
    locked = parts.resolver(Target.of(here), here, source).lock(
        requirements,
        constraints=naming.texts(wanted.constraints),
        hashes=wanted.hashes,
        extras=more[0],
        groups=more[1],
        **options,
    )
    # The requirement texts of an earlier lock do not tell which folders were editable.
    return replace(locked, packages=tuple(_hashed(_marked(package, editable)) for package in locked.packages))


def pylock(parts: Parts, env: Environment) -> Lock:
    """Give a lock of what is installed in *env*, asking indexes for what nobody wrote down."""
    from envkit.kit.lookup import IndexLookup

    return Lock.of(parts.freezer(env).pylock(lookup=IndexLookup(parts.client, parts.pool)))


def _marked(package: LockedPackage, editable: Collection[str]) -> LockedPackage:
    origin = package.origin
    if origin is None or origin.kind != "directory" or origin.editable == (origin.url in editable):
        return package
    return replace(package, origin=replace(origin, editable=not origin.editable))


def _hashed(package: LockedPackage) -> LockedPackage:
    """Add the hashes of files in folders of links, where no page gives any."""
    if all(artifact.hashes for artifact in package.artifacts):
        return package
    return replace(package, artifacts=tuple(map(_with_hash, package.artifacts)))


def _with_hash(artifact: Artifact) -> Artifact:
    path = None if artifact.hashes else local_path(artifact.url)
    if path is None:
        return artifact
    try:
        return replace(artifact, hashes=digests_of(Path(path), ("sha256",)), size=os.path.getsize(path))
    except OSError as error:
        raise LockError(f"{path} cannot be read: {error.strerror}", context={"path": path}) from error


class _Naming:
    """Puts names in front of places; *editable* are the URLs of the folders whose sources stay in use."""

    def __init__(self, source: IndexSource) -> None:
        self._source = source
        self.editable: set[str] = set()

    def texts(self, given: Iterable[Any]) -> list[Any]:
        return [self._text(one) for one in given]

    def _text(self, given: Any) -> Any:
        if isinstance(given, RequirementEntry):
            given = given.requirement
        if isinstance(given, Path):
            return self._named(DirectRequest(url=place(given)), (), None)
        if isinstance(given, Editable):
            target, extras = (given.target, ()) if isinstance(given.target, Path) else split_extras(given.target)
            url = place(target)
            if is_vcs_url(url):
                raise RequirementError(
                    f"a lock for many machines cannot hold an editable checkout of {mask_credentials(url)}",
                    hint="lock the repository itself, or a folder with its sources",
                    context={"url": mask_credentials(url)},
                )
            self.editable.add(strip_credentials(url.partition("#")[0]))
            return self._named(DirectRequest(url=url, name=given.name, editable=True), extras, given.marker)
        if isinstance(given, str) and looks_direct(given):
            text, _, marker = given.partition(" ;")
            url, extras = split_extras(text.strip())
            return self._named(DirectRequest(url=url), extras, marker.strip() or None)
        return given

    def _named(self, request: DirectRequest, extras: tuple[str, ...], marker: str | None) -> str:
        name = request.name or self._source.direct(request).name
        asked = f"[{','.join(extras)}]" if extras else ""
        return f"{name}{asked} @ {request.url}" + (f" ; {marker}" if marker else "")


class EditableBuilds:
    """A `Builder` that asks *builder* for the folders *editable* as they are when their sources stay in use.

    What a backend says of such a project may differ: it may need something more to be found.
    """

    def __init__(self, builder: Builder, editable: Collection[str]) -> None:
        self._builder, self._editable = builder, editable

    def sdist_metadata(self, artifact: Artifact) -> CoreMetadata:
        """Give the metadata of an sdist of an index."""
        return self._builder.sdist_metadata(artifact)

    def direct(self, request: DirectRequest) -> DirectCandidate:
        """Give what a direct request names."""
        if not request.editable and request.url.partition("#")[0] in self._editable:
            request = replace(request, editable=True)
        return self._builder.direct(request)
