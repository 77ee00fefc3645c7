"""Turn what a requirement can name besides a project into sources on disk: URLs, paths, version control."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

from envkit.cache import Bucket
from envkit.dataclass import dataclass
from envkit.errors import InvalidSource, RequirementError
from envkit.index.vcs import Checkout, VcsRequest, is_vcs_url, parse_vcs_url, request_of
from envkit.model.candidate import Artifact
from envkit.model.recent import Recent
from envkit.model.secret import mask_credentials, strip_credentials
from envkit.model.source import Origin
from envkit.wheels.archive import archive_kind, archive_stem
from envkit.wheels.settings import BuildSettings
from envkit.wheels.trees import ArchiveTree, CheckoutTree, FolderTree, SourceTree

_ALGORITHMS = ("sha512", "sha384", "sha256")
_FILES = 1_000
_MAX_URL = 8192


class Fetcher(Protocol):
    """What is needed of the client of the indexes."""

    def fetch(self, artifact: Artifact) -> Path:
        """Give a local file whose hashes are right."""
        ...


class Vcs(Protocol):
    """What is needed of `envkit.index.vcs.VcsClient`."""

    def checkout(self, request: VcsRequest) -> Checkout:
        """Give the files."""
        ...

    def clone(self, request: VcsRequest, dest: str) -> str:
        """Clone for people to work in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a direct reference turned out to be: a wheel (*wheel* is its path), or something to build (*tree*).

    *artifact* is the archive or wheel, with its hash; None for folders and checkouts.
    """

    origin: Origin
    artifact: Artifact | None = None
    tree: SourceTree | None = None
    wheel: str | None = None


class Sources:
    """Finds sources through a client for files and one for version control (made by *vcs* when it is needed).

    *notes* is a bucket for what is known of folders. Editable projects from version control are cloned below
    *editable_dir*.
    """

    def __init__(
        self,
        client: Fetcher,
        vcs: Callable[[], Vcs],
        *,
        notes: Bucket,
        settings: BuildSettings,
        editable_dir: str | None = None,
    ) -> None:
        self._editable_dir = editable_dir
        self._client = client
        self._vcs = vcs
        self._notes = notes
        self._settings = settings
        self._files = Recent[str, str](_FILES)

    def sdist(self, artifact: Artifact, *, name: str | None = None, version: str | None = None) -> ArchiveTree:
        """Give an sdist of an index. Its name says what it has to be, unless *name* and *version* do."""
        if name is None or version is None:
            name, version = _split_sdist(artifact.filename)
        return self._archive(artifact, name=name, version=version, subdirectory=None)

    def direct(self, url: str, *, name: str | None = None, editable: bool = False) -> Found:
        """Give what *url* names, with its fragment as written; a ``file:`` URL or an absolute path may name a folder.

        Raises `RequirementError`, `InvalidSource`, `VcsError`, `HashMismatch` or `TransportError`.
        """
        if len(url) > _MAX_URL:
            raise RequirementError(f"a URL of {len(url)} characters is longer than {_MAX_URL}")
        if os.path.isabs(url):
            place, mark, rest = url.partition("#")
            url = Path(place).as_uri() + mark + rest
        if is_vcs_url(url):
            request = parse_vcs_url(url)
            return self._clone(request, url, name=name) if editable else self._checkout(request, name=name)
        try:
            parts = urlsplit(url)
            fragment = parse_qs(parts.fragment, max_num_fields=16)
        except ValueError as error:
            raise RequirementError(f"{mask_credentials(url)[:200]}: no URL: {error}") from error
        if parts.scheme not in ("file", "https", "http"):
            shown = mask_credentials(url)[:200]
            if not parts.scheme:
                raise RequirementError(
                    f"{shown}: neither a URL nor an absolute path",
                    hint="give the absolute path, a file: URL, or a pathlib.Path without a name in front",
                )
            raise RequirementError(f"{shown}: the scheme {parts.scheme!r} cannot be fetched")
        path = _local(parts) if parts.scheme == "file" else None
        if path is not None and os.path.isdir(path):
            below = fragment.get("subdirectory", [None])[-1]
            return self._folder(path, name=name, editable=editable, subdirectory=below)
        if editable:
            if path is not None and not os.path.exists(path):
                raise RequirementError(f"{path}: no such folder", context={"path": path})
            raise RequirementError(f"{mask_credentials(url)[:200]}: only a local folder can be editable")
        return self._file(parts, fragment, name=name, path=path)

    def of_origin(self, origin: Origin, artifact: Artifact | None, *, name: str, version: str) -> SourceTree:
        """Give the source that was resolved before to *origin*, and to *artifact* for an archive."""
        if origin.kind == "vcs":
            tree = self._checkout(request_of(origin), name=name).tree
        elif origin.kind == "directory":
            path = _local(urlsplit(origin.url))
            tree = self._folder(path, name=name, editable=origin.editable, subdirectory=origin.subdirectory).tree
        elif artifact is not None:
            tree = self._archive(artifact, name=name, version=version, subdirectory=origin.subdirectory)
        else:
            raise InvalidSource(f"{name}: {origin.url} was resolved to no file", context={"url": origin.url})
        assert tree is not None
        return tree

    def _archive(
        self, artifact: Artifact, *, name: str | None, version: str | None, subdirectory: str | None
    ) -> ArchiveTree:
        # What is called as sdists are (PEP 625) is taken for one, also where no index says so.
        sdist = subdirectory is None and _split_sdist(artifact.filename)[0] is not None
        known = artifact.hashes.get("sha256")
        path = self._files.get(known) if known else None
        if path is None or not os.path.exists(path):
            path = str(self._client.fetch(artifact))
        digest = known or _sha256(path)
        identity = hashlib.sha256(f"archive {digest} {subdirectory or ''} {sdist}".encode()).hexdigest()
        return ArchiveTree(
            subject=f"{name} {version}" if name and version else f"{name or artifact.filename}",
            name=name,
            version=version,
            identity=identity,
            sdist=sdist,
            path=path,
            filename=artifact.filename,
            subdirectory=subdirectory,
        )

    def _file(
        self, parts: SplitResult, fragment: Mapping[str, list[str]], *, name: str | None, path: str | None
    ) -> Found:
        plain = urlunsplit(parts._replace(fragment=""))
        filename = unquote(parts.path.rpartition("/")[2])
        is_wheel = filename.endswith(".whl")
        if path is not None and not os.path.exists(path):
            raise RequirementError(f"{path}: no such file or folder", context={"path": path})
        if not is_wheel and archive_kind(filename) is None:
            reader = "envkit.formats.requirements_txt.read_requirements reads files of requirements"
            raise RequirementError(
                f"{mask_credentials(plain)[:200]} is neither a wheel, a source archive nor a folder",
                hint=reader if filename.endswith((".txt", ".in")) else None,
                context={"url": mask_credentials(plain)},
            )
        if os.sep in filename or "\\" in filename or not filename.isprintable():
            raise RequirementError("the URL has no file name")
        hashes = {key: fragment[key][-1].lower() for key in _ALGORITHMS if key in fragment}
        fetched = path or str(self._client.fetch(Artifact(filename=filename, url=plain, hashes=hashes)))
        if path is not None and hashes:
            self._client.fetch(Artifact(filename=filename, url=plain, hashes=hashes))  # which compares them
        if not os.path.isfile(fetched):
            raise RequirementError(f"{fetched}: no regular file", context={"path": fetched})
        sha256 = _sha256(fetched)
        self._files[sha256] = fetched
        clean = strip_credentials(plain)
        subdirectory = fragment.get("subdirectory", [None])[-1]
        artifact = Artifact(filename=filename, url=clean, hashes={"sha256": sha256}, size=os.path.getsize(fetched))
        origin = Origin(url=clean, kind="archive", hashes=(("sha256", sha256),), subdirectory=subdirectory)
        if is_wheel:
            return Found(origin=origin, artifact=artifact, wheel=fetched)
        tree = self._archive(artifact, name=name, version=None, subdirectory=subdirectory)
        return Found(origin=origin, artifact=artifact, tree=tree)

    def _folder(self, path: str, *, name: str | None, editable: bool, subdirectory: str | None) -> Found:
        real = os.path.realpath(path)
        below = os.path.normpath(os.path.join(real, subdirectory)) if subdirectory else real
        if not os.path.isdir(below):
            raise RequirementError(f"{below}: no such folder", context={"path": below})
        if not any(os.path.lexists(os.path.join(below, file)) for file in ("pyproject.toml", "setup.py")):
            # Before its content is looked at: a folder named by mistake may be a whole disk.
            raise InvalidSource(f"{below} is no project: it has no pyproject.toml and no setup.py")
        identity = folder_key = None
        settings = self._settings
        if not editable:
            from envkit.wheels.inputs import folder_identity

            folder_key = folder_identity(
                below, inputs=settings.inputs, ignored=settings.ignored, memo=self._notes, now=time.time()
            )
        if folder_key is not None:
            identity = hashlib.sha256(f"folder {below} {folder_key}".encode("utf-8", "surrogateescape")).hexdigest()
        tree = FolderTree(subject=below, name=name, identity=identity, path=below)
        origin = Origin(url=Path(below).as_uri(), kind="directory", editable=editable)
        return Found(origin=origin, tree=tree)

    def _clone(self, request: VcsRequest, url: str, *, name: str | None) -> Found:
        """Clone for people to work in: from then on it is a folder like any other (PEP 610 wants it so)."""
        if self._editable_dir is None:
            raise RequirementError(
                f"{request.shown}: there is no folder for editable clones", hint="clone it, and name the folder"
            )
        # By the name that the URL gives the project, as pip does: many repositories have the same last part.
        egg = re.search(r"#(?:.*&)?egg=([\w.-]+)", url, re.ASCII)
        last = unquote(urlsplit(request.url).path).rstrip("/").rpartition("/")[2].removesuffix(".git")
        folder = egg[1] if egg is not None else last
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", folder):
            raise RequirementError(f"{request.shown}: its last part is no name for a folder")
        dest = os.path.join(self._editable_dir, folder)
        self._vcs().clone(request, dest)
        return self._folder(dest, name=name, editable=True, subdirectory=request.subdirectory)

    def _checkout(self, request: VcsRequest, *, name: str | None) -> Found:
        checkout = self._vcs().checkout(request)
        tree = CheckoutTree(
            subject=request.shown,
            name=name,
            identity=hashlib.sha256(f"checkout {checkout.identity}".encode()).hexdigest(),
            path=checkout.path,
            subdirectory=request.subdirectory,
        )
        return Found(origin=checkout.origin, tree=tree)


def _split_sdist(filename: str) -> tuple[str | None, str | None]:
    from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

    try:
        name, version = parse_sdist_filename(f"{archive_stem(filename)}.tar.gz")
    except InvalidSdistFilename:
        return None, None
    return canonicalize_name(name), str(version)


def _sha256(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _local(parts: SplitResult) -> str:
    if parts.netloc not in ("", "localhost"):
        raise RequirementError(f"{parts.geturl()[:200]}: a file URL of another host")
    path = url2pathname(parts.path)
    if not os.path.isabs(path) or "\0" in path:
        raise RequirementError(f"{parts.geturl()[:200]}: no absolute file URL")
    return path
