"""Check bytes against the hashes that were promised."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from envkit.errors import HashMismatch, TransportError

_ORDER = ("sha256", "sha512", "sha3_512", "sha3_256", "blake2b", "sha384", "blake2s", "sha224", "sha1", "md5")
_PIECE = 1 << 20


def strongest(hashes: Mapping[str, str]) -> tuple[str, str] | None:
    """Give the algorithm to rely on, with its digest; None where no known algorithm is among *hashes*."""
    return next(((name, hashes[name]) for name in _ORDER if name in hashes), None)


class Hasher:
    """Takes the bytes as they come, and says at the end whether they are the right ones.

    All promised hashes that are known are checked: a weak one that is right does not excuse a strong one that is wrong.
    """

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._promised = {name: hashes[name] for name in _ORDER if name in hashes}
        self._running: dict[str, Any] = {name: hashlib.new(name, usedforsecurity=False) for name in self._promised}

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        for running in self._running.values():
            running.update(data)

    def wrong(self) -> tuple[str, str, str] | None:
        """Give (algorithm, promised, actual) of a hash that is wrong, None where all are right."""
        for name, running in self._running.items():
            if running.hexdigest() != self._promised[name]:
                return name, self._promised[name], running.hexdigest()
        return None


def check_bytes(data: bytes, hashes: Mapping[str, str], what: str) -> None:
    """Raise `HashMismatch` where *data* is not what *hashes* promise."""
    hasher = Hasher(hashes)
    hasher.update(data)
    raise_if_wrong(hasher, what)


def raise_if_wrong(hasher: Hasher, what: str) -> None:
    """Raise `HashMismatch` naming *what*."""
    wrong = hasher.wrong()
    if wrong is not None:
        name, promised, actual = wrong
        raise HashMismatch(
            f"{what}: {name} is {actual}, and {promised} was promised",
            hint="the file was changed on the way or on the index; do not use it",
            context={"subject": what, "algorithm": name, "expected": promised, "actual": actual},
        )


def file_is(path: str, hashes: Mapping[str, str], size: int | None = None) -> bool:
    """Whether the file at *path* is whole and right. Raises `TransportError` where it cannot be read."""
    try:
        if size is not None and os.stat(path).st_size != size:
            return False
        return _hashed(path, hashes).wrong() is None
    except FileNotFoundError:
        return False
    except OSError as error:
        raise TransportError(f"{path}: {error.strerror or error}", context={"path": path}) from error


def check_file(path: str, hashes: Mapping[str, str]) -> None:
    """Raise `HashMismatch` where the file at *path* is not what *hashes* promise, `TransportError` for no file."""
    try:
        raise_if_wrong(_hashed(path, hashes), path)
    except OSError as error:
        raise TransportError(f"{path}: {error.strerror or error}", context={"path": path}) from error


def _hashed(path: str, hashes: Mapping[str, str]) -> Hasher:
    hasher = Hasher(hashes)
    with open(path, "rb") as stream:
        while piece := stream.read(_PIECE):
            hasher.update(piece)
    return hasher
