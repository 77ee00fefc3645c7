"""Wheels that try to do harm, each in one way; everything else about them is right."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zipfile
from collections.abc import Callable

from envkit.testing.wheels import wheel_bytes

NAME = "evil-1.0-py3-none-any.whl"
INFO = "evil-1.0.dist-info"


def digest(data: bytes, algorithm: str = "sha256") -> str:
    value = hashlib.new(algorithm, data).digest()
    return f"{algorithm}=" + base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def build(
    files: dict[str, str | bytes] | None = None,
    *,
    record: Callable[[list[str]], list[str]] | None = None,
    unrecorded: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    attributes: dict[str, int] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
    metadata: str | None = None,
    wheel: str | None = None,
    twice: tuple[str, ...] = (),
    raw_record: bytes | None = None,
) -> bytes:
    """Make a wheel; *record* changes RECORD's rows, *attributes* are the Unix modes of members."""
    content: dict[str, bytes] = {"evil.py": b"X = 1\n"}
    content[f"{INFO}/METADATA"] = (metadata or "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n\n").encode()
    content[f"{INFO}/WHEEL"] = (
        wheel or "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ).encode()
    for path, data in (files or {}).items():
        content[path] = data.encode() if isinstance(data, str) else data
    for path in drop:
        content.pop(path, None)
    rows = [f'"{path}",{digest(data)},{len(data)}' for path, data in content.items() if path not in unrecorded]
    rows.append(f"{INFO}/RECORD,,")
    if f"{INFO}/RECORD" not in drop:
        text = "\n".join(record(rows) if record else rows) + "\n"
        content[f"{INFO}/RECORD"] = text.encode() if raw_record is None else raw_record
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, data in content.items():
            member = zipfile.ZipInfo("placeholder", (2020, 1, 1, 0, 0, 0))
            member.filename = path
            member.compress_type = method
            member.external_attr = (attributes or {}).get(path, 0o100644) << 16
            member.create_system = 3
            archive.writestr(member, data)
            if path in twice:
                import warnings

                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    again = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
                    archive.writestr(again, data)
    return buffer.getvalue()


def honest() -> bytes:
    return build()


def central(data: bytes, name: str) -> int:
    """Where the central directory's entry for *name* begins."""
    at = data.index(b"PK\1\2" + b"", data.rindex(b"PK\3\4"))
    while data[at : at + 4] == b"PK\1\2":
        length, extra, comment = struct.unpack_from("<3H", data, at + 28)
        if data[at + 46 : at + 46 + length] == name.encode():
            return at
        at += 46 + length + extra + comment
    raise KeyError(name)


def local(data: bytes, name: str) -> int:
    return struct.unpack_from("<L", data, central(data, name) + 42)[0]


def patch(data: bytes, at: int, form: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into("<" + form, changed, at, *values)
    return bytes(changed)


def bomb(size: int) -> bytes:
    """A member that unpacks to *size* zeros and says so."""
    return build({"zeros.bin": b"\0" * size})


def lying_bomb() -> bytes:
    """A member that says ten bytes and unpacks to many."""
    data = bomb(5_000_000)
    for at in (central(data, "zeros.bin") + 24, local(data, "zeros.bin") + 22):
        data = patch(data, at, "L", 10)
    return data


def prefixed(junk: bytes) -> bytes:
    """Bytes before the first member, with all offsets right."""
    buffer = io.BytesIO(junk)
    buffer.seek(0, 2)
    with zipfile.ZipFile(io.BytesIO(honest())) as source, zipfile.ZipFile(buffer, "a") as archive:
        for member in source.infolist():
            archive.writestr(member, source.read(member))
    return buffer.getvalue()


def gap() -> bytes:
    """Bytes between the members and the central directory."""
    data = honest()
    start = struct.unpack_from("<L", data, len(data) - 6)[0]
    data = data[:start] + b"hidden" * 10 + data[start:]
    return patch(data, len(data) - 6, "L", start + 60)


def overlap() -> bytes:
    """Two entries that share one local record."""
    data = build({"a.py": "same", "b.py": "same"})
    return patch(data, central(data, "b.py") + 42, "L", local(data, "a.py"))


def nested_end() -> bytes:
    """A second archive inside the comment: readers that look for the last end see another wheel."""
    data = honest()
    other = build({"evil.py": "harm"})
    return patch(data, len(data) - 2, "H", len(other)) + other


def renamed_locally() -> bytes:
    data = honest()
    at = local(data, "evil.py")
    return data[: at + 30] + b"harm.py" + data[at + 37 :]


def record_row(path: str, data: bytes = b"x") -> Callable[[list[str]], list[str]]:
    return lambda rows: [*rows, f"{path},{digest(data)},{len(data)}"]


def replaced(old: str, new: str) -> Callable[[list[str]], list[str]]:
    return lambda rows: [row.replace(old, new) for row in rows]


def with_points(text: str) -> bytes:
    return build({f"{INFO}/entry_points.txt": text})


PATHS = {
    "traversal": "../evil_outside.py",
    "traversal inside": "evil/../../../outside.py",
    "traversal in data": "evil-1.0.data/data/../../../../outside",
    "traversal in scripts": "evil-1.0.data/scripts/../../outside",
    "absolute": "/tmp/envkit-evil-outside",
    "double slash": "//tmp/envkit-evil-outside",
    "drive": "C:/Windows/evil.py",
    "drive relative": "c:evil.py",
    "backslash traversal": "..\\..\\outside.py",
    "backslash": "evil\\sub.py",
    "UNC": "\\\\server\\share\\evil.py",
    "dot": "./evil2.py",
    "dot inside": "evil/./x.py",
    "empty part": "evil//x.py",
    "newline": "evil\n.py",
    "escape character": "evil\x1b[31m.py",
    "long part": "e" * 300 + ".py",
    "long path": "/".join(["d" * 50] * 40) + "/x.py",
    "deep": "/".join(["d"] * 100) + "/x.py",
    "case twin": "EVIL.py",
    "file and folder": "evil.py/x.py",
    "other metadata": "other-1.0.dist-info/METADATA",
    "other metadata in upper case": "other-1.0.DIST-INFO/METADATA",
    "egg metadata": "other.egg-info/PKG-INFO",
    "egg metadata in one file": "other-1.0-py3.11.egg-info",
    "a link to a project": "other.egg-link",
    "a link to a project by scheme": "evil-1.0.data/purelib/other.EGG-LINK",
    "data of another": "other-1.0.data/scripts/run",
    "unknown scheme": "evil-1.0.data/stdlib/os.py",
    "file as scheme": "evil-1.0.data/scripts",
    "metadata by scheme": "evil-1.0.data/purelib/other-1.0.dist-info/RECORD",
    "script in a folder": "evil-1.0.data/scripts/sub/run",
    "script named python": "evil-1.0.data/scripts/python",
    "script named python3.11": "evil-1.0.data/scripts/python3.11",
    "script named Python.EXE": "evil-1.0.data/scripts/Python.EXE",
    "script named activate": "evil-1.0.data/scripts/activate",
    "script named activate.fish": "evil-1.0.data/scripts/activate.fish",
    "script named Activate.ps1": "evil-1.0.data/scripts/Activate.ps1",
    "script with an option's name": "evil-1.0.data/scripts/-rf",
}

POINTS = {
    "entry point with a separator": "[console_scripts]\n../../x = evil:main\n",
    "entry point with a backslash": "[console_scripts]\n..\\x = evil:main\n",
    "entry point absolute": "[console_scripts]\n/tmp/envkit-evil = evil:main\n",
    "entry point named python": "[console_scripts]\npython = evil:main\n",
    "entry point named activate": "[gui_scripts]\nactivate = evil:main\n",
    "entry point with code": "[console_scripts]\nx = evil:main();import os;os.system('id')\n",
    "entry point with code in the module": "[console_scripts]\nx = os;import evil:main\n",
    "entry point with a call": "[console_scripts]\nx = evil:__import__('os').abort\n",
    "entry point without an object": "[console_scripts]\nx = evil\n",
    "entry point with a line break": "[console_scripts]\nx = evil:main\n  import os\n",
    "entry points that are none": "[console_scripts\nx\n",
    "entry point with a NUL": "[console_scripts]\nx\0y = evil:main\n",
}


def cases() -> dict[str, tuple[str, bytes]]:
    """Every hostile wheel: what it tries, and its file name and bytes."""
    found: dict[str, bytes] = {name: build({path: "harm"}) for name, path in PATHS.items()}
    found.update({name: with_points(text) for name, text in POINTS.items()})
    data = honest()
    at, spot = central(data, "evil.py"), local(data, "evil.py")
    found |= {
        "NUL in a name": build({"evil_a.pyXtxt": "harm"}).replace(b"evil_a.pyXtxt", b"evil_a.py\0txt"),
        "Unicode twin": build({"caf\u00e9.py": "1", "cafe\u0301.py": "2"}),
        "case twin beyond ASCII": build({"stra\u00dfe.py": "1", "STRASSE.py": "2"}),
        "the same member twice": build(twice=("evil.py",)),
        "symlink": build({"link.py": "/etc/passwd"}, attributes={"link.py": 0o120777}),
        "symlink of a folder": build({"sub": "..", "sub2/x.py": "1"}, attributes={"sub": 0o120777}),
        "character device": build({"dev": ""}, attributes={"dev": 0o020666}),
        "block device": build({"dev": ""}, attributes={"dev": 0o060666}),
        "pipe": build({"pipe": ""}, attributes={"pipe": 0o010666}),
        "socket": build({"socket": ""}, attributes={"socket": 0o140666}),
        "a folder that is a file": build({"dir": ""}, attributes={"dir": 0o040755}),
        "not in RECORD": build({"hidden.py": "harm"}, unrecorded=("hidden.py",)),
        "in RECORD only": build(record=record_row("ghost.py")),
        "RECORD claims a file elsewhere": build(record=record_row("../../../bin/python")),
        "RECORD claims another distribution's file": build(record=record_row("victim/__init__.py")),
        "RECORD with a wrong hash": build(record=replaced(digest(b"X = 1\n"), digest(b"Y = 1\n"))),
        "RECORD with a wrong size": build(record=lambda rows: [rows[0][:-1] + "7", *rows[1:]]),
        "RECORD without a hash": build(record=replaced(digest(b"X = 1\n"), "")),
        "RECORD with md5": build(record=replaced(digest(b"X = 1\n"), digest(b"X = 1\n", "md5"))),
        "RECORD with sha1": build(record=replaced(digest(b"X = 1\n"), digest(b"X = 1\n", "sha1"))),
        "RECORD that contradicts itself": build(record=record_row("evil.py")),
        "RECORD with too many fields": build(record=lambda rows: [*rows, "a,b,c,d"]),
        "RECORD that is not UTF-8": build(raw_record=b"\xff\xfe,,\n"),
        "no RECORD": build(drop=(f"{INFO}/RECORD",)),
        "no METADATA": build(drop=(f"{INFO}/METADATA",)),
        "no WHEEL": build(drop=(f"{INFO}/WHEEL",)),
        "METADATA without a name": build(metadata="Metadata-Version: 2.1\nVersion: 1.0\n\n"),
        "METADATA of another project": build(metadata="Metadata-Version: 2.1\nName: requests\nVersion: 1.0\n\n"),
        "METADATA of another version": build(metadata="Metadata-Version: 2.1\nName: evil\nVersion: 9.0\n\n"),
        "a wheel version of the future": build(wheel="Wheel-Version: 2.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        "no wheel version": build(wheel="Root-Is-Purelib: true\n"),
        "no wheel at all": b"this is no archive",
        "empty": b"",
        "cut short": data[: len(data) // 2],
        "cut at the end": data[:-1],
        "data after the end": data + b"more",
        "a comment": patch(data, len(data) - 2, "H", 4) + b"more",
        "an archive in the comment": nested_end(),
        "two archives, one after the other": build({"evil.py": "harm"}) + data,
        "data before": prefixed(b"#!/bin/sh\nharm\n"),
        "data between": gap(),
        "overlapping members": overlap(),
        "another name locally": renamed_locally(),
        "another method locally": patch(data, spot + 8, "H", 0),
        "another size locally": patch(data, spot + 22, "L", 5),
        "another checksum locally": patch(data, spot + 14, "L", 5),
        "a wrong checksum": patch(patch(data, at + 16, "L", 5), spot + 14, "L", 5),
        "encrypted": patch(patch(data, at + 8, "H", 1), spot + 6, "H", 1),
        "unknown compression": patch(patch(data, at + 10, "H", 99), spot + 8, "H", 99),
        "lzma": build(method=zipfile.ZIP_LZMA),
        "bzip2": build(method=zipfile.ZIP_BZIP2),
        "several disks": patch(data, len(data) - 18, "H", 1),
        "a wrong number of members": patch(patch(data, len(data) - 14, "H", 2), len(data) - 12, "H", 2),
        "an offset into nowhere": patch(data, at + 42, "L", 0x7FFFFFFF),
        "a member that is larger than it says": lying_bomb(),
        "a bomb": bomb(80_000_000),
    }
    wheels = {name: (NAME, raw) for name, raw in found.items()}
    wheels["a name that is no wheel's"] = ("evil.whl", data)
    wheels["another project by its file name"] = ("good-1.0-py3-none-any.whl", data)
    wheels["another version by its file name"] = ("evil-2.0-py3-none-any.whl", data)
    other = wheel_bytes("other", "1.0")[1]
    wheels["another folder of metadata"] = (NAME, other)
    return wheels
