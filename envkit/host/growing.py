"""A file that is written as its bytes arrive, and that can be begun anew."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from envkit.host import effect


class GrowingFile:
    """A new file at *path*, opened exclusively; a context manager that closes it. *size* counts the bytes so far."""

    def __init__(self, path: str, mode: int = 0o600) -> None:
        effect("write", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), mode)
        self.path = path
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append *data*."""
        effect("append", self.path)
        view = memoryview(data)
        while view:
            count = os.write(self._descriptor, view)
            self.size += count
            view = view[count:]

    def restart(self) -> None:
        """Make the file empty again."""
        effect("truncate", self.path)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
