"""Find and install the scripts of a folder that is laid out like that of ``venv``: ``common`` and one for each platform."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator
from types import SimpleNamespace

from envkit.environment.activation import SCRIPTS
from envkit.environment.folders import put
from envkit.host import files


def install_scripts(
    path: str,
    context: SimpleNamespace,
    replace_variables: Callable[[str, SimpleNamespace], str],
    platform: str,
    chosen: Collection[tuple[str, str]] | None,
) -> None:
    """Install the scripts of a folder; with *chosen* it is our own folder, and only these scripts of it are wanted."""
    path = path if chosen is None else SCRIPTS
    wanted = None if chosen is None else {os.path.join(path, *parts) for parts in chosen}
    for source, target in walk_scripts(path, context.bin_path, platform):
        if wanted is not None and source not in wanted:
            continue
        context.script_path = source
        with open(source, "rb") as stream:
            data = stream.read()
        if not source.endswith((".exe", ".pdb")):
            try:
                data = replace_variables(data.decode("utf-8"), context).encode("utf-8", "surrogateescape")
            except UnicodeError as error:
                logging.getLogger("envkit").warning("%s is left out: it is not text (%s)", source, error)
                continue
        files.make_dirs(os.path.dirname(target))
        put(target, data)
        files.change_mode(target, 0o644 if wanted is not None else os.stat(source).st_mode & 0o7777)


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
