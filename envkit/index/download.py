"""Fetch a file whole: resumed when it is cut short, bounded, verified, then published into the cache."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from envkit.cache import Cache
from envkit.errors import TransportError
from envkit.events import Emitter
from envkit.host import files
from envkit.host.growing import GrowingFile
from envkit.index.places import cache_key, local_path
from envkit.index.session import Session, Unfinished
from envkit.index.transport import Response, Retriable
from envkit.index.verify import Hasher, check_file, file_is, raise_if_wrong
from envkit.model.candidate import Artifact
from envkit.model.recent import Recent

if TYPE_CHECKING:  # metadata is mostly read without a file
    from pathlib import Path

_PIECE = 256 * 1024
_REPORT_EVERY = 1 << 20
_NAMES = 50_000
"""Files without hashes that are known to be those at their addresses."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)\Z")


class Downloader:
    """Gives verified local files; thread-safe."""

    def __init__(self, *, session: Session, cache: Cache, emitter: Emitter, offline: bool) -> None:
        self._session = session
        self._bucket = cache.bucket("files", 1)
        self._emitter = emitter
        self._offline = offline
        self._unhashed = Recent[str, None](_NAMES)

    def cached(self, artifact: Artifact) -> Path | None:
        """Give the file where it is at hand and right; one that is damaged is removed."""
        path = local_path(artifact.url)
        if path is not None:
            return self._own(path, artifact)
        key = cache_key(artifact)
        entry = os.path.join(self._bucket.place(key), artifact.filename)
        if not os.path.exists(entry):
            return None
        if not artifact.hashes and key not in self._unhashed and not self._offline:
            return None  # nothing says that what is at the address now is what was there then
        if file_is(entry, artifact.hashes, artifact.size):
            from pathlib import Path

            self._bucket.touch(key)
            return Path(entry)
        self._bucket.remove(key)
        return None

    def _own(self, path: str, artifact: Artifact) -> Path:
        if not os.path.isfile(path):
            raise TransportError(f"{path}: no such file", context={"path": path})
        if artifact.hashes:
            check_file(path, artifact.hashes)
        from pathlib import Path

        return Path(path)

    def fetch(self, artifact: Artifact) -> Path:
        """Give the verified file. Raises `HashMismatch`, `TransportError`, `Cancelled`."""
        found = self.cached(artifact)
        if found is not None:
            return found
        if self._offline:
            raise TransportError(
                f"offline: {artifact.filename} is not in the cache",
                context={"offline": True, "filename": artifact.filename, "url": artifact.url},
            )
        key = cache_key(artifact)
        try:
            staging = self._bucket.staging()
            try:
                self._download(artifact, str(staging))
                published = self._bucket.publish(key, staging, name=artifact.filename)
            finally:
                with suppress(OSError):
                    files.unlink(str(staging), missing_ok=True)
        except OSError as error:
            raise TransportError(
                f"{artifact.filename} cannot be written to the cache in {self._bucket.root}: {error.strerror or error}",
                hint="the cache has to be a folder that can be written, with room in it",
                context={"filename": artifact.filename, "path": str(self._bucket.root)},
            ) from error
        if not artifact.hashes:
            self._unhashed[key] = None
        return published

    def forget(self, artifact: Artifact) -> None:
        """Remove a file from the cache."""
        self._bucket.remove(cache_key(artifact))

    def _download(self, artifact: Artifact, path: str) -> None:
        if self._emitter.active:
            from envkit.events import DownloadStarted

            self._emitter(
                DownloadStarted(operation=self._emitter.operation, filename=artifact.filename, total=artifact.size)
            )
        with GrowingFile(path) as target:
            job = _Download(artifact, target, self._session.limits.file_bytes, self._emitter)
            self._session.run(
                artifact.url, {"Accept-Encoding": "identity"}, job.consume, seconds=self._session.timeouts.file
            )
            size = target.size
        if self._emitter.active:
            from envkit.events import DownloadFinished

            self._emitter(DownloadFinished(operation=self._emitter.operation, filename=artifact.filename, total=size))


class _Download:
    """One download over all its attempts."""

    def __init__(self, artifact: Artifact, target: GrowingFile, limit: int, emitter: Emitter) -> None:
        self._artifact = artifact
        self._target = target
        self._limit = limit if artifact.size is None else min(limit, artifact.size)
        self._emitter = emitter
        self._hasher = Hasher(artifact.hashes)
        self._validator: str | None = None
        self._resumed = False
        self._reported = 0

    def consume(self, response: Response, url: str) -> None:
        """Take one response: all of the file, or the rest of it."""
        if response.status == 206 and self._target.size:
            match = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
            if match is None or int(match[1]) != self._target.size:
                self._restart()
                raise Unfinished("the server sent another part than was asked for", {})
            self._resumed = True
        elif response.status == 416 and self._target.size:
            self._restart()
            raise Unfinished("the server has no such part", {})
        elif response.status != 200:
            raise TransportError(
                f"the server answered {response.status}", context={"status": response.status, "url": url}
            )
        else:
            self._restart()
        self._note_validator(response)
        try:
            self._read(response)
        except Retriable as error:
            raise Unfinished(error.message, self._rest()) from error
        self._check(url)

    def _restart(self) -> None:
        if self._target.size:
            self._target.restart()
            self._hasher = Hasher(self._artifact.hashes)
            self._reported = 0
        self._resumed = False

    def _note_validator(self, response: Response) -> None:
        etag = response.headers.get("etag", "")
        self._validator = etag if etag.startswith('"') else response.headers.get("last-modified")

    def _rest(self) -> dict[str, str]:
        """Give the headers that ask for the rest: only where a hash or a validator guards against a mixture."""
        if not self._target.size or not (self._validator or self._artifact.hashes):
            return {}
        headers = {"Range": f"bytes={self._target.size}-"}
        if self._validator:
            headers["If-Range"] = self._validator
        return headers

    def _read(self, response: Response) -> None:
        while piece := response.read(_PIECE):
            if self._target.size + len(piece) > self._limit:
                raise TransportError(
                    f"{self._artifact.filename} is larger than the {self._limit} bytes that were announced or allowed"
                )
            self._hasher.update(piece)
            self._target.write(piece)
            if self._emitter.active and self._target.size - self._reported >= _REPORT_EVERY:
                from envkit.events import DownloadAdvanced

                self._reported = self._target.size
                self._emitter(
                    DownloadAdvanced(
                        operation=self._emitter.operation,
                        filename=self._artifact.filename,
                        done=self._target.size,
                        total=self._artifact.size,
                    )
                )
        if self._artifact.size is not None and self._target.size < self._artifact.size:
            raise Retriable(f"{self._artifact.size - self._target.size} bytes are missing")

    def _check(self, url: str) -> None:
        wrong = self._hasher.wrong()
        if wrong is None:
            return
        if self._resumed:
            # Parts of two different files may have been put together: once more, from the start.
            self._restart()
            raise Unfinished("the parts do not fit together", {})
        raise_if_wrong(self._hasher, f"{self._artifact.filename} from {url}")
