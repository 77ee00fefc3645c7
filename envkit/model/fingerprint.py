"""Short names for long texts: what caches are keyed by.

`hashlib` loads OpenSSL, which takes as long as a small warm resolution. BLAKE2 is a module of its own, without OpenSSL, in
CPython and PyPy; should that ever change, `hashlib` has it.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # pragma: no cover
    from hashlib import blake2b

__all__ = ["blake2b", "fingerprint"]


def fingerprint(text: str, digits: int = 32) -> str:
    """Give as many hexadecimal *digits* (even, at most 128), equal for equal texts only. It hides no secret."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=digits // 2).hexdigest()
