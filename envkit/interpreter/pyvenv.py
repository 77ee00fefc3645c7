"""``pyvenv.cfg``: the file that makes a folder an environment (PEP 405)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = "pyvenv.cfg"
_MAX_BYTES = 256 * 1024


def parse_config(text: str) -> dict[str, str]:
    """Read the lines as `site` does: ``key = value``, keys in lower case, anything else passed over."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found[key.strip().lower()] = value.strip()
    return found


def read_config(root: str) -> dict[str, str] | None:
    """Read the file of the environment at *root*; None where there is none that can be read."""
    try:
        with open(os.path.join(root, CONFIG), "rb") as stream:
            data = stream.read(_MAX_BYTES)
    except OSError:
        return None
    return parse_config(data.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))


def environment_of(executable: str) -> str | None:
    """Give the root of the environment that an executable belongs to, by the rule of PEP 405."""
    folder = os.path.dirname(executable)
    for root in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(root, CONFIG)):
            return root
    return None


def python_in(root: str) -> str | None:
    """Give the Python of an environment, or of an installation, that has its root at *root*."""
    for parts in (("bin", "python"), ("bin", "python3"), ("Scripts", "python.exe"), ("python.exe",), ("bin", "pypy3")):
        path = os.path.join(root, *parts)
        if os.path.isfile(path):
            return path
    return None


def base_executables(root: str, executable: str) -> Iterator[str]:
    """Give the places where the base interpreter of an environment may be, the most likely first."""
    config = read_config(root) or {}
    home = config.get("home")
    version = (config.get("version") or config.get("version_info") or "").split(".")
    names: list[str] = []
    if os.path.islink(executable) or os.name == "posix":
        target = _first_outside(root, executable)
        if target is not None:
            yield target
        names.append(os.path.basename(executable))
    if len(version) >= 2:
        names += [f"python{version[0]}.{version[1]}", f"python{version[0]}"]
    names += ["python3", "python", "pypy3", "python.exe"]
    for key in ("base-executable", "executable"):
        if config.get(key):
            yield config[key]
    if home:
        for name in dict.fromkeys(names):
            yield os.path.join(home, name)


def _first_outside(root: str, executable: str) -> str | None:
    """Follow links until one leaves the environment: that name, not the end of the chain, is the base's own."""
    path = executable
    for _ in range(16):
        try:
            target = os.readlink(path)
        except OSError:
            return None
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if not path.startswith(root + os.sep):
            return path
    return None
