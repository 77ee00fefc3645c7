"""Interpreters that Windows knows of: the registry (PEP 514) and the ``py`` launcher."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

_KEY = r"Software\Python"
_MAX_KEYS = 1000
_LAUNCHER_LINE = re.compile(r"^\s*-\S+\s+\*?\s*(?P<path>\S.*?)\s*$")


def registered(registry: Any) -> Iterator[str]:
    """Give the executables that PEP 514 registers; *registry* is the module `winreg`."""
    places = (
        (registry.HKEY_CURRENT_USER, 0),
        (registry.HKEY_LOCAL_MACHINE, registry.KEY_WOW64_64KEY),
        (registry.HKEY_LOCAL_MACHINE, registry.KEY_WOW64_32KEY),
    )
    for hive, view in places:
        access = registry.KEY_READ | view
        for company in _children(registry, hive, _KEY, access):
            if company == "PyLauncher":  # reserved by the PEP
                continue
            for tag in _children(registry, hive, rf"{_KEY}\{company}", access):
                path = _executable(registry, hive, rf"{_KEY}\{company}\{tag}\InstallPath", access)
                if path is not None:
                    yield path


def _children(registry: Any, hive: Any, key: str, access: int) -> list[str]:
    try:
        with registry.OpenKeyEx(hive, key, 0, access) as opened:
            found: list[str] = []
            while len(found) < _MAX_KEYS:
                try:
                    found.append(registry.EnumKey(opened, len(found)))
                except OSError:
                    break
            return found
    except OSError:
        return []


def _executable(registry: Any, hive: Any, key: str, access: int) -> str | None:
    try:
        with registry.OpenKeyEx(hive, key, 0, access) as opened:
            try:
                path = registry.QueryValueEx(opened, "ExecutablePath")[0]
            except OSError:
                path = os.path.join(registry.QueryValueEx(opened, None)[0], "python.exe")
    except (OSError, TypeError):
        return None
    return path if isinstance(path, str) and path else None


def read_launcher(output: str) -> list[str]:
    r"""Read the list of ``py -0p``: lines such as `` -V:3.12 *  C:\Python312\python.exe``."""
    return [match["path"] for line in output.splitlines() if (match := _LAUNCHER_LINE.match(line))]


def known_to_windows(environ: Mapping[str, str], timeout: float) -> list[str]:
    """Ask both; nothing on other systems."""
    if os.name != "nt":
        return []
    import winreg

    from envkit.host.processes import harmless
    from envkit.host.streaming import run_streaming

    found = list(registered(winreg))
    try:
        answer = run_streaming(["py", "-0p"], environ=harmless(environ), timeout=timeout, max_output=65536)
        found += read_launcher(answer.output)
    except OSError:
        pass  # not every installation has the launcher
    return found
