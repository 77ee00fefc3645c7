"""What is fetched to compare an installed distribution with goes into the pool as all that is fetched does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from envkit.kit.lookup import IndexLookup
from envkit.model.candidate import Artifact
from envkit.testing.wheels import make_wheel
from envkit.wheels.pool import WheelPool


@pytest.mark.parametrize("source", ["file", "index"])
def test_only_what_others_may_write_to_is_copied_before_it_is_unpacked(tmp_path, monkeypatch, source):
    path = make_wheel(tmp_path, "demo", "1")
    url = path.as_uri() if source == "file" else f"https://index.example/{path.name}"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    copied = []
    copy = WheelPool._copied

    def note(pool, *arguments):
        copied.append(arguments[0])
        return copy(pool, *arguments)

    monkeypatch.setattr(WheelPool, "_copied", note)

    class Client:
        def fetch(self, artifact: Artifact) -> Path:
            return path

    lookup = IndexLookup(Client(), WheelPool(tmp_path / "pool"))  # type: ignore[arg-type]
    record = lookup.record(Artifact(filename=path.name, url=url, hashes={"sha256": sha256}))
    assert "demo.py" in record
    assert copied == ([str(path)] if source == "file" else [])
