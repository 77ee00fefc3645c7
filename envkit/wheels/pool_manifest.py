"""The manifest of a pool entry: what was unpacked, in a form that loads in microseconds.

The form is `marshal`'s, behind a digest: a manifest that was cut short or changed is recognised before it is decoded. The
pool is private to its user, so the digest guards against damage, not against the user.
"""

from __future__ import annotations

import hashlib
import marshal
from pathlib import Path
from typing import Any

from envkit.model.distribution import LocalWheel

MAGIC = b"envkit-manifest-1\n"
_MARSHAL_VERSION = 4  # understood by every Python that runs envkit


def encode(data: tuple[Any, ...]) -> bytes:
    """Give the bytes of a manifest."""
    body = marshal.dumps(data, _MARSHAL_VERSION)
    return MAGIC + hashlib.sha256(body).digest() + body


def decode(raw: bytes) -> tuple[Any, ...] | None:
    """Read what `encode` gave; None for anything else."""
    at = len(MAGIC) + 32
    if not raw.startswith(MAGIC) or hashlib.sha256(raw[at:]).digest() != raw[len(MAGIC) : at]:
        return None
    try:
        data: Any = marshal.loads(raw[at:])  # noqa: S302  written by us, and its digest is right
    except (ValueError, EOFError, TypeError):
        return None
    if not isinstance(data, tuple):
        return None
    found: tuple[Any, ...] = data  # pyright: ignore[reportUnknownVariableType]
    return found


def read(path: str) -> tuple[Any, ...] | None:
    """Read the manifest at *path*; None where there is none, or a damaged one."""
    try:
        with open(path, "rb", buffering=0) as file:
            return decode(file.read())
    except OSError:
        return None


def pack_wheel(wheel: LocalWheel) -> tuple[Any, ...]:
    """Give the manifest of a wheel as plain tuples."""
    return (
        wheel.name,
        wheel.version,
        wheel.filename,
        wheel.sha256,
        wheel.dist_info,
        wheel.data_dir,
        wheel.root_is_purelib,
        wheel.groups,
        wheel.lib_rows,
        wheel.data_rows,
        wheel.scripts,
        wheel.rewritten,
        wheel.size,
        wheel.modes,
    )


def unpack_wheel(data: tuple[Any, ...], root: str) -> LocalWheel | None:
    """Read what `pack_wheel` gave; None where it has another shape."""
    if len(data) != 14:
        return None
    name, version, filename, sha256, info, data_dir, pure, groups, lib_rows, data_rows, scripts, rewritten, *rest = data
    size, modes = rest
    return LocalWheel(
        name=name,
        version=version,
        filename=filename,
        sha256=sha256,
        root=Path(root),
        dist_info=info,
        data_dir=data_dir,
        root_is_purelib=pure,
        groups=groups,
        lib_rows=lib_rows,
        data_rows=data_rows,
        scripts=scripts,
        rewritten=rewritten,
        size=size,
        modes=modes,
    )
