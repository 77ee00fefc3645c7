"""Mercurial, Subversion and Bazaar, through their own programs, with the interface of `envkit.index.vcs_git.Git`."""

from __future__ import annotations

import os
import re
import shutil

from envkit.errors import VcsError
from envkit.host import files
from envkit.index.vcs_git import place_of
from envkit.index.vcs_run import VcsRunner
from envkit.index.vcs_url import VcsRequest

_NODE = re.compile(r"[0-9a-f]{40}\Z")
_HG = ("hg", "--noninteractive", "--config", "ui.ssh=ssh -oBatchMode=yes", "--config", "ui.merge=internal:fail")
_SVN = ("svn", "--non-interactive", "--no-auth-cache")


class _Plain:
    """One folder for each repository and commit."""

    def __init__(self, root: str, runner: VcsRunner, *, offline: bool) -> None:
        self._root = root
        self._runner = runner
        self._offline = offline

    def _place(self, request: VcsRequest, commit: str) -> str:
        folder = place_of(self._root, request)
        files.make_dirs(folder, 0o700)
        return os.path.join(folder, commit)

    def _need_network(self, request: VcsRequest) -> None:
        if self._offline:
            raise VcsError(
                f"{request.shown}: it is not in the cache, and envkit is offline", context={"url": request.shown}
            )

    def _begin(self, path: str) -> bool:
        if os.path.exists(f"{path}.done"):
            return False
        files.remove_tree(path)
        return True

    def _finish(self, path: str) -> str:
        files.write_bytes(f"{path}.done", b"", 0o600)
        return path


class Mercurial(_Plain):
    """Keeps a clone for each repository and a folder for each commit."""

    def resolve(self, request: VcsRequest) -> str:
        """Give the full node of the revision (a branch, bookmark, tag or node; the tip of the default branch without)."""
        store = self._place(request, "store")
        here = os.path.isdir(os.path.join(store, ".hg"))
        revision = request.revision or "default"
        if here and (self._offline or _NODE.match(revision)):
            found = self._identify(store, request, revision)
            if found is not None:
                return found
        self._need_network(request)
        if here:
            self._runner.run([*_HG, "pull", "--cwd", store, "--quiet", "--", request.url], shown=request.shown)
        else:
            files.remove_tree(store)
            self._runner.run([*_HG, "clone", "--noupdate", "--quiet", "--", request.url, store], shown=request.shown)
        found = self._identify(store, request, revision)
        if found is None and request.revision is None:
            found = self._identify(store, request, "tip")
        if found is None:
            raise VcsError(f"{request.shown}: there is no revision {revision!r}", context={"url": request.shown})
        return found

    def checkout(self, request: VcsRequest, commit: str) -> str:
        """Give a folder with the files of *commit*."""
        path = self._place(request, commit)
        if self._begin(path):
            store = self._place(request, "store")
            self._runner.run([*_HG, "clone", "--noupdate", "--quiet", "--", store, path], shown=request.shown)
            self._runner.run([*_HG, "update", "--cwd", path, "--clean", f"--rev={commit}"], shown=request.shown)
            self._finish(path)
        return path

    def _identify(self, store: str, request: VcsRequest, revision: str) -> str | None:
        # Quoted, the text is a name to the language of revision sets, and nothing else.
        name = "'" + revision.replace("\\", "\\\\").replace("'", "\\'") + "'"
        status, output = self._runner.run(
            [*_HG, "log", "--cwd", store, "--limit=1", "--template={node}\\n", f"--rev={name}"],
            shown=request.shown,
            allowed=(0, 1, 255),
        )
        lines = output.split()
        return lines[-1] if status == 0 and lines and _NODE.match(lines[-1]) else None


class Subversion(_Plain):
    """Revisions are numbers; externals are not followed, as they may name any place."""

    def resolve(self, request: VcsRequest) -> str:
        """Give the number of the revision; that of the last change without one."""
        revision = request.revision or "HEAD"
        if not revision.isdecimal() and revision != "HEAD":
            raise VcsError(f"{request.shown}: {revision!r} is no revision number", context={"url": request.shown})
        if revision.isdecimal() and os.path.exists(self._place(request, revision) + ".done"):
            return revision
        self._need_network(request)
        _, output = self._runner.run(
            [*_SVN, "info", "--show-item=revision", f"--revision={revision}", "--", f"{request.url}@"],
            shown=request.shown,
        )
        number = output.split()[-1] if output.split() else ""
        if not number.isdecimal():
            raise VcsError(f"{request.shown}: svn told no revision", context={"url": request.shown})
        return number

    def checkout(self, request: VcsRequest, commit: str) -> str:
        """Give a folder with the files of revision *commit*."""
        path = self._place(request, commit)
        if self._begin(path):
            self._need_network(request)
            command = [*_SVN, "checkout", "--quiet", "--ignore-externals", f"--revision={commit}"]
            self._runner.run([*command, "--", f"{request.url}@", path], shown=request.shown)
            self._finish(path)
        return path


class Bazaar(_Plain):
    """Revisions are numbers or tags; the program is ``brz`` (Breezy) or ``bzr``."""

    def resolve(self, request: VcsRequest) -> str:
        """Give the number of the revision; the last one without one."""
        revision = request.revision
        if revision is not None and revision.isdecimal() and os.path.exists(self._place(request, revision) + ".done"):
            return revision
        self._need_network(request)
        chosen = [] if revision is None else [f"--revision={revision if revision.isdecimal() else f'tag:{revision}'}"]
        _, output = self._runner.run([self._program(), "revno", *chosen, "--", request.url], shown=request.shown)
        number = output.split()[-1] if output.split() else ""
        if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)*", number):
            raise VcsError(f"{request.shown}: bzr told no revision", context={"url": request.shown})
        return number

    def checkout(self, request: VcsRequest, commit: str) -> str:
        """Give a folder with the files of revision *commit*."""
        path = self._place(request, commit)
        if self._begin(path):
            self._need_network(request)
            command = [self._program(), "checkout", "--lightweight", "--quiet", f"--revision={commit}"]
            self._runner.run([*command, "--", request.url, path], shown=request.shown)
            self._finish(path)
        return path

    def _program(self) -> str:
        search = self._runner.environ.get("PATH")
        return next((name for name in ("brz", "bzr") if shutil.which(name, path=search)), "bzr")
