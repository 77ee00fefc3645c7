"""Git: one partial clone for each repository, one worktree for each commit, both kept in the cache.

A clone holds all commits and tags but only the files of the commits that were used (``--filter=blob:none``, where the
server can). Names are resolved by us among branches, tags and refs, in this order, so that no text of a user's reaches
git's own revision language.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from urllib.parse import quote, unquote, urlsplit

from envkit.errors import VcsError
from envkit.host import files
from envkit.index.vcs_run import VcsRunner
from envkit.index.vcs_url import VcsRequest

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_SHORT = re.compile(r"[0-9a-f]{7,63}\Z")
_SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.askPass=", "-c", "core.protectHFS=true",
    "-c", "core.protectNTFS=true", "-c", "protocol.ext.allow=never", "-c", "submodule.recurse=false", "-c", "gc.auto=0",
    "-c", "maintenance.auto=false", "-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60",
    "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false",
)  # fmt: skip
_LFS = (
    "-c", "filter.lfs.clean=git-lfs clean -- %f", "-c", "filter.lfs.smudge=git-lfs smudge -- %f",
    "-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.required=true",
)  # fmt: skip
_PROTOCOLS = "https:http:ssh:git:file"
_SUBMODULE_PROTOCOLS = "https:http:ssh:git"
"""Without ``file``: a submodule of a hostile repository could name files of this machine (CVE-2022-39253)."""


_OURS = "refs/envkit/commit"
"""What we last brought a clone to: it stays known when the repository's own branches were rewritten."""
_UNDER_WAY = (
    "rebase-merge",
    "rebase-apply",
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "BISECT_LOG",
    "sequencer",
)


class Git:
    """Resolves and checks out below *root*, whose lock the caller holds for the repository in question."""

    def __init__(self, root: str, runner: VcsRunner, *, offline: bool) -> None:
        self._root = root
        self._runner = runner
        self._offline = offline

    def resolve(self, request: VcsRequest) -> str:
        """Give the commit that *request* means now; a full commit that is here needs no network."""
        store = self._store(request)
        revision = request.revision
        if revision is not None and _COMMIT.match(revision) and self._has(store, revision, request):
            return revision
        if not self._offline:
            self._fetch(
                store,
                request,
                "+refs/heads/*:refs/remotes/origin/*",
                "+refs/tags/*:refs/tags/*",
                "+HEAD:refs/envkit/HEAD",
            )
        found = self._look_up(store, request)
        if found is None and revision is not None and not self._offline:
            if _COMMIT.match(revision):
                self._fetch(store, request, f"+{revision}:refs/envkit/commits/{revision}")
            elif revision.startswith("refs/"):
                self._fetch(store, request, f"+{revision}:refs/envkit/{revision}")
            found = self._look_up(store, request)
        if found is None:
            where = "in the cache, and envkit is offline" if self._offline else "in the repository"
            raise VcsError(
                f"{request.shown}: there is no revision {revision or 'HEAD'!r} {where}",
                context={"url": request.shown, "revision": revision},
            )
        return found

    def checkout(self, request: VcsRequest, commit: str) -> str:
        """Give a folder with the files of *commit*, its submodules and, where asked for, its LFS files."""
        store = self._store(request)
        path = os.path.join(os.path.dirname(store), f"{commit}{'-lfs' if request.lfs else ''}")
        if os.path.exists(f"{path}.done"):
            return path
        files.remove_tree(path)
        self._git(store, request, "worktree", "prune")
        self._git(store, request, "worktree", "add", "--force", "--force", "--detach", "--", path, commit)
        if os.path.lexists(os.path.join(path, ".gitmodules")):
            self._git(
                store, request, "-C", path, "submodule", "update", "--init", "--recursive", "--force", submodules=True
            )
        if request.lfs:
            self._git(store, request, "-C", path, *_LFS, "lfs", "fetch", "origin", commit)
            self._git(store, request, "-C", path, *_LFS, "lfs", "checkout")
        files.write_bytes(f"{path}.done", b"", 0o600)
        return path

    def clone(self, request: VcsRequest, commit: str, dest: str) -> None:
        """Make a whole clone at *dest*, for people to work in, with the files of *commit*."""
        self._git(None, request, "clone", "--quiet", "--no-checkout", "--", request.url, dest)
        self._git(None, request, "-C", dest, "checkout", "--quiet", "--detach", commit)
        if os.path.lexists(os.path.join(dest, ".gitmodules")):
            self._git(None, request, "-C", dest, "submodule", "update", "--init", "--recursive", submodules=True)
        self._git(None, request, "-C", dest, "update-ref", _OURS, commit)

    def advance(self, request: VcsRequest, commit: str, dest: str) -> str | None:
        """Bring a clone that `clone` made to *commit*; give the reason where something of people's could get lost.

        Nothing is forced: git itself refuses where a file that it does not know is in the way.
        """
        reason = self._own_work(request, dest)
        if reason is not None:
            return reason
        fetch = ("-C", dest, "fetch", "--quiet", "--no-recurse-submodules", "origin")
        self._git(None, request, *fetch, "+refs/heads/*:refs/remotes/origin/*")
        if not self._ask(request, dest, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"):
            self._git(None, request, *fetch, commit)
        self._git(None, request, "-C", dest, "checkout", "--quiet", "--no-overwrite-ignore", "--detach", commit)
        if os.path.lexists(os.path.join(dest, ".gitmodules")):
            self._git(None, request, "-C", dest, "submodule", "update", "--init", "--recursive", submodules=True)
        self._git(None, request, "-C", dest, "update-ref", _OURS, commit)
        return None

    def _own_work(self, request: VcsRequest, dest: str) -> str | None:
        """Say what in a clone is not from the repository, None where nothing is."""
        if self.head(request, dest) is None:
            return "it is no clone"
        if self._ask(request, dest, "config", "--get", "remote.origin.url") != request.url:
            return "it is a clone of another repository"
        branch = self._ask(request, dest, "symbolic-ref", "--quiet", "--short", "HEAD", noes=(1,))
        if branch:
            return f"it is on the branch {branch}"
        busy = [name for name in _UNDER_WAY if os.path.lexists(os.path.join(dest, ".git", name))]
        if busy:
            return f"something is under way in it ({busy[0]})"
        changed = self._ask(request, dest, "status", "--porcelain", "--untracked-files=no", noes=())
        if changed:
            return f"files in it were changed ({changed.splitlines()[0][:200].split(maxsplit=1)[-1]})"
        if not self._ask(request, dest, "for-each-ref", "--count=1", "--contains", "HEAD"):
            return "it has commits that are nowhere else"
        return None

    def _ask(self, request: VcsRequest, dest: str, *question: str, noes: tuple[int, ...] = (1, 128, 129)) -> str:
        """Give what git says of the clone at *dest*, "" for a no. Raises `VcsError` for a status that is none of *noes*."""
        status, output = self._git(None, request, "-C", dest, *question, allowed=(0, *noes), local=True)
        return output.strip() if status == 0 else ""

    def head(self, request: VcsRequest, folder: str) -> str | None:
        """Give the commit that a clone made by `clone` is at, None where *folder* is none."""
        status, output = self._git(
            None,
            request,
            "-C",
            folder,
            "rev-parse",
            "--verify",
            "--quiet",
            "HEAD^{commit}",
            allowed=(0, 1, 128),
            local=True,
        )
        return output.strip() if status == 0 and os.path.isdir(os.path.join(folder, ".git")) else None

    def _store(self, request: VcsRequest) -> str:
        folder = place_of(self._root, request)
        store = os.path.join(folder, "store")
        if os.path.exists(os.path.join(store, "envkit-ready")):
            return store
        files.remove_tree(store)
        files.make_dirs(folder, 0o700)
        self._git(None, request, "init", "--quiet", "--bare", "--template=", "--", store)
        for key, value in (
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.url", request.url),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialCloneFilter", "blob:none"),
        ):
            self._git(store, request, "config", key, value)
        files.write_bytes(os.path.join(store, "envkit-ready"), b"", 0o600)
        return store

    def _fetch(self, store: str, request: VcsRequest, *specs: str) -> None:
        command = ("fetch", "--quiet", "--force", "--no-tags", "--no-recurse-submodules", "--filter=blob:none")
        self._git(store, request, *command, "origin", *specs)

    def _has(self, store: str, commit: str, request: VcsRequest) -> bool:
        status, _ = self._git(store, request, "cat-file", "-e", f"{commit}^{{commit}}", allowed=(0, 1, 128), local=True)
        return status == 0

    def _look_up(self, store: str, request: VcsRequest) -> str | None:
        revision = request.revision
        if revision is None:
            names = ["refs/envkit/HEAD"]
        elif _COMMIT.match(revision):
            return revision if self._has(store, revision, request) else None
        elif revision.startswith("refs/"):
            known = (("refs/heads/", "refs/remotes/origin/"), ("refs/tags/", "refs/tags/"))
            names = [new + revision.removeprefix(old) for old, new in known if revision.startswith(old)]
            names.append(f"refs/envkit/{revision}")
        else:
            names = [f"refs/remotes/origin/{revision}", f"refs/tags/{revision}"]
            names += [revision] if _SHORT.match(revision) else []
        for name in names:
            status, output = self._git(
                store, request, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}",
                allowed=(0, 1, 128), local=True,
            )  # fmt: skip
            commit = output.strip().splitlines()[-1] if output.strip() else ""
            if status == 0 and _COMMIT.match(commit):
                return commit
        return None

    def _git(
        self,
        store: str | None,
        request: VcsRequest,
        *arguments: str,
        allowed: tuple[int, ...] = (0,),
        submodules: bool = False,
        local: bool = False,
    ) -> tuple[int, str]:
        protocols = _SUBMODULE_PROTOCOLS if submodules else _PROTOCOLS
        variables = {
            # A list of one that does not exist forbids all: lazy fetches must not go out behind our back.
            "GIT_ALLOW_PROTOCOL": "none" if self._offline or local else protocols,
            "GIT_NO_LAZY_FETCH": "1" if self._offline or local else "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
            **_credential_variables(request),
        }
        if arguments[:1] == ("-C",):
            command = ["git", *_SAFE, *arguments]
        else:
            command = ["git", *_SAFE, *([] if store is None else [f"--git-dir={store}"]), *arguments]
        return self._runner.run(
            command, shown=request.shown, variables=variables, secret=request.credentials, allowed=allowed
        )


def place_of(root: str, request: VcsRequest) -> str:
    """Give the folder below *root* that holds all of one repository: one entry of the cache, noted as used."""
    folder = os.path.join(root, hashlib.sha256(request.url.encode()).hexdigest()[:32])
    with suppress(OSError):
        os.utime(folder)
    return folder


def _credential_variables(request: VcsRequest) -> dict[str, str]:
    """Hand credentials over in variables that only this user's processes can read, never as arguments or in a file."""
    if request.credentials is None:
        return {}
    parts = urlsplit(request.url)
    base = f"{parts.scheme}://{parts.netloc}/"
    user, colon, password = request.credentials.reveal().partition(":")
    quoted = quote(unquote(user), safe="") + (f":{quote(unquote(password), safe='')}" if colon else "")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{parts.scheme}://{quoted}@{parts.netloc}/.insteadOf",
        "GIT_CONFIG_VALUE_0": base,
    }
