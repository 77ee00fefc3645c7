"""Where interpreters are: every place that a person or a version manager puts them, without starting any."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from envkit.model.recent import Recent

_NAME = re.compile(r"(python|pypy|graalpy)(\d+(\.\d+)?)?t?d?(_d)?(\.exe)?", re.IGNORECASE)
_STARTS = frozenset(("py", "Py", "PY", "gr", "Gr", "GR"))  # PATH has thousands of names, and expressions are slow
_MAX_ENTRIES = 50_000
_MAX_LINKS = 40
_MOST_LISTINGS = 1_000
_MAX_LIST_BYTES = 256 * 1024

#: (variable that names the folder, folder below the home, pattern of an installation below it)
_MANAGERS = (
    ("PYENV_ROOT", ".pyenv", ("versions", "*")),
    ("PYENV_ROOT", ".pyenv/pyenv-win", ("versions", "*")),
    ("ASDF_DATA_DIR", ".asdf", ("installs", "python", "*")),
    ("MISE_DATA_DIR", ".local/share/mise", ("installs", "python", "*")),
    ("RYE_HOME", ".rye", ("py", "*")),
    ("", ".local/share/hatch/pythons", ("*", "python")),
    ("", ".pythonz/pythons", ("*",)),
    ("", ".nix-profile", ()),
)
_CONDA = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin")


def candidates(environ: Mapping[str, str], current: str, windows: Iterable[str] = ()) -> Iterator[str]:
    """Give paths of programs that may be interpreters, in the order of preference, each real one once.

    The running one (*current*), those of active environments, of PATH, of version managers, of uv, of conda, of Windows
    (*windows*: from the registry and the launcher), and of the system.
    """
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    seen: set[str] = set()
    folders: dict[str, str] = {}
    sources: tuple[Callable[[], Iterable[str]], ...] = (
        lambda: [current],
        lambda: _of_roots(environ.get(name, "") for name in ("VIRTUAL_ENV", "CONDA_PREFIX")),
        lambda: _of_folders(environ.get("PATH", "").split(os.pathsep)),
        lambda: _of_roots(_managed(environ, home)),
        lambda: _of_roots(_uv(environ, home)),
        lambda: _of_roots(_conda(home)),
        lambda: windows,
        lambda: _of_roots(_glob("/opt/python", ("*",))),
        lambda: _of_roots(_glob("/Library/Frameworks/Python.framework/Versions", ("*",))),
        lambda: _of_folders(_SYSTEM if os.name == "posix" else ()),
    )
    for source in sources:
        for path in source():
            if path and (real := _real(path, folders)) not in seen:
                seen.add(real)
                yield path


def _real(path: str, folders: dict[str, str]) -> str:
    """Do what `os.path.realpath` does, with each folder followed once: most programs stand in few of them."""
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        path = os.path.join(folders[folder], name)
        try:
            path = os.path.join(folders[folder], os.readlink(path))
        except (OSError, ValueError):
            break
    return path


def _of_folders(folders: Iterable[str]) -> Iterator[str]:
    for folder in dict.fromkeys(folders):
        if not os.path.isabs(folder):  # a relative entry of PATH would search the working folder
            continue
        shims = os.path.basename(folder) == "shims"
        for name in _programs(folder):
            path = os.path.join(folder, name)
            if not (shims or _is_store_stub(path)) and os.path.isfile(path):
                yield path


def _rank(name: str) -> tuple[bool, list[int], int]:
    """Plain names first, then the newest version; ``python3.12`` names more than ``python3`` and costs nothing more."""
    numbers = [-int(number) for number in re.findall(r"\d+", name)]
    return not name.lower().startswith("python"), numbers, len(name)


def _is_store_stub(path: str) -> bool:
    """Tell the stubs of Windows that open a shop: they are empty files in WindowsApps."""
    return "WindowsApps" in path and (not os.path.exists(path) or os.path.getsize(path) == 0)


def _of_roots(roots: Iterable[str]) -> Iterator[str]:
    from envkit.interpreter.pyvenv import python_in

    for root in roots:
        if root and os.path.isabs(root):
            found = python_in(root)
            if found is not None:
                yield found


def _managed(environ: Mapping[str, str], home: str) -> Iterator[str]:
    for variable, folder, pattern in _MANAGERS:
        chosen = environ.get(variable) if variable else None
        if chosen or home:
            # Where the variable is not set the usual folder is still looked at: shells set it, and IDEs do not read those.
            yield from _glob(chosen or os.path.join(home, *folder.split("/")), pattern)


def _uv(environ: Mapping[str, str], home: str) -> Iterator[str]:
    chosen = environ.get("UV_PYTHON_INSTALL_DIR")
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    folders = (
        [chosen] if chosen else [os.path.join(data, "uv", "python")] if home or environ.get("XDG_DATA_HOME") else []
    )
    if not chosen and environ.get("APPDATA"):
        folders.append(os.path.join(environ["APPDATA"], "uv", "python"))
        folders.append(os.path.join(environ["APPDATA"], "uv", "data", "python"))
    for folder in folders:
        for root in _glob(folder, ("*",)):
            if not os.path.basename(root).startswith("."):
                yield root


def _conda(home: str) -> Iterator[str]:
    if home:
        for name in _CONDA:
            root = os.path.join(home, name)
            yield root
            yield from _glob(os.path.join(root, "envs"), ("*",))
        try:
            with open(os.path.join(home, ".conda", "environments.txt"), encoding="utf-8", errors="replace") as stream:
                yield from (line.strip() for line in stream.read(_MAX_LIST_BYTES).splitlines())
        except OSError:
            pass
    yield "/opt/conda"


def _glob(folder: str, pattern: tuple[str, ...]) -> Iterator[str]:
    """Give the folders that a pattern of names and ``*`` leads to; newest names first."""
    if not pattern:
        yield folder
        return
    names = [pattern[0]] if pattern[0] != "*" else sorted(_names(folder), key=_version_key, reverse=True)
    for name in names:
        yield from _glob(os.path.join(folder, name), pattern[1:])


def _version_key(name: str) -> list[tuple[int, str]]:
    return [(int(number or 0), word) for word, number in re.findall(r"(\D*)(\d*)", name)]


_listings = Recent[tuple[str, bool], tuple[int, list[str]]](_MOST_LISTINGS)


def _names(folder: str) -> list[str]:
    return _listed(folder, programs=False)


def _programs(folder: str) -> list[str]:
    """Give the names that interpreters have, the most telling first."""
    return _listed(folder, programs=True)


def _listed(folder: str, *, programs: bool) -> list[str]:
    """Give the names in a folder, which is read again when it has changed."""
    try:
        changed = os.stat(folder).st_mtime_ns
        known = _listings.get((folder, programs))
        if known is not None and known[0] == changed:
            return known[1]
        names = os.listdir(folder)[:_MAX_ENTRIES]
    except (OSError, ValueError):
        return []
    if programs:
        names = sorted((name for name in names if name[:2] in _STARTS and _NAME.fullmatch(name)), key=_rank)
    _listings[folder, programs] = (changed, names)
    return names
