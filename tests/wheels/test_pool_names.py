"""Names that some readers or systems take for other names."""

from __future__ import annotations

import io
import os
import struct
import types
import zipfile
import zlib

import pytest

from envkit.errors import InvalidWheel
from envkit.testing.wheels import wheel_bytes
from envkit.wheels import pool_names
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.pool import WheelPool


def with_second_name(data: bytes, kind: int) -> bytes:
    """Give a wheel whose module bears another name in an extra field, as Info-ZIP writes names in Unicode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename == "demo.py":
                field = b"\1" + zlib.crc32(b"demo.py").to_bytes(4, "little") + b"other.py"
                member.extra = struct.pack("<HH", kind, len(field)) + field
            new.writestr(member, content)
    return buffer.getvalue()


def test_a_member_with_a_second_name_is_refused(tmp_path):
    filename, data = wheel_bytes("demo", "1.0", files={"demo.py": "X = 1\n"})
    path = tmp_path / filename
    path.write_bytes(with_second_name(data, 0x7075))
    with pytest.raises(InvalidWheel, match="second name"):
        WheelPool(tmp_path / "pool").add(path)
    path.write_bytes(with_second_name(data, 0x5455))  # another field, which says nothing of names
    assert WheelPool(tmp_path / "pool").add(path).file_count


@pytest.mark.parametrize("name", ["a/python.exe.", "a /b.py", "a./b.py", "b.py ", "b.py:stream"])
def test_names_that_windows_takes_for_others(monkeypatch, name):
    pool_names.check_path(name, "x", ArchiveBounds())  # elsewhere they are names of their own
    monkeypatch.setattr(pool_names, "os", types.SimpleNamespace(name="nt", fsencode=os.fsencode))
    with pytest.raises(InvalidWheel, match="Windows"):
        pool_names.check_path(name, "x", ArchiveBounds())
    for fine in ("a/b.py", "a.b/.c", "a b/c d"):
        pool_names.check_path(fine, "x", ArchiveBounds())
