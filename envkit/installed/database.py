"""Which distributions are installed in some folders, read from their metadata folders alone.

Nothing of the environment is imported or run. Only heads of metadata files are read, since a listing of a hundred
distributions must cost a few milliseconds.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from envkit.installed import eggs
from envkit.installed.fields import parse_head, read_head, read_start
from envkit.model.distribution import InstalledDistribution
from envkit.model.identity import normalize
from envkit.namedtuple import NamedTuple

_RELATIVE = {os.open, os.access} <= os.supports_dir_fd
_KEPT = 8192  # bytes of a head that is kept in memory


def scan(
    paths: Iterable[str | os.PathLike[str]], *, shadowed: bool = False, brief: bool = False
) -> tuple[InstalledDistribution, ...]:
    """Give the distributions in the folders *paths*, by name; a missing folder is no error.

    Of several with one name the first on the path counts; with *shadowed* all are given, in the order of the path. With
    *brief* name and version are taken from the names of the metadata folders, which must have them, and what else is in
    the metadata is left out: that is several times faster.
    """
    found: list[InstalledDistribution] = []
    names: set[str] = set()
    seen: set[str] = set()
    for folder in paths:
        folder = os.fspath(folder)
        if folder in seen:
            continue
        seen.add(folder)
        for distribution in _scan_folder(folder, brief=brief):
            name = normalize(distribution.name)
            if shadowed or name not in names:
                names.add(name)
                found.append(distribution)
    found.sort(key=lambda distribution: normalize(distribution.name))
    return tuple(found)


def _scan_folder(folder: str, *, brief: bool) -> list[InstalledDistribution]:
    try:
        entries = os.listdir(folder)
        # Files are opened relative to the folder, where that can be done: a long path is not followed for each of them.
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC) if _RELATIVE else None
    except OSError:
        return []
    found: list[InstalledDistribution] = []
    location = Path(folder)
    place = _Place(location, folder, "" if descriptor is not None else f"{folder}/", descriptor)
    try:
        for name in entries:  # in the order in which Python finds them, since of two with one name the first counts
            if name[0] == "~":  # what pip renames before it removes
                continue
            if name.endswith(".dist-info"):
                distribution = (brief and _read_name(place, name)) or _read_dist_info(place, name)
            elif name.endswith((".egg-info", ".egg-link", ".egg")):
                distribution = eggs.read(location, folder, name)
            else:
                continue
            if distribution is not None:
                found.append(distribution)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return found


@functools.lru_cache(maxsize=64)
def _folder(folder: str) -> Path:
    return Path(folder)


@functools.lru_cache(maxsize=4096)
def _path(folder: str, name: str) -> Path:
    """Give the path of an entry: to make one takes as long as to read a file, and folders are looked at again."""
    return _folder(folder).joinpath(name)


class _Place(NamedTuple):
    """A folder on the path: *before* leads from *descriptor* to its entries."""

    location: Path
    folder: str
    before: str
    descriptor: int | None


@functools.cache
def _usual() -> re.Pattern[str]:
    """Give the usual form of a metadata folder's name; not every process looks at one so."""
    return re.compile(r"([A-Za-z0-9_.]+)-(\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?)\.dist-info\Z")


def _read_name(place: _Place, name: str) -> InstalledDistribution | None:
    """Read what the name of a metadata folder tells; None where it is not the usual form, or a direct reference."""
    location, folder, _, _ = place
    match = _usual().match(name)
    path = f"{folder}/{name}"
    if match is None or os.path.lexists(f"{path}/direct_url.json"):
        return None
    requested = os.path.lexists(f"{path}/REQUESTED")
    return InstalledDistribution(
        name=match[1], version=match[2], path=_path(folder, name), location=location, requested=requested
    )


def _read_dist_info(place: _Place, name: str) -> InstalledDistribution | None:
    _, folder, before, at = place
    path = before + name
    # Files are asked for one by one: most are there, and listing the folder costs more than a question each.
    head = read_head(f"{path}/METADATA", at)
    if head is None and not os.path.isdir(f"{folder}/{name}"):
        return None
    installer = read_start(f"{path}/INSTALLER", 256, at)
    requested = os.access(f"{path}/REQUESTED", 0, dir_fd=at)
    if os.access(f"{path}/direct_url.json", 0, dir_fd=at):
        direct_url = _read_json(f"{path}/direct_url.json", at)
        return _describe(folder, name, head or b"", installer, requested=requested, direct_url=direct_url)
    if head is None or len(head) > _KEPT:
        return _describe(folder, name, head or b"", installer, requested=requested)
    return _described(folder, name, head, installer, requested)


@functools.lru_cache(maxsize=1024)
def _described(
    folder: str,
    name: str,
    head: bytes,
    installer: bytes | None,
    requested: bool,  # noqa: FBT001  a key of the memory
) -> InstalledDistribution:
    """Describe what was described before: the value follows from all that was read, and cannot be changed."""
    return _describe(folder, name, head, installer, requested=requested)


def _describe(
    folder: str,
    name: str,
    head: bytes,
    installer: bytes | None,
    *,
    requested: bool,
    direct_url: dict[str, Any] | None = None,
) -> InstalledDistribution:
    fields = parse_head(head)
    by_name = name.removesuffix(".dist-info").partition("-")
    return InstalledDistribution(
        name=_first(fields, "name") or normalize(by_name[0]),
        version=_first(fields, "version") or by_name[2],
        path=_path(folder, name),
        location=_folder(folder),
        installer=_first_line(installer) if installer else None,
        requested=requested,
        editable=direct_url is not None and is_editable(direct_url),
        requires_dist=tuple(fields.get("requires-dist", ())),
        requires_python=_first(fields, "requires-python"),
        provides_extra=tuple(fields.get("provides-extra", ())),
        direct_url=direct_url,
    )


def _first(fields: dict[str, list[str]], name: str) -> str | None:
    values = fields.get(name)
    return values[0] or None if values else None


@functools.lru_cache(maxsize=64)
def _first_line(data: bytes) -> str | None:
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else None


def _read_json(path: str, folder: int | None) -> dict[str, Any] | None:
    text = read_start(path, 1 << 20, folder)
    if text is None:
        return None
    import json

    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    found: dict[str, Any] = data  # pyright: ignore[reportUnknownVariableType]
    return found


def is_editable(direct_url: dict[str, Any] | None) -> bool:
    """Whether the content of ``direct_url.json`` says that the project's sources are in use (PEP 660)."""
    info: Any = direct_url.get("dir_info") if direct_url else None
    return isinstance(info, dict) and bool(info.get("editable") is True)  # pyright: ignore[reportUnknownMemberType]
