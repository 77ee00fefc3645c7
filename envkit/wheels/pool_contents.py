"""What a wheel holds, checked before anything of it is written: names, RECORD, metadata, entry points."""

from __future__ import annotations

import base64
import binascii
import csv
import re
from collections.abc import Mapping

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.dataclass import dataclass
from envkit.errors import RequirementError
from envkit.model.distribution import ScriptRow
from envkit.model.metadata import parse_metadata
from envkit.wheels.pool_archive import Archive, Member, refuse
from envkit.wheels.pool_names import check_command, check_names, check_target

SCHEMES = frozenset(("purelib", "platlib", "headers", "scripts", "data"))
_HASHES = frozenset(("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"))
# The installer writes these itself; what a wheel brings under these names is about another installation.
OWN_FILES = frozenset(("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "envkit.json"))
_METADATA = (".dist-info", ".egg-info", ".egg-link")  # what says that a distribution is installed
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")


@dataclass(frozen=True, slots=True)
class Contents:
    """A checked wheel: *hashes* map each member's name to (algorithm, digest, RECORD's text for the hash)."""

    name: str
    version: str
    dist_info: str
    data_dir: str
    root_is_purelib: bool
    members: tuple[Member, ...]
    hashes: Mapping[str, tuple[str, bytes, str]]
    scripts: tuple[ScriptRow, ...]


def check_contents(archive: Archive, filename: str, *, name: str | None = None, version: str | None = None) -> Contents:
    """Check all of a wheel but the bytes of its members. Raises `InvalidWheel`.

    *name* and *version* are what an index or a lock promised, besides what the file name says.
    """
    promised_name, promised_version = _from_filename(filename)
    members = {member.name: member for member in archive.members}
    if len(members) != len(archive.members):
        raise refuse(filename, "has a member twice")
    check_names(members, filename, archive.bounds)
    dist_info = _find_dist_info(members, filename)
    stem = dist_info.removesuffix(".dist-info")
    data_dir = f"{stem}.data"
    _check_tops(members, dist_info, data_dir, filename)
    root_is_purelib = _read_wheel_file(_text(archive, members, f"{dist_info}/WHEEL", filename), filename)
    found_name, found_version = _from_metadata(archive, members, dist_info, filename)
    for origin, other in (("file name", promised_name), ("folder", stem.partition("-")[0]), ("index", name)):
        if other is not None and canonicalize_name(other) != canonicalize_name(found_name):
            raise refuse(filename, f"is {found_name!r} by its metadata, {other!r} by its {origin}")
    for origin, other in (("file name", promised_version), ("folder", stem.partition("-")[2]), ("index", version)):
        if other is not None and not _same_version(other, found_version):
            raise refuse(filename, f"is {found_version!r} by its metadata, {other!r} by its {origin}")
    hashes = _read_record(_text(archive, members, f"{dist_info}/RECORD", filename), members, dist_info, filename)
    scripts: tuple[ScriptRow, ...] = ()
    if f"{dist_info}/entry_points.txt" in members:
        scripts = _read_scripts(_text(archive, members, f"{dist_info}/entry_points.txt", filename), filename)
    return Contents(found_name, found_version, dist_info, data_dir, root_is_purelib, archive.members, hashes, scripts)


def _from_filename(filename: str) -> tuple[str, str]:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise refuse(filename, "has no valid file name for a wheel") from error
    return name, str(version)


def _same_version(one: str, two: str) -> bool:
    try:
        return Version(one.replace("_", "-")) == Version(two)
    except InvalidVersion:
        return one == two


def _find_dist_info(members: Mapping[str, Member], where: str) -> str:
    tops = {name.partition("/")[0] for name in members if ".dist-info/" in name.lower()}
    found = sorted(top for top in tops if top.lower().endswith(".dist-info"))
    if len(found) != 1 or not found[0].endswith(".dist-info"):
        raise refuse(where, f"has {len(found)} metadata folders, not one: {found[:3]}")
    return found[0]


def _check_tops(members: Mapping[str, Member], dist_info: str, data_dir: str, where: str) -> None:
    """Refuse folders that belong to another distribution, unknown schemes, and commands that nobody may bring."""
    last = ""
    for name in members:
        if last and name.startswith(last):
            continue
        parts = name.split("/")
        if parts[0].endswith(".data") and len(parts) > 1:
            if parts[0] != data_dir or parts[1] not in SCHEMES or len(parts) < 3:
                raise refuse(where, "is in no scheme of this wheel", name)
            if parts[1] == "scripts":
                if len(parts) != 3:
                    raise refuse(where, "is a script inside a folder", name)
                check_command(parts[2], where)
            elif parts[1] in ("purelib", "platlib") and parts[2].lower().endswith(_METADATA):
                raise refuse(where, "is metadata beside the metadata", name)
        elif parts[0] != dist_info and parts[0].lower().endswith(_METADATA):
            raise refuse(where, "is metadata of another distribution", name)
        elif not parts[0].endswith(".data"):
            last = f"{parts[0]}/"  # what else is in there need not be looked at


def _text(archive: Archive, members: Mapping[str, Member], name: str, where: str) -> str:
    member = members.get(name)
    if member is None:
        raise refuse(where, "is missing", name)
    try:
        return archive.content(member).decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(where, "is not UTF-8", name) from error


def _read_wheel_file(text: str, where: str) -> bool:
    """Give Root-Is-Purelib, after looking at Wheel-Version."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), value.strip())
    version = re.fullmatch(r"(\d+)\.(\d+)", fields.get("wheel-version", ""))
    if version is None or version[1] != "1":
        raise refuse(where, f"is of wheel version {fields.get('wheel-version')!r}, which is not supported")
    return fields.get("root-is-purelib", "").lower() == "true"


def _from_metadata(archive: Archive, members: Mapping[str, Member], dist_info: str, where: str) -> tuple[str, str]:
    path = f"{dist_info}/METADATA"
    if path not in members:
        raise refuse(where, "is missing", path)
    try:
        metadata = parse_metadata(archive.content(members[path]), where=where)
    except RequirementError as error:
        raise refuse(where, f"cannot be read: {error}", path) from error
    return metadata.name, metadata.version


def _read_record(
    text: str, members: Mapping[str, Member], dist_info: str, where: str
) -> dict[str, tuple[str, bytes, str]]:
    """Read RECORD: every member must be in it, with a strong hash and its size, and nothing else may be."""
    exempt = {f"{dist_info}/{name}" for name in ("RECORD", *_SIGNATURES)}
    hashes: dict[str, tuple[str, bytes, str]] = {}
    try:
        for row in csv.reader(text.splitlines()):
            if not row:
                continue
            if len(row) != 3:
                raise refuse(where, "has a RECORD with rows that are not path, hash, size")
            path, hashed, size = row
            if path in exempt:
                continue
            member = members.get(path)
            if member is None:
                raise refuse(where, "is in RECORD but not in the archive", path)
            entry = _read_hash(hashed, path, where)
            if hashes.setdefault(path, entry) != entry:
                raise refuse(where, "is in RECORD twice, differently", path)
            if size and size != str(member.size):
                raise refuse(where, "has another size than RECORD says", path)
    except csv.Error as error:
        raise refuse(where, "has a RECORD that cannot be read") from error
    for name in members:
        if name not in hashes and name not in exempt:
            raise refuse(where, "is not in RECORD", name)
    return hashes


def _read_hash(text: str, path: str, where: str) -> tuple[str, bytes, str]:
    algorithm, _, value = text.partition("=")
    if algorithm not in _HASHES or not value:
        raise refuse(where, f"has no strong hash in RECORD: {text[:80]!r}", path)
    try:
        digest = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError) as error:
        raise refuse(where, f"has a hash in RECORD that cannot be read: {text[:80]!r}", path) from error
    return algorithm, digest, text


def _read_scripts(text: str, where: str) -> tuple[ScriptRow, ...]:
    """Give the commands to generate. The text after the first line is the same for every interpreter."""
    from installer.scripts import Script
    from installer.utils import parse_entrypoints

    found: dict[str, ScriptRow] = {}
    try:
        entries = list(parse_entrypoints(text))
    except Exception as error:  # the parser raises whatever it meets: it trusts its input
        raise refuse(where, "has entry points that cannot be read") from error
    for name, module, attribute, section in entries:
        check_command(name, where)
        check_target(module, attribute or "", name, where)
        _, source = Script(name, module, attribute, section).generate("/x", "posix")
        found[name] = (name, section, module, attribute, source.partition(b"\n")[2])
    return tuple(found.values())
