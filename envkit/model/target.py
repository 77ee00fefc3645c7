"""What a resolution is for: the Python, the markers and the tags of one machine, as one value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol


class _Interpreter(Protocol):
    @property
    def version(self) -> str: ...
    @property
    def markers(self) -> Mapping[str, str]: ...
    @property
    def tags(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Target:
    """One machine to resolve and install for.

    *python* is the full version ("3.12.1"), *markers* are PEP 508's variables without ``extra``, *tags* are compatibility
    tags ("cp312-cp312-manylinux_2_17_x86_64"), the most wanted first.
    """

    python: str
    markers: Mapping[str, str]
    tags: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, interpreter: _Interpreter) -> Target:
        """Give the target that an interpreter is."""
        return cls(python=interpreter.version, markers=interpreter.markers, tags=interpreter.tags)

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """The place of each tag, 0 for the most wanted."""
        return {tag: rank for rank, tag in reversed(tuple(enumerate(self.tags)))}

    @cached_property
    def fingerprint(self) -> str:
        """A short text that is equal for equal targets only; what caches are keyed by."""
        digest = hashlib.sha256(repr((self.python, sorted(self.markers.items()), self.tags)).encode())
        return digest.hexdigest()[:24]
