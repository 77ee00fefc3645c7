"""Turn the entries of a page into rows: checked names, absolute addresses, or reasons to pass a file over. Pure."""

from __future__ import annotations

import functools
import re

from envkit.dataclass import dataclass, field
from envkit.index.addresses import take_apart
from envkit.index.filenames import check_filename, clean_requires_python
from envkit.model.candidate import Reason
from envkit.model.listing import Row, place_of, short_hashes
from envkit.model.secret import strip_credentials

PLAIN_ADDRESS = re.compile(r"(?:https?://[a-z0-9.-]+(?::[0-9]+)?)?(?:/[A-Za-z0-9_+~%-][A-Za-z0-9._+~%!-]*)+\Z")
"""Addresses without anything to resolve, remove or refuse: nearly all, and the slow way is not needed for them."""

_NAME = re.compile(r"[A-Za-z0-9_+~%-][A-Za-z0-9._+~%!-]*\Z")
_RELATIVE = re.compile(r"((?:\.\./)*)((?:[A-Za-z0-9_+~%-][A-Za-z0-9._+~%!-]*/)*)\Z")


@dataclass(slots=True)
class Collector:
    """Turns raw entries into rows; *project* None takes files of any project (find-links pages)."""

    base: str
    project: str | None
    rows: list[Row] = field(default_factory=list[Row])
    rejected: list[tuple[str, Reason, str]] = field(default_factory=list[tuple[str, Reason, str]])

    def reject(self, filename: str, reason: Reason, detail: str) -> None:
        """Note why a file is passed over."""
        self.rejected.append((filename[:300], reason, detail[:300]))

    def add(
        self,
        filename: str,
        url: str,
        hashes: dict[str, str],
        *,
        size: int | None = None,
        requires_python: str | None = None,
        yanked: str | None = None,
        upload_time: str | None = None,
        metadata: dict[str, str] | None = None,
        provenance: str | None = None,
    ) -> None:
        """Add a file, or note why not."""
        if self.project is not None:
            problem = check_filename(filename, self.project)
            if problem is not None:
                self.reject(filename, *problem)
                return
        if requires_python:
            cleaned = clean_requires_python(requires_python)
            if cleaned is None:
                self.reject(filename, "invalid-specifier", f"requires-python {requires_python[:200]!r}")
                return
            requires_python = cleaned
        absolute = resolve(self.base, url)
        if absolute is None:
            self.reject(filename, "hidden-by-index", "its address cannot be used from this page")
            return
        self.rows.append(
            (
                filename,
                place_of(absolute, filename),
                short_hashes(hashes),
                size,
                requires_python or None,
                yanked,
                upload_time,
                None if metadata is None else short_hashes(metadata),
                provenance,
            )
        )


def resolve(base: str, url: str) -> str | None:
    """Give the absolute address, without credentials and fragment; None where a page must not point there."""
    if not url or len(url) > 8192:
        return None
    if PLAIN_ADDRESS.match(url):
        if url[0] == "/":
            return _origin(base) + url
        if url[4] == "s" or not base.startswith("https:"):
            return url
    folder, _, name = url.rpartition("/")
    if _NAME.match(name) and folder[:2] == "..":
        above = _resolve_plain(base, folder + "/")
        if above is not None:
            return above + name
    return _resolve(base, url)


@functools.lru_cache(maxsize=256)
def resolve_folder(base: str, folder: str) -> str | None:
    """Give what comes before the plain file names of a page; its files are mostly in one folder."""
    if (folder and not folder.endswith("/")) or len(folder) > 4096 or "?" in folder or "#" in folder or "\\" in folder:
        return None
    absolute = _resolve_plain(base, folder) or _resolve(base, folder or ".")
    return absolute if absolute is not None and absolute.endswith("/") else None


def _resolve_plain(base: str, folder: str) -> str | None:
    """Give the address of a folder without anything unusual beside or above a page, as mirrors have them; None of others."""
    parts = take_apart(base) if PLAIN_ADDRESS.match(base[:-1]) and base[-1:] == "/" else None
    match = _RELATIVE.match(folder)
    if parts is None or match is None:
        return None
    up, down = match.groups()
    above = parts.path.split("/")[1:-1]
    kept = len(above) - len(up) // 3
    return (
        f"{parts.scheme}://{parts.netloc}/{''.join([f'{one}/' for one in above[:kept]])}{down}" if kept >= 0 else None
    )


def _resolve(base: str, url: str) -> str | None:
    from urllib.parse import urljoin, urlsplit

    try:
        absolute = urljoin(base, url.strip())
        absolute = absolute.partition("#")[0]
        scheme = absolute.partition("://")[0]
        if scheme not in ("https", "http", "file") or (scheme != "file" and not urlsplit(absolute).hostname):
            return None
        base_scheme = base.partition("://")[0]
        # A page from the network must not make local files candidates, nor one from https lead back to http.
        if (scheme == "file" and base_scheme != "file") or (scheme == "http" and base_scheme == "https"):
            return None
        return strip_credentials(absolute) if "@" in absolute else absolute
    except ValueError:
        return None


@functools.lru_cache(maxsize=64)
def _origin(base: str) -> str:
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
