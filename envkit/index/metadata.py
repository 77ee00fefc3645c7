"""Core metadata of a file without the file, where an index or its server allows that.

What came from a sidecar or from ranges is only a promise until the file itself is there. The cache keeps, beside the
metadata, whether it was seen in a verified file, and `confirm` compares once.
"""

from __future__ import annotations

import time
from contextlib import suppress

from envkit.cache import Cache
from envkit.errors import IndexAccessError, InvalidWheel, MetadataMismatch, RequirementError, TransportError
from envkit.events import Emitter
from envkit.index.download import Downloader
from envkit.index.places import cache_key, group_of, local_path
from envkit.index.session import Session
from envkit.index.verify import check_bytes, strongest
from envkit.model.candidate import Artifact
from envkit.model.metadata import parse_metadata
from envkit.model.recent import Recent

_PROMISED, _SEEN = b"p", b"s"
_MISSED = 0.25
"""Seconds for which metadata that is not in the cache is not looked for again: a walk keeps asking whether it has come."""
_JUST_READ = 100
"""Texts that were just read and are held for whoever wanted them; the long ones are read back."""
_LONG = 64 * 1024
_NAMES = 50_000
"""Files of which is remembered that they are not in the cache; a tenth as many texts are held of files without hashes."""


class MetadataReader:
    """Gives metadata of artifacts; thread-safe."""

    def __init__(
        self, *, session: Session, cache: Cache, downloader: Downloader, emitter: Emitter, offline: bool
    ) -> None:
        self._session = session
        self._bucket = cache.bucket("metadata", 2)
        self._downloader = downloader
        self._emitter = emitter
        self._offline = offline
        self._no_ranges: set[str] = set()
        self._unhashed = Recent[str, bytes](_NAMES // 10)
        self._missed = Recent[str, float](_NAMES)
        self._just_read: dict[str, bytes] = {}

    def cached(self, artifact: Artifact, *, surely: bool = False) -> bytes | None:
        """Give metadata that is at hand; *surely*: look also where nothing was a moment ago."""
        if not artifact.hashes:
            # Nothing says that it still belongs to what is at the address, but for the life of one client.
            return self._unhashed.get(artifact.url)
        key = _key(artifact)
        read = self._just_read.get(key)
        if read is not None:
            return read
        if not surely and self._missed.get(key, 0.0) > time.monotonic():
            return None
        data = self._bucket.get(key)
        if not data:
            self._missed[key] = time.monotonic() + _MISSED
            return None
        return data[1:]

    def read(self, artifact: Artifact) -> bytes:
        """Give the metadata from the cache, a sidecar, ranges or the file, in this order.

        Raises `IndexAccessError`, or `InvalidWheel` where the verified file is no wheel of this project.
        """
        # Whoever noted that nothing is there may have looked before another thread kept it, and noted it since.
        data = self.read_cached(artifact, surely=True)
        if data is None:
            data, how = self._find(artifact)
            if artifact.hashes:
                self._keep(_key(artifact), data, how)
            elif how in ("sidecar", "range"):
                self._unhashed[artifact.url] = data
            self._report(artifact, how)
        return data

    def _keep(self, key: str, data: bytes, how: str) -> None:
        if len(self._just_read) >= _JUST_READ:
            self._just_read.clear()
        if len(data) < _LONG:
            self._just_read[key] = data
        self._missed.pop(key, None)
        with suppress(OSError):
            self._bucket.put(key, (_SEEN if how == "file" else _PROMISED) + data)

    def read_cached(self, artifact: Artifact, *, surely: bool = False) -> bytes | None:
        """Give metadata that is at hand, and tell that it was used; *surely* as with `cached`."""
        data = self.cached(artifact, surely=surely)
        if data is not None:
            self._just_read.pop(_key(artifact), None)
            self._report(artifact, "cache")
        return data

    def _report(self, artifact: Artifact, how: str) -> None:
        if self._emitter.active:
            from envkit.events import MetadataFetched

            self._emitter(
                MetadataFetched(
                    operation=self._emitter.operation,
                    project=group_of(artifact.filename),
                    filename=artifact.filename,
                    how=how,
                )
            )

    def _find(self, artifact: Artifact) -> tuple[bytes, str]:
        local = local_path(artifact.url) is not None
        if not local and not (self._offline and artifact.metadata is None):
            file = self._downloader.cached(artifact)
            if file is not None and artifact.is_wheel:
                return self._of_file(str(file), artifact), "file"
        if self._offline and not local:
            raise TransportError(
                f"offline: the metadata of {artifact.filename} is not in the cache",
                hint="ask for it once without offline",
                context={"offline": True, "filename": artifact.filename, "url": artifact.url},
            )
        if artifact.metadata is not None and not local:
            data = self._sidecar(artifact)
            if data is not None:
                return data, "sidecar"
        if not artifact.is_wheel:
            raise IndexAccessError(
                f"{artifact.filename}: the index has no metadata of this sdist", context={"filename": artifact.filename}
            )
        if not local:
            data = self._ranges(artifact)
            if data is not None:
                return data, "range"
        return self._of_file(str(self._downloader.fetch(artifact)), artifact), "file"

    def _sidecar(self, artifact: Artifact) -> bytes | None:
        url = artifact.url + ".metadata"
        answer = self._session.get(url, {"Accept-Encoding": "gzip"}, max_bytes=self._session.limits.metadata_bytes)
        if answer.status in (404, 410, 403):
            return None  # advertised but not there: the file still is
        if answer.status != 200:
            raise TransportError(f"{url}: the server answered {answer.status}", context={"status": answer.status})
        check_bytes(answer.body, artifact.metadata or {}, f"metadata of {artifact.filename}")
        check_subject(answer.body, artifact, MetadataMismatch)
        return answer.body

    def _ranges(self, artifact: Artifact) -> bytes | None:
        from envkit.index.ranged import RangesUnsupported, remote_metadata  # loads what reads archives

        place = artifact.url.partition("://")[2].partition("/")[0]
        if place in self._no_ranges:
            return None
        try:
            data = remote_metadata(self._session, artifact.url, artifact.filename, self._session.limits.metadata_bytes)
        except RangesUnsupported:
            self._no_ranges.add(place)
            return None
        except InvalidWheel:
            return None  # the whole file, checked against its hash, tells the server's fault from the wheel's
        check_subject(data, artifact, MetadataMismatch)
        return data

    def _of_file(self, path: str, artifact: Artifact) -> bytes:
        from envkit.index.ranged import wheel_metadata

        try:
            with open(path, "rb") as stream:
                data = wheel_metadata(stream, artifact.filename, self._session.limits.metadata_bytes)
        except OSError as error:
            raise TransportError(f"{path}: {error.strerror or error}") from error
        check_subject(data, artifact, MetadataMismatch)
        return data

    def confirm(self, artifact: Artifact, path: str) -> None:
        """Compare what was promised with the verified file. Raises `MetadataMismatch`, and then keeps neither."""
        if not artifact.is_wheel or local_path(artifact.url) is not None:
            return
        key = _key(artifact)
        unhashed = self._unhashed.pop(artifact.url, None) if not artifact.hashes else None
        promised = _PROMISED + unhashed if unhashed is not None else self._bucket.get(key)
        if not promised or promised[:1] == _SEEN:
            return
        actual = self._of_file(path, artifact)
        if promised[1:] != actual and not _agree(promised[1:], actual):
            self._just_read.pop(key, None)
            self._bucket.remove(key)
            raise MetadataMismatch(
                f"{artifact.filename}: the metadata inside differs from what the index gave for it",
                hint="the index is broken or was tampered with",
                context={"filename": artifact.filename, "url": artifact.url, "index": artifact.index},
            )
        with suppress(OSError):
            self._bucket.put(key, _SEEN + actual)


def _key(artifact: Artifact) -> str:
    """Give the key of an artifact's metadata: what one index promises of a file is no answer for another with the same."""
    promise = strongest(artifact.metadata or {})
    return f"{cache_key(artifact)} {artifact.url if promise is None else ':'.join(promise)}"


def check_subject(data: bytes, artifact: Artifact, kind: type[IndexAccessError]) -> None:
    """Raise *kind* where metadata is not that of the artifact's project and version, as its file name has them."""
    from envkit.model.identity import normalize, parse_version

    if not artifact.is_wheel:
        return
    try:
        found = parse_metadata(data, where=artifact.filename)
        project, version = artifact.filename.split("-")[:2]
        right = normalize(found.name) == normalize(project) and parse_version(found.version) == parse_version(version)
    except RequirementError as error:
        raise kind(str(error), context={"filename": artifact.filename}) from error
    if not right:
        raise kind(
            f"{artifact.filename}: its metadata is of {found.name[:100]} {found.version[:100]}",
            context={"filename": artifact.filename, "name": found.name[:200], "version": found.version[:200]},
        )


def _agree(promised: bytes, actual: bytes) -> bool:
    try:
        one, two = parse_metadata(promised), parse_metadata(actual)
    except RequirementError:
        return False
    return (
        one.name == two.name
        and one.version == two.version
        and sorted(one.requires_dist) == sorted(two.requires_dist)
        and one.requires_python == two.requires_python
        and sorted(one.provides_extra) == sorted(two.provides_extra)
    )
