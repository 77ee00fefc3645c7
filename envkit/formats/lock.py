"""`Lock`: pins for many environments at once, read from any lock file or made by a resolver."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from envkit.dataclass import dataclass
from envkit.formats.lock_content import LockContent
from envkit.formats.lock_files import parse_lock, read_lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(LockContent):
    """A lock; see `LockContent` for its fields and what can be done with it."""

    @classmethod
    def of(cls, content: LockContent) -> Self:
        """Give the same content as a lock."""
        from dataclasses import fields

        return cls(**{field.name: getattr(content, field.name) for field in fields(content)})

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a lock file of any known format, told by its name. Raises `LockError` naming file and place.

        The formats are ``pylock.toml``, ``pylock.<name>.toml``, ``uv.lock``, ``poetry.lock``, ``pdm.lock`` and
        ``Pipfile.lock``.
        """
        return cls.of(read_lock(path))

    @classmethod
    def parse(cls, text: str, *, path: str = "pylock.toml") -> Self:
        """Read the text of a lock file; the last part of *path* tells the format."""
        return cls.of(parse_lock(text, path=path))
