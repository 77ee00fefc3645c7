"""Unpack one checked wheel into a folder, comparing every file with RECORD on the way."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from envkit.host import files
from envkit.model.distribution import DataRow, Group, LocalWheel
from envkit.wheels.pool_archive import Archive, Member, refuse
from envkit.wheels.pool_contents import OWN_FILES, Contents

_WHOLE = 4 << 20
_LARGE = 1 << 16
_UNRECORDED = frozenset(("RECORD.jws", "RECORD.p7s"))

# Large files are inflated and hashed beside each other, without the interpreter's lock. Small ones are so many short calls
# that threads would only hand each other that lock: two took twice the time of the processor, and no less by the clock.
_turn = threading.Lock()


def _renew_turn() -> None:
    """Keep a child process from waiting for a thread that it does not have."""
    global _turn  # noqa: PLW0603  one per process
    _turn = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_turn)


def unpack(archive: Archive, contents: Contents, root: str, *, filename: str, sha256: str) -> LocalWheel:
    """Write the files below *root*, an empty folder, and give the manifest. Raises `InvalidWheel`."""
    facts = _write_all(archive, contents, root, filename)
    folders: dict[str, list[tuple[str, int, int, int]]] = {}
    rewritten: list[str] = []
    lib_rows = io.StringIO(newline="")
    writer = csv.writer(lib_rows, lineterminator="\n")
    data_rows: list[DataRow] = []
    for member in contents.members:
        seen = facts.get(member.name)
        if seen is None:
            continue
        folder, _, name = member.name.rpartition("/")
        if folder == f"{contents.data_dir}/scripts" and _is_rewritten(f"{root}/{member.name}"):
            rewritten.append(name)
        folders.setdefault(folder, []).append((name, seen.st_size, seen.st_mtime_ns, seen.st_mode))
        scheme, inner = split_scheme(folder, contents.data_dir)
        text = contents.hashes[member.name][2]
        if scheme == "lib":
            writer.writerow((member.name, text, member.size))
        else:
            data_rows.append((scheme, f"{inner}/{name}" if inner else name, text, member.size))
    return LocalWheel(
        name=contents.name,
        version=contents.version,
        filename=filename,
        sha256=sha256,
        root=Path(root),
        dist_info=contents.dist_info,
        data_dir=contents.data_dir,
        root_is_purelib=contents.root_is_purelib,
        groups=tuple(_group(folder, rows, contents.data_dir) for folder, rows in sorted(folders.items())),
        lib_rows=lib_rows.getvalue().encode(),
        data_rows=tuple(data_rows),
        scripts=contents.scripts,
        rewritten=tuple(rewritten),
        size=sum(member.size for member in contents.members),
        modes=tuple(tuple(row[3] for row in rows) for _, rows in sorted(folders.items())),
    )


def _write_all(archive: Archive, contents: Contents, root: str, where: str) -> dict[str, os.stat_result]:
    """Write what the installer does not make itself; give what each file became. The large ones come first."""
    found: dict[str, os.stat_result] = {}
    made = {""}
    own = {f"{contents.dist_info}/{name}" for name in OWN_FILES | _UNRECORDED}
    members = [member for member in contents.members if member.name not in own]
    for is_large in (True, False):
        last: str | None = None
        are_scripts = False
        with nullcontext() if is_large else _turn:
            for member in members:
                if (member.size > _LARGE) == is_large:
                    folder = member.name.rpartition("/")[0]
                    if folder != last:
                        _make_folders(root, folder, made)
                        last, are_scripts = folder, folder == f"{contents.data_dir}/scripts"
                    path = f"{root}/{member.name}"
                    mode = 0o755 if member.executable or are_scripts else 0o644
                    _write(archive, contents, member, path, where, mode)
                    found[member.name] = _with_mode(path, mode)
    return found


def _with_mode(path: str, mode: int) -> os.stat_result:
    """Give what a new file became, with permissions that say nothing of the umask: it is linked for any later user."""
    facts = os.lstat(path)
    if stat.S_IMODE(facts.st_mode) != mode and os.name == "posix":
        with suppress(OSError):  # some file systems have no permissions
            files.change_mode(path, mode)
        facts = os.lstat(path)
    return facts


def split_scheme(folder: str, data_dir: str) -> tuple[str, str]:
    """Give the scheme of a folder inside a wheel, and its place in it."""
    if folder == data_dir or not folder.startswith(f"{data_dir}/"):
        return "lib", folder
    scheme, _, inner = folder[len(data_dir) + 1 :].partition("/")
    return scheme, inner


def _group(folder: str, rows: list[tuple[str, int, int, int]], data_dir: str) -> Group:
    scheme, inner = split_scheme(folder, data_dir)
    names, sizes, mtimes, _ = zip(*rows, strict=True)
    return (scheme, inner, folder, names, sizes, mtimes)


def _make_folders(root: str, folder: str, made: set[str]) -> None:
    if folder not in made:
        _make_folders(root, folder.rpartition("/")[0], made)
        files.make_dir(f"{root}/{folder}", exist_ok=False)
        made.add(folder)


def _write(archive: Archive, contents: Contents, member: Member, path: str, where: str, mode: int) -> None:
    algorithm, digest, _ = contents.hashes[member.name]
    if member.size <= _WHOLE:
        content = archive.content(member, hashed=True)
        # By its own function, since looking for it by name takes longer than hashing a small file.
        found = hashlib.sha256(content) if algorithm == "sha256" else hashlib.new(algorithm, content)
        if found.digest() != digest:
            raise refuse(where, "differs from its hash in RECORD", member.name)
        files.write_bytes(path, content, mode, exclusive=True)
        return
    hasher = hashlib.new(algorithm)

    def pieces() -> Iterator[bytes]:
        for piece in archive.pieces(member, hashed=True):
            hasher.update(piece)
            yield piece

    files.write_chunks(path, pieces(), mode)
    if hasher.digest() != digest:
        raise refuse(where, "differs from its hash in RECORD", member.name)


def _is_rewritten(path: str) -> bool:
    with open(path, "rb", buffering=0) as file:
        return file.read(8).startswith(b"#!python")
