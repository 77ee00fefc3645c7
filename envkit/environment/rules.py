"""What the standard library's ``venv`` does differently from version to version, platform to platform.

The rules of the *target* Python hold, not those of the Python that runs envkit; `docs/environments.md` lists them.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace
    from typing import Any

    from envkit.interpreter.interpreter import Interpreter

    class Options:
        """The arguments of a builder that its rules look at."""

        system_site_packages: bool
        clear: bool
        symlinks: bool
        upgrade: bool
        with_pip: bool
        orig_prompt: str | None
        prompt: str | None
        upgrade_deps: bool
        scm_ignore_files: "frozenset[str]"
        relocatable: bool


#: The file that says that an environment is being made, or that this was cut off.
CLAIM = ".envkit-unfinished"
#: What a file's name has behind it until it takes the place of another; always the same, so that a kill leaves no litter.
NEW = ".envkit-new"


class Rules:
    """The rules for environments of one interpreter.

    ``parts`` are the folders of an environment, by the keys of `sysconfig.get_paths`; ``has_lib64_link`` tells whether
    ``lib64`` is a link to ``lib``; ``aliases`` are the names beside the executable's own that it has in the environment;
    ``has_command_key`` whether ``pyvenv.cfg`` tells the executable and the command, ``knows_scm_ignore_files`` whether that
    command has an option about ignore files, ``plain_prompt`` whether a context's prompt is without its brackets,
    ``has_fish`` whether the platform's scripts include one for fish; ``seeds`` are what ``ensurepip`` brings.
    """

    def __init__(self, interpreter: "Interpreter") -> None:
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
        self.has_command_key = self.version >= (3, 11)
        self.knows_scm_ignore_files = self.version >= (3, 13)
        self.plain_prompt = self.version >= (3, 13)
        self.has_fish = not self.nt or self.version >= (3, 13)
        self.seeds = ("pip",) if self.version >= (3, 12) else ("setuptools", "pip")
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

    def _known(self, key: str) -> "tuple[str, ...] | None":
        """Take the interpreter's own word where its names follow no rule that we know."""
        if self.nt or self.implementation in ("cpython", "pypy"):
            return None
        path = self.interpreter.base.paths_in("")[key]
        return tuple(part for part in path.split(os.sep) if part)

    def _site_packages(self, lib: str) -> "tuple[str, ...]":
        return ("Lib", "site-packages") if self.nt else (lib, self._versioned("python"), "site-packages")

    def _versioned(self, name: str, flags: str = "") -> str:
        name = "pypy" if self.implementation == "pypy" else name
        threads = "t" if self._core["free_threaded"] and not flags else flags
        return f"{name}{self.version[0]}.{self.version[1]}{threads}"

    def _include(self) -> "tuple[str, ...]":
        """Give the folder of C headers: from 3.11 to 3.13 it is one with the version in its name."""
        if self.nt:
            return ("Include",)
        if (3, 11) <= self.version[:2] <= (3, 13):
            return ("include", self._versioned("python", self._core["abiflags"]))
        return ("include",)

    def _aliases(self) -> "tuple[str, ...]":
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


def configuration(options: "Options", context: "SimpleNamespace", rules: "Rules") -> str:
    """Give the text of ``pyvenv.cfg``, with the keys and values that the target's own ``venv`` writes."""
    major, minor, micro = rules.version[:3]
    lines = [
        f"home = {context.python_dir}",
        f"include-system-site-packages = {'true' if options.system_site_packages else 'false'}",
        f"version = {major}.{minor}.{micro}",
    ]
    if options.prompt is not None:
        lines.append(f"prompt = {options.prompt!r}")
    if rules.has_command_key:
        lines.append(f"executable = {rules.real_executable}")
        words = [rules.interpreter.executable, "-m", "venv", *_arguments(options, rules), context.env_dir]
        lines.append(f"command = {' '.join(words)}")
    if options.relocatable:
        lines.append("relocatable = true")
    return "".join(_one_line(line) + "\n" for line in lines)


def _arguments(options: "Options", rules: "Rules") -> "list[str]":
    given = [
        ("--symlinks", rules.nt and options.symlinks),
        ("--copies", not rules.nt and not options.symlinks),
        ("--without-pip", not options.with_pip),
        ("--system-site-packages", options.system_site_packages),
        ("--clear", options.clear),
        ("--upgrade", options.upgrade),
        ("--upgrade-deps", options.upgrade_deps),
        (f'--prompt="{options.orig_prompt}"', options.orig_prompt is not None),
        ("--without-scm-ignore-files", rules.knows_scm_ignore_files and not options.scm_ignore_files),
    ]
    return [word for word, is_given in given if is_given]


def _one_line(line: str) -> str:
    """Keep a name with a line end in it from adding keys of its own, and one that is no UTF-8 from stopping `site`."""
    return line.replace("\r", "\\r").replace("\n", "\\n").encode("utf-8", "backslashreplace").decode("utf-8")
