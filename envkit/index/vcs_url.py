"""Read the URLs that name version control systems (``git+https://host/project@revision#subdirectory=x``).

What is read here ends up in the arguments of other programs. So nothing passes that could be taken for an option, for
another host's option (``ssh://-oProxyCommand=...``), or for a transport that runs commands (``ext::``).
"""

from __future__ import annotations

import re
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit, urlunsplit

from envkit.dataclass import dataclass, field, replace
from envkit.errors import VcsError
from envkit.model.secret import Secret, mask_credentials, strip_credentials
from envkit.model.source import Origin

System = Literal["git", "hg", "svn", "bzr"]

MAX_URL = 4096
_SCHEMES: dict[str, frozenset[str]] = {
    "git": frozenset(("https", "http", "ssh", "git", "file")),
    "hg": frozenset(("https", "http", "ssh", "file")),
    "svn": frozenset(("https", "http", "svn", "svn+ssh", "file")),
    "bzr": frozenset(("https", "http", "bzr", "bzr+ssh", "sftp", "lp", "file")),
}
_ALIASES = {("svn", "ssh"): "svn+ssh", ("bzr", "ssh"): "bzr+ssh", ("svn", "svn"): "svn"}
_REVISION = re.compile(r"[A-Za-z0-9_\u0080-\U0010ffff][A-Za-z0-9_.,/+=#%&'!$;()@\u0080-\U0010ffff-]*\Z")
_HOST = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.:\[\]-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class VcsRequest:
    """A place in a repository. *url* has neither the system's prefix nor credentials; *credentials* are for its host.

    *revision* is as written: a branch, tag, commit or ref. *subdirectory* is relative to the top of the repository.
    """

    system: System
    url: str
    revision: str | None = None
    subdirectory: str | None = None
    lfs: bool = False
    credentials: Secret | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The URL for people, as it would be written again."""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.system}+{self.url}{revision}" + (
            f"#subdirectory={self.subdirectory}" if self.subdirectory else ""
        )

    def origin(self, commit: str) -> Origin:
        """Give what PEP 610 records of the checkout of *commit*."""
        return Origin(
            url=self.url,
            kind="vcs",
            vcs=self.system,
            commit=commit,
            requested_revision=self.revision,
            subdirectory=self.subdirectory,
        )


def is_vcs_url(url: str) -> bool:
    """Whether *url* names a version control system before its scheme."""
    system, plus, _ = url.partition("+")
    return bool(plus) and system.lower() in _SCHEMES


def parse_vcs_url(url: str) -> VcsRequest:
    """Read *url*. Raises `VcsError` for one that is malformed or could be more than a place."""
    if len(url) > MAX_URL or any(ord(character) < 33 or ord(character) == 127 for character in url):
        raise _refused(url, "is too long or has white space or control characters")
    prefix, _, rest = url.partition("+")
    system = prefix.lower()
    if system not in _SCHEMES:
        raise _refused(url, "names no version control system")
    try:
        parts = urlsplit(rest)
        fragment = parse_qs(parts.fragment, max_num_fields=16)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise _refused(url, f"cannot be read: {error}") from error
    parts = parts._replace(scheme=_ALIASES.get((system, parts.scheme), parts.scheme))
    _check_place(url, system, parts, host)
    path, revision = _split_revision(parts.path)
    if revision is not None:
        check_revision(revision, url)
    user, credentials = _credentials(url, system, parts)
    clean = urlunsplit((parts.scheme, user + parts.netloc.rpartition("@")[2], path, parts.query, ""))
    subdirectory = _last(fragment, "subdirectory")
    return VcsRequest(
        system=cast(System, system),
        url=f"file://{clean[5:]}" if clean.startswith("file:/") and not clean.startswith("file://") else clean,
        revision=revision,
        subdirectory=_subdirectory(url, subdirectory),
        lfs=(_last(fragment, "lfs") or "").lower() == "true",
        credentials=credentials,
    )


def request_of(origin: Origin) -> VcsRequest:
    """Give the request that brings the very commit of *origin* back."""
    shown = f"{origin.vcs}+{origin.url}@{origin.commit or ''}"
    if not origin.commit:
        raise _refused(shown, "has no commit")
    request = parse_vcs_url(shown)
    return replace(request, subdirectory=_subdirectory(shown, origin.subdirectory))


def check_revision(revision: str, url: str) -> None:
    """Raise `VcsError` for a revision that a program could take for anything else."""
    if (
        not _REVISION.match(revision)
        or len(revision) > 250
        or ".." in revision
        or "@{" in revision
        or "//" in revision
        or revision.endswith((".lock", "/", "."))
    ):
        raise _refused(url, f"has a revision that is no branch, tag, commit or ref: {revision[:100]!r}")


def _check_place(url: str, system: str, parts: SplitResult, host: str) -> None:
    if parts.scheme not in _SCHEMES[system]:
        hint = "write it as git+ssh://git@host/path" if system == "git" and "@" in parts.path else None
        raise _refused(url, f"has the scheme {parts.scheme!r}, which is not allowed for {system}", hint=hint)
    if parts.scheme == "file":
        if host not in ("", "localhost") or not parts.path.startswith("/"):
            raise _refused(url, "is no absolute file URL")
    elif not _HOST.match(host) or host.startswith("-"):
        raise _refused(url, "has a host that is none")
    if unquote(parts.path).lstrip("/").startswith("-") or "\\" in parts.path or "::" in parts.path:
        raise _refused(url, "has a path that could be taken for an option")
    user = unquote(parts.username or "")
    if user.startswith("-") or any(ord(character) < 33 for character in user):
        raise _refused(url, "has a user name that could be taken for an option")


def _split_revision(path: str) -> tuple[str, str | None]:
    head, at, revision = path.rpartition("@")
    return (head, unquote(revision)) if at and head else (path, None)


def _credentials(url: str, system: str, parts: SplitResult) -> tuple[str, Secret | None]:
    """Split what may stay in the URL (a user name of ssh) from what must not."""
    information = parts.netloc.rpartition("@")[0]
    if not information:
        return "", None
    if parts.scheme.endswith("ssh") and ":" not in information:
        return f"{information}@", None
    if system != "git" or parts.scheme.endswith("ssh"):
        raise _refused(
            url,
            f"holds credentials, which {system} would show to every process",
            hint=f"keep them where {system} itself looks for them",
        )
    return "", Secret(information)


def _subdirectory(url: str, text: str | None) -> str | None:
    if text is None:
        return None
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or "\\" in text or ".." in parts or any(ord(character) < 32 for character in text):
        raise _refused(url, f"has a subdirectory that leads outside: {text[:100]!r}")
    return "/".join(parts) or None


def _last(fragment: dict[str, list[str]], key: str) -> str | None:
    return fragment[key][-1] if key in fragment else None


def _refused(url: str, reason: str, *, hint: str | None = None) -> VcsError:
    shown = mask_credentials(strip_credentials(url[:300])).encode("ascii", "backslashreplace").decode()
    shown = "".join(character if character.isprintable() else "?" for character in shown)
    return VcsError(f"{shown} {reason}", hint=hint, context={"url": shown, "reason": reason})
