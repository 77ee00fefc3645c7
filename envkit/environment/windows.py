"""Put a Python into an environment on Windows: launchers, or links with the libraries beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from envkit.environment.folders import copy_file, link


def windows_sources(facts: Mapping[str, Any], python_dir: str, env_exe: str) -> tuple[dict[str, str], dict[str, str]]:
    """Give for each file of ``Scripts`` what it is a link to, and what it is a copy of.

    Environments on Windows hold launchers, not copies of Python: ``venvlauncher.exe`` as ``python.exe``, and one without
    a console as ``pythonw.exe``. Debug builds have ``_d`` in all names, free-threaded ones ``t``.
    """
    stem = os.path.splitext(os.path.basename(env_exe))[0]
    debug = "_d" if stem.lower().endswith("_d") else ""
    version = facts["version_info"]
    launchers = python_dir if facts["details"].get("python_build") else _launcher_folder(facts)
    thread, kind = (f"{version[0]}.{version[1]}t", "t") if facts["free_threaded"] else ("", "")
    links: dict[str, str] = {}
    copies: dict[str, str] = {}
    for window, launcher in (("", "venvlauncher"), ("w", "venvwlauncher")):
        own = os.path.join(python_dir, f"python{window}{thread}{debug}.exe")
        made = os.path.join(launchers, f"{launcher}{kind}{debug}.exe")
        if not os.path.isfile(made):  # before Python 3.13 they have the names that they get
            older = os.path.join(launchers, f"python{window}{debug}.exe")
            made = older if os.path.isfile(older) else made
        for name in dict.fromkeys((f"python{window}", f"python{window}{debug}", f"python{window}{thread}{debug}")):
            links[f"{name}.exe"] = own
            copies[f"{name}.exe"] = made
        if kind and debug:
            links[f"python{window}{thread}.exe"] = own
            copies[f"python{window}{thread}.exe"] = made
    return links, copies


def _launcher_folder(facts: Mapping[str, Any]) -> str:
    return os.path.join(str(facts["details"]["paths"]["stdlib"]), "venv", "scripts", "nt")


def windows_libraries(python_dir: str) -> dict[str, str]:
    """Give the DLLs that must stand beside a linked executable."""
    try:
        names = os.listdir(python_dir)
    except OSError:
        return {}
    return {
        name: os.path.join(python_dir, name)
        for name in sorted(names)
        if name.lower().startswith(("python", "vcruntime")) and name.lower().endswith(".dll")
    }


def place(
    facts: Mapping[str, Any],
    bin_path: str,
    python_dir: str,
    env_exe: str,
    *,
    symlinks: bool,
    warn: Callable[[str], None],
) -> None:
    """Fill ``Scripts``: links where asked for and possible, else launchers."""
    links, copies = windows_sources(facts, python_dir, env_exe)
    if symlinks:
        links.update(windows_libraries(python_dir))
        if _place_links(links, bin_path, warn):
            return
    for name, source in copies.items():
        if os.path.isfile(source):
            copy_file(source, os.path.join(bin_path, name))
        elif name == os.path.basename(env_exe):
            warn(f"there is no launcher at {source}")


def _place_links(links: Mapping[str, str], bin_path: str, warn: Callable[[str], None]) -> bool:
    made: list[str] = []
    for name, source in links.items():
        if not os.path.lexists(source):
            continue
        target = os.path.join(bin_path, name)
        try:
            link(source, target)
        except OSError as error:
            warn(f"cannot link {target} ({error}); launchers are copied instead")
            _remove(made)
            return False
        made.append(target)
    return True


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue


def copy_tcl(facts: Mapping[str, Any], env_dir: str, python_dir: str) -> None:
    """Give an environment of a Python that runs from its build folder the start file of Tcl."""
    if not facts["details"].get("python_build"):
        return
    for folder, _, files in os.walk(python_dir):
        if "init.tcl" in files:
            target = os.path.join(env_dir, "Lib", os.path.basename(folder))
            os.makedirs(target, exist_ok=True)
            copy_file(os.path.join(folder, "init.tcl"), os.path.join(target, "init.tcl"))
            return


def same_long_path(path1: str, path2: str) -> bool:
    """Tell whether two paths of Windows are the same but for short names and case."""
    return os.path.normcase(_long_path(path1)) == os.path.normcase(_long_path(path2))


def _long_path(path: str) -> str:
    import _winapi

    try:
        return str(_winapi.GetLongPathName(os.fsdecode(path)))  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return path
