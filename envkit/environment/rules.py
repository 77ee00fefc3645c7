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
#: What a file's name has behind it until it takes the place of another; always the same, so that a kill leaves no litter.
NEW = ".envkit-new"


class Rules:
    """The rules for environments of one interpreter.

    ``parts`` are the folders of an environment, by the keys of
    `sysconfig.get_paths`; ``has_lib64_link`` tells whether ``lib64`` is a link to ``lib``; ``aliases`` are the names beside
    the executable's own that it has in the environment.
    """

    __slots__ = (
        "_core",
        "_real",
        "aliases",
        "has_lib64_link",
        "implementation",
        "interpreter",
        "nt",
        "parts",
        "version",
    )

    def __init__(self, interpreter: Interpreter) -> None:
        core: Mapping[str, Any] = interpreter.base.core
        self.interpreter = interpreter
        self._core = core
        self._real: str | None = None
        self.version: tuple[int, ...] = tuple(core["version_info"][:3])
        self.implementation: str = core["implementation"]
        self.nt: bool = core["os_name"] == "nt"
        usual = core["is_64bit"] and core["os_name"] == "posix" and core["platform"] != "darwin"
        self.has_lib64_link: bool = bool(usual) and self.version[:2] < (3, 15)
        self.aliases = self._aliases()
        self.parts: dict[str, tuple[str, ...]] = {
            "scripts": ("Scripts" if self.nt else "bin",),
            "include": self._include(),
            "purelib": self._known("purelib") or self._site_packages("lib"),
            "platlib": self._known("platlib") or self._site_packages(core["platlibdir"]),
        }

    @property
    def real_executable(self) -> str:
        """The path of the interpreter's file, all links followed; read once."""
        if self._real is None:
            self._real = os.path.realpath(self.interpreter.executable)
        return self._real

    def _known(self, key: str) -> tuple[str, ...] | None:
        """Take the interpreter's own word where its names follow no rule that we know."""
        if self.nt or self.implementation in ("cpython", "pypy"):
            return None
        path = self.interpreter.base.paths_in("")[key]
        return tuple(part for part in path.split(os.sep) if part)

    def _site_packages(self, lib: str) -> tuple[str, ...]:
        return ("Lib", "site-packages") if self.nt else (lib, self._versioned("python"), "site-packages")

    def _versioned(self, name: str, flags: str = "") -> str:
        name = "pypy" if self.implementation == "pypy" else name
        threads = "t" if self._core["free_threaded"] and not flags else flags
        return f"{name}{self.version[0]}.{self.version[1]}{threads}"

    def _include(self) -> tuple[str, ...]:
        """Give the folder of C headers: from 3.11 to 3.13 it is one with the version in its name."""
        if self.nt:
            return ("Include",)
        if (3, 11) <= self.version[:2] <= (3, 13):
            return ("include", self._versioned("python", self._core["abiflags"]))
        return ("include",)

    def _aliases(self) -> tuple[str, ...]:
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
