"""Find the scripts of a folder that is laid out as ``venv``'s own: ``common`` and one folder for each platform."""

from __future__ import annotations

import os
from collections.abc import Iterator


def walk_scripts(path: str, bin_path: str, platform: str) -> Iterator[tuple[str, str]]:
    """Give each script's path and its place in an environment. Files at the top are passed over, links not followed."""
    for part in ("common", platform):
        top = os.path.join(path, part)
        for folder, _, names in os.walk(top):
            inner = os.path.relpath(folder, top)
            target = bin_path if inner == os.curdir else os.path.join(bin_path, inner)
            for name in names:
                if platform == "nt" and name.startswith("python") and name.endswith((".exe", ".pdb")):
                    continue
                yield os.path.join(folder, name), os.path.join(target, name)
