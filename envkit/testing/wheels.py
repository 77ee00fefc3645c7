"""Make wheels and sdists out of nothing, for tests that want real archives without a network.

The archives are deterministic: the same arguments give the same bytes, so their hashes can be compared.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

_EPOCH = (2020, 1, 1, 0, 0, 0)


class WheelOptions(TypedDict, total=False):
    """The keyword arguments of `wheel_bytes`."""

    files: Mapping[str, str | bytes] | None
    requires: Iterable[str]
    extras: Mapping[str, Iterable[str]] | None
    requires_python: str | None
    entry_points: str | None
    tag: str
    build: str | None
    purelib: bool
    fields: Mapping[str, str] | None
    executable: Iterable[str]


class SdistOptions(TypedDict, total=False):
    """The keyword arguments of `sdist_bytes`."""

    files: Mapping[str, str | bytes] | None
    requires: Iterable[str]
    requires_python: str | None
    metadata_version: str
    pkg_info: bool


def _escape(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()


def metadata_text(
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str | None = None,
    fields: Mapping[str, str] | None = None,
    metadata_version: str = "2.1",
) -> str:
    """Give core metadata. *extras* map an extra to its requirements; *fields* are further headers."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    lines += [f"{key}: {value}" for key, value in (fields or {}).items()]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {text}" for text in requires]
    for extra, texts in (extras or {}).items():
        lines.append(f"Provides-Extra: {extra}")
        for text in texts:
            head, semicolon, marker = text.partition(";")
            condition = f"({marker.strip()}) and " if semicolon else ""
            lines.append(f'Requires-Dist: {head.strip()}; {condition}extra == "{extra}"')
    return "\n".join(lines) + "\n\n"


def wheel_bytes(
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str | None = None,
    entry_points: str | None = None,
    tag: str = "py3-none-any",
    build: str | None = None,
    purelib: bool = True,
    fields: Mapping[str, str] | None = None,
    executable: Iterable[str] = (),
) -> tuple[str, bytes]:
    """Give the file name and the content of a wheel.

    *files* map paths inside the archive to content (``{dist}`` in a path stands for ``name-version``, so that
    ``{dist}.data/scripts/run`` works); without them the wheel holds one module that says its version. *executable*
    names the paths whose executable bit is set.
    """
    stem = f"{_escape(name)}-{version}"
    if files is None:
        files = {f"{_escape(name)}.py": f"__version__ = {version!r}\n"}
    content = {
        path.replace("{dist}", stem): text.encode() if isinstance(text, str) else text for path, text in files.items()
    }
    info = f"{stem}.dist-info"
    metadata = metadata_text(
        name, version, requires=requires, extras=extras, requires_python=requires_python, fields=fields
    )
    content[f"{info}/METADATA"] = metadata.encode()
    content[f"{info}/WHEEL"] = _wheel_file(tag, build, purelib=purelib)
    if entry_points is not None:
        content[f"{info}/entry_points.txt"] = entry_points.encode()
    content[f"{info}/RECORD"] = _record(content, f"{info}/RECORD")
    set_executable = {path.replace("{dist}", stem) for path in executable}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in content.items():
            member = zipfile.ZipInfo(path, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (0o100755 if path in set_executable else 0o100644) << 16
            archive.writestr(member, data)
    middle = f"-{build}" if build else ""
    return f"{stem}{middle}-{tag}.whl", buffer.getvalue()


def _wheel_file(tag: str, build: str | None, *, purelib: bool) -> bytes:
    python, abi, platform = tag.split("-")
    lines = ["Wheel-Version: 1.0", "Generator: envkit-testing", f"Root-Is-Purelib: {str(purelib).lower()}"]
    lines += [f"Tag: {one}-{two}-{three}" for one in python.split(".") for two in abi.split(".")
              for three in platform.split(".")]  # fmt: skip
    if build:
        lines.append(f"Build: {build}")
    return ("\n".join(lines) + "\n").encode()


def _record(content: Mapping[str, bytes], own: str) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows((path, _digest(data), len(data)) for path, data in content.items())
    rows.writerow((own, "", ""))
    return text.getvalue().encode()


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def make_wheel(folder: Path | str, name: str, version: str, **options: Unpack[WheelOptions]) -> Path:
    """Write a wheel into *folder*; the arguments are those of `wheel_bytes`."""
    filename, data = wheel_bytes(name, version, **options)
    path = Path(folder) / filename
    path.write_bytes(data)
    return path


def sdist_bytes(
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    metadata_version: str = "2.2",
    pkg_info: bool = True,
) -> tuple[str, bytes]:
    """Give the file name and the content of a ``.tar.gz`` sdist; *files* are relative to its one folder."""
    stem = f"{_escape(name)}-{version}"
    content = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
    if pkg_info:
        text = metadata_text(
            name, version, requires=requires, requires_python=requires_python, metadata_version=metadata_version
        )
        content.setdefault("PKG-INFO", text.encode())
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in content.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(data)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(data))
    import gzip

    return f"{stem}.tar.gz", gzip.compress(raw.getvalue(), mtime=0)


def make_sdist(folder: Path | str, name: str, version: str, **options: Unpack[SdistOptions]) -> Path:
    """Write an sdist into *folder*; the arguments are those of `sdist_bytes`."""
    filename, data = sdist_bytes(name, version, **options)
    path = Path(folder) / filename
    path.write_bytes(data)
    return path
