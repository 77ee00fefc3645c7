"""Names of cache entries: stable, short, and made without OpenSSL."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from envkit.model.fingerprint import fingerprint


@pytest.mark.parametrize("digits", [20, 24, 32, 40, 64, 128])
@pytest.mark.parametrize("text", ["", "flask/1.0", "ü\n", "\udc80"])
def test_it_is_what_hashlib_gives(text: str, digits: int) -> None:
    found = fingerprint(text, digits)
    assert found == hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=digits // 2).hexdigest()
    assert len(found) == digits


def test_a_target_and_an_open_cache_need_no_openssl() -> None:
    code = (
        "import sys; from envkit.model.target import Target; from envkit.cache.store import Cache;"
        "import envkit.resolve.rules, envkit.index.client, envkit.resolve.resolver;"
        "print(Target(python='3.12.0', markers={}, tags=()).fingerprint, '_hashlib' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split()[1:] == ["False"]
