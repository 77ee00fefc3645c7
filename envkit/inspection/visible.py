"""Which distributions the Python of an environment sees, beside those of the environment itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

_MAX_BYTES = 256 * 1024
_MAX_LINES = 1_000


def with_path_files(folders: Iterable[str]) -> Iterator[str]:
    """Yield each folder, and after it those that its ``.pth`` files add to the path, each once.

    The files are read and no line of them is run.
    """
    seen: set[str] = set()
    for folder in folders:
        for path in (folder, *_added_by(folder)):
            if path not in seen:
                seen.add(path)
                yield path


def _added_by(folder: str) -> Iterator[str]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".pth") and not name.startswith("."))
    except OSError:
        return
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read(_MAX_BYTES).decode("utf-8-sig", "replace")
        except OSError:
            continue
        for line in text.splitlines()[:_MAX_LINES]:
            line = line.rstrip()
            if line and not line.startswith(("#", "import ", "import\t")) and "\0" not in line:
                path = os.path.abspath(os.path.join(folder, line))
                if os.path.isdir(path):
                    yield path
