"""Which files distributions from before wheels consist of: ``.egg-info``, ``.egg-link`` and ``.egg``."""

from __future__ import annotations

import os
from collections.abc import Iterator

from envkit.errors import InstallError
from envkit.installation.layout import Layout
from envkit.installed.eggs import link_target
from envkit.model.distribution import InstalledDistribution

_EASY_INSTALL = "easy-install.pth"


def legacy_files(distribution: InstalledDistribution, layout: Layout, rewritten: dict[str, bytes]) -> Iterator[str]:
    """Give the absolute paths of a distribution's files; what has to be rewritten goes into *rewritten*.

    Raises `InstallError` where nothing says which files are the distribution's.
    """
    location = os.path.realpath(distribution.location)
    path = os.path.join(location, distribution.path.name)
    if distribution.kind == "egg-link":
        source = link_target(path)
        yield path
        if source is not None:
            _drop_line(location, source, rewritten)
            yield from _develop_scripts(distribution, layout)
        return
    if distribution.kind == "egg":
        yield from _below(path)
        _drop_line(location, f"./{distribution.path.name}", rewritten)
        return
    listed = os.path.join(path, "installed-files.txt")
    try:
        with open(listed, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InstallError(
            f"{distribution.name} {distribution.version} has no record of its files",
            hint="whatever installed it (distutils, or the system's package manager) must remove it",
            context={"name": distribution.name, "path": path},
        ) from error
    for line in lines:
        if line.strip():
            yield os.path.normpath(os.path.join(path, line.strip()))
    yield from _below(path)


def _below(folder: str) -> Iterator[str]:
    if not os.path.isdir(folder):
        yield folder
        return
    for base, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(base, name)


def _drop_line(location: str, wanted: str, rewritten: dict[str, bytes]) -> None:
    """Take the line *wanted* out of ``easy-install.pth``, as it was before ``setup.py develop``."""
    path = os.path.join(location, _EASY_INSTALL)
    try:
        with open(path, "rb") as file:
            before = rewritten.get(path, file.read())
    except OSError:
        return
    target = os.fsencode(os.path.normcase(wanted))
    lines = before.splitlines(keepends=True)
    after = [line for line in lines if os.path.normcase(line.strip().rstrip(b"/")) != target]
    if len(after) != len(lines):
        rewritten[path] = b"".join(after)


def _develop_scripts(distribution: InstalledDistribution, layout: Layout) -> Iterator[str]:
    """Give the wrappers that ``setup.py develop`` wrote: they name the distribution in a comment of their own."""
    folder = layout.schemes["scripts"]
    markers = (f"EASY-INSTALL-ENTRY-SCRIPT: '{distribution.name}", f"EASY-INSTALL-DEV-SCRIPT: '{distribution.name}")
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                head = file.read(2048).decode("utf-8", "replace")
        except OSError:
            continue
        if any(marker in head for marker in markers):
            yield path
