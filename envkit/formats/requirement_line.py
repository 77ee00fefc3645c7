"""One requirement as people write it for pip: a dependency specifier, a URL, a path, or an editable project."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_wheel_filename

from envkit.dataclass import replace
from envkit.errors import RequirementError
from envkit.formats.file_url import file_url_to_path
from envkit.model.identity import normalize
from envkit.model.requested import RequirementEntry
from envkit.model.requirement import check_bounds, parse_marker, parse_requirement

_VCS = {
    "git": ("http", "https", "ssh", "git", "file"),
    "hg": ("file", "http", "https", "ssh", "static-http"),
    "svn": ("ssh", "http", "https", "svn", "file"),
    "bzr": ("http", "https", "ssh", "sftp", "ftp", "lp", "file"),
}
_VCS_SCHEMES = frozenset(f"{tool}+{scheme}" for tool, schemes in _VCS.items() for scheme in schemes)
_SCHEMES = _VCS_SCHEMES | {"http", "https", "file", "ftp"}
_ARCHIVES = (".zip", ".whl", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tlz", ".tar.lz",
             ".tar.lzma")  # fmt: skip
_NAME = re.compile(r"[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9]", re.IGNORECASE)
_EGG = re.compile(r"[#&]egg=([^&]*)")
_EXTRAS = re.compile(r"\[[^\[\]]+\]$")
_FRAGMENT_HASH = re.compile(r"[#&](sha256|sha384|sha512)=([0-9a-fA-F]+)")


def parse_entry(text: str, *, base: Path | None = None) -> RequirementEntry:
    """Read one requirement. Relative paths are looked for in *base*; without it there are no local ones.

    Raises `RequirementError`.
    """
    check_bounds(text, "requirement")
    is_url = _scheme(text) in _SCHEMES
    head, semicolon, tail = text.partition("; " if is_url else ";")
    marker = str(parse_marker(tail.strip())) if semicolon and tail.strip() else None
    head = head.strip()
    entry = _parse_url(head) if is_url else _parse_local(head, base)
    if entry is None:
        entry = _parse_specifier(head)
    return replace(entry, marker=marker if entry.marker is None else entry.marker, written=text)


def parse_editable(text: str, *, base: Path | None = None) -> RequirementEntry:
    """Read what follows ``-e``: a path, a ``file:`` URL or a repository. Raises `RequirementError`."""
    check_bounds(text, "requirement")
    entry = _named_editable(text)
    if entry is None:
        entry = _parse_editable_place(text, base)
    scheme = _scheme(entry.url) if entry.url is not None else "file"
    if scheme not in _VCS_SCHEMES and scheme != "file":
        raise RequirementError(
            "an editable requirement is a path to a project or the URL of a repository that starts with git+, hg+, "
            "svn+ or bzr+"
        )
    if entry.name is None and entry.path is None and scheme != "file":
        raise RequirementError("the name of the editable project is missing; write it as: name @ URL")
    return replace(entry, editable=True, written=text)


def _named_editable(text: str) -> RequirementEntry | None:
    if "@" not in text:
        return None
    try:
        wanted = parse_requirement(text)
    except RequirementError:
        return None
    if not wanted.url:
        return None
    _egg_name(wanted.url)
    return RequirementEntry(
        name=normalize(wanted.name),
        extras=_extras(wanted.extras),
        marker=str(wanted.marker) if wanted.marker else None,
        url=wanted.url,
    )


def _parse_editable_place(text: str, base: Path | None) -> RequirementEntry:
    place, extras = _split_extras(text)
    path = _local_path(place, base)
    if path is not None and os.path.isdir(path):
        return RequirementEntry(path=Path(path), extras=extras)
    if place.lower().startswith("file:"):
        name = _egg_name(place)
        found = file_url_to_path(place)
        if name is None and found is not None:
            return RequirementEntry(path=Path(found), extras=extras)
        return RequirementEntry(name=name, url=place, extras=extras)
    for tool in _VCS:
        if text.lower().startswith(f"{tool}:"):
            text = f"{tool}+{text}"
            break
    if _scheme(text) not in _SCHEMES and base is not None:
        raise RequirementError(f"there is no folder {place!r}, and it is not a URL")
    return RequirementEntry(name=_egg_name(text), url=text)


def _parse_url(text: str) -> RequirementEntry:
    path = urlsplit(text).path
    filename = unquote(path.rpartition("/")[2])
    hashes = {algorithm: (digest.lower(),) for algorithm, digest in _FRAGMENT_HASH.findall(text)}
    if filename.endswith(".whl") and _scheme(text) not in _VCS_SCHEMES:
        name, version = _wheel(filename)
        return RequirementEntry(name=name, specifier=f"=={version}", url=text, hashes=hashes)
    return RequirementEntry(name=_egg_name(text), url=text, hashes=hashes)


def _parse_local(text: str, base: Path | None) -> RequirementEntry | None:
    """Read a path, or give None for what is not meant as one."""
    looks = os.sep in text or text.startswith(".") or (os.altsep is not None and os.altsep in text)
    place, extras_text = (text, "") if not text.endswith("]") else _cut_extras(text)
    if not looks and not place.lower().endswith(_ARCHIVES):
        return None
    path = _local_path(place, base)
    if path is None:
        if looks and " @ " not in text:
            raise RequirementError("a path is no requirement here: there is no folder that it could be relative to")
        return None
    if looks and os.path.isdir(path):
        if not any(os.path.isfile(os.path.join(path, name)) for name in ("pyproject.toml", "setup.py", "setup.cfg")):
            raise RequirementError(f"the folder {place!r} holds neither pyproject.toml nor setup.py")
        return RequirementEntry(path=Path(path), extras=_read_extras(extras_text))
    if not place.lower().endswith(_ARCHIVES):
        return None
    if not os.path.isfile(path):
        before, at, _ = text.partition("@")
        if at and os.sep not in before and not before.startswith("."):
            return None
    entry = RequirementEntry(path=Path(path), extras=_read_extras(extras_text))
    if place.lower().endswith(".whl"):
        name, version = _wheel(os.path.basename(path))
        return replace(entry, name=name, specifier=f"=={version}")
    return entry


def _parse_specifier(text: str) -> RequirementEntry:
    try:
        wanted = parse_requirement(text)
    except RequirementError as error:
        hint = "it looks like a path, and there is nothing at that place" if os.sep in text else error.hint
        raise RequirementError(error.message, hint=hint, context=error.context) from error
    hashes: dict[str, tuple[str, ...]] = {}
    if wanted.url:
        _egg_name(wanted.url)  # the name before the URL counts, but a fragment that is none is a mistake
        hashes = {algorithm: (digest.lower(),) for algorithm, digest in _FRAGMENT_HASH.findall(wanted.url)}
    return RequirementEntry(
        name=normalize(wanted.name),
        extras=_extras(wanted.extras),
        specifier=str(wanted.specifier),
        marker=str(wanted.marker) if wanted.marker else None,
        url=wanted.url,
        hashes=hashes,
    )


def _scheme(text: str) -> str:
    try:
        return urlsplit(text).scheme
    except ValueError:
        return ""


def _local_path(text: str, base: Path | None) -> str | None:
    if base is None or "\0" in text:
        return None
    return os.path.normpath(os.path.join(base, text))


def _cut_extras(text: str) -> tuple[str, str]:
    match = _EXTRAS.search(text)
    return (text[: match.start()].rstrip(), match[0]) if match and match.start() > 0 else (text, "")


def _split_extras(text: str) -> tuple[str, tuple[str, ...]]:
    place, extras = _cut_extras(text)
    return place, _read_extras(extras)


def _read_extras(text: str) -> tuple[str, ...]:
    return _extras(parse_requirement(f"placeholder{text.lower()}").extras) if text else ()


def _extras(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted({normalize(name) for name in names}))


def _egg_name(url: str) -> str | None:
    match = _EGG.search(url)
    if match is None:
        return None
    if not _NAME.fullmatch(match[1]):
        raise RequirementError(f"the fragment egg={match[1][:80]} is not a project name")
    return normalize(match[1])


def _wheel(filename: str) -> tuple[str, str]:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise RequirementError(f"{filename[:200]!r} is not the name of a wheel") from error
    return name, str(version)
