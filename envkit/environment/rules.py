"""What the standard library's ``venv`` does differently from version to version, platform to platform.

The rules of the *target* Python hold, not those of the Python that runs envkit; `docs/environments.md` lists them.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from envkit.interpreter.interpreter import Interpreter


#: The file that says that an environment is being made, or that this was cut off.
CLAIM = ".envkit-unfinished"


class Rules:
    """The rules for environments of one interpreter."""

    __slots__ = ("_core", "_interpreter", "implementation", "nt", "version")

    def __init__(self, interpreter: Interpreter) -> None:
        base = interpreter.base
        self._interpreter = base
        self._core: Mapping[str, Any] = base.core
        self.version: tuple[int, ...] = tuple(self._core["version_info"][:3])
        self.implementation: str = self._core["implementation"]
        self.nt: bool = self._core["os_name"] == "nt"

    @property
    def bin_name(self) -> str:
        """The folder of programs."""
        return "Scripts" if self.nt else "bin"

    @property
    def lib_parts(self) -> tuple[str, ...]:
        """The folder of pure modules, below the environment's root."""
        return self._known("purelib") or self._site_packages("lib")

    @property
    def platlib_parts(self) -> tuple[str, ...]:
        """The folder of extension modules; not always the same where there is a ``lib64``."""
        return self._known("platlib") or self._site_packages(self._core["platlibdir"])

    def _known(self, key: str) -> tuple[str, ...] | None:
        """Take the interpreter's own word where its names follow no rule that we know."""
        if self.nt or self.implementation in ("cpython", "pypy"):
            return None
        root = os.sep
        path = self._interpreter.paths_in(root.rstrip(os.sep))[key]
        return tuple(part for part in path.split(os.sep) if part)

    def _site_packages(self, lib: str) -> tuple[str, ...]:
        return ("Lib", "site-packages") if self.nt else (lib, self._versioned("python"), "site-packages")

    def _versioned(self, name: str, flags: str = "") -> str:
        name = "pypy" if self.implementation == "pypy" else name
        threads = "t" if self._core["free_threaded"] and not flags else flags
        return f"{name}{self.version[0]}.{self.version[1]}{threads}"

    @property
    def include_parts(self) -> tuple[str, ...]:
        """The folder of C headers: from 3.11 to 3.13 it is one with the version in its name."""
        if self.nt:
            return ("Include",)
        if (3, 11) <= self.version[:2] <= (3, 13):
            return ("include", self._versioned("python", self._core["abiflags"]))
        return ("include",)

    @property
    def has_lib64_link(self) -> bool:
        """Whether ``lib64`` is a link to ``lib``."""
        core = self._core
        usual = bool(core["is_64bit"]) and core["os_name"] == "posix" and core["platform"] != "darwin"
        return usual and self.version[:2] < (3, 15)

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names beside the executable's own that it has in the environment."""
        major, minor = self.version[:2]
        names = ["python", "python3"]
        if self.implementation == "pypy":
            names = ["pypy3", "pypy", "python", "python3"]
        elif self.implementation == "graalpy":
            names = ["graalpy", "python", "python3"]
        if (major, minor) >= (3, 9):
            names.append(f"python{major}.{minor}")
        if (major, minor) == (3, 14) and self._core["fs_encoding"] == "utf-8" and self.implementation == "cpython":
            names.append("\U0001d70bthon")
        return tuple(names)

    @property
    def has_command_key(self) -> bool:
        """Whether ``pyvenv.cfg`` tells the executable and the command."""
        return self.version[:2] >= (3, 11)

    @property
    def knows_scm_ignore_files(self) -> bool:
        """Whether the command has an option about ignore files."""
        return self.version[:2] >= (3, 13)

    @property
    def plain_prompt(self) -> bool:
        """Whether a context's prompt is without its brackets."""
        return self.version[:2] >= (3, 13)

    @property
    def seeds(self) -> tuple[str, ...]:
        """What ``ensurepip`` brings."""
        return ("pip",) if self.version[:2] >= (3, 12) else ("setuptools", "pip")
