"""Check out what a version control URL names: resolved to a commit, kept in the cache, the same way for each system."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Protocol

from envkit.cache import Cache
from envkit.dataclass import dataclass
from envkit.errors import VcsError
from envkit.events import Emitter
from envkit.host import files
from envkit.host.locks import Busy, FileLock
from envkit.index.vcs_git import Git
from envkit.index.vcs_others import Bazaar, Mercurial, Subversion
from envkit.index.vcs_run import VcsRunner
from envkit.index.vcs_url import VcsRequest, is_vcs_url, parse_vcs_url, request_of
from envkit.model.source import Origin

__all__ = ["Checkout", "VcsClient", "VcsRequest", "is_vcs_url", "parse_vcs_url", "request_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The files of one commit at *path*, which belongs to the cache: read it, and copy it before anything is changed.

    *identity* is a digest that is equal for equal files of equal repositories only.
    """

    path: str
    commit: str
    origin: Origin
    identity: str


class _System(Protocol):
    def resolve(self, request: VcsRequest) -> str: ...
    def checkout(self, request: VcsRequest, commit: str) -> str: ...


class VcsClient:
    """Checks out through the programs ``git``, ``hg``, ``svn`` and ``brz`` or ``bzr``. Thread-safe, and across processes.

    *environ* is the caller's environment, of which the programs see an allow-list; *timeout* is in seconds for each
    command. With *offline* only what the cache holds is given.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        environ: Mapping[str, str],
        emitter: Emitter | None = None,
        timeout: float = 900.0,
        offline: bool = False,
    ) -> None:
        self._bucket = cache.bucket("vcs")
        self._emitter = emitter or Emitter(kind="vcs")
        runner = VcsRunner(environ=dict(environ), emitter=self._emitter, timeout=timeout)
        root = str(self._bucket.root)
        self._timeout = timeout
        self._git = Git(os.path.join(root, "git"), runner, offline=offline)
        self._systems: dict[str, _System] = {
            "git": self._git,
            "hg": Mercurial(os.path.join(root, "hg"), runner, offline=offline),
            "svn": Subversion(os.path.join(root, "svn"), runner, offline=offline),
            "bzr": Bazaar(os.path.join(root, "bzr"), runner, offline=offline),
        }

    def clone(self, request: VcsRequest, dest: str) -> str:
        """Make a clone at *dest* for people to work in, and give its commit; git alone.

        One that is there already at the wanted commit stays as it is, with what was changed in it. At another commit it is
        brought to the wanted one, unless anything of people's could get lost: `VcsError` says what then, and for anything
        else that is there.
        """
        if request.system != "git":
            raise VcsError(
                f"{request.shown}: only git projects can be editable", hint="check it out, and name the folder"
            )
        git = self._git
        with self._take(request):
            commit = git.resolve(request)
            if os.path.lexists(dest):
                there = git.head(request, dest) if os.path.isdir(dest) else None
                reason = None if there == commit else git.advance(request, commit, dest) if there else "it is no clone"
                if reason is not None:
                    raise VcsError(
                        f"{request.shown}: there is something else at {dest}, which is left as it is: {reason}",
                        hint=f"move it away, or bring it to the commit {commit[:12]}",
                        context={"url": request.shown, "path": dest, "commit": commit, "reason": reason},
                    )
                return commit
            files.make_dirs(os.path.dirname(dest))
            try:
                git.clone(request, commit, dest)
            except BaseException:
                files.remove_tree(dest)
                raise
        return commit

    def checkout(self, request: VcsRequest | str) -> Checkout:
        """Give the files that *request* names. Raises `VcsError`; credentials are in no text of it."""
        if isinstance(request, str):
            request = parse_vcs_url(request)
        system = self._systems[request.system]
        with self._take(request):
            commit = system.resolve(request)
            path = system.checkout(request, commit)
        text = repr((request.system, request.url, commit, request.subdirectory, request.lfs))
        identity = hashlib.sha256(text.encode()).hexdigest()
        return Checkout(path=path, commit=commit, origin=request.origin(commit), identity=identity)

    def _take(self, request: VcsRequest) -> FileLock:
        try:
            return self._lock(request).acquire(timeout=self._timeout, purpose="checkout", pause=self._pause)
        except Busy as error:
            raise VcsError(f"{request.shown}: another process has been using the repository for too long") from error

    def _lock(self, request: VcsRequest) -> FileLock:
        folder = os.path.join(str(self._bucket.root), "locks")
        files.make_dirs(folder, 0o700)
        return FileLock(os.path.join(folder, hashlib.sha256(request.url.encode()).hexdigest()[:32]))

    def _pause(self, seconds: float) -> None:
        import time

        self._emitter.check()
        time.sleep(seconds)
