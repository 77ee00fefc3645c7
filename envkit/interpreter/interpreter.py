"""One Python interpreter, as a frozen value."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `dataclasses` cost more than making a whole environment
    from collections.abc import Mapping
    from typing import Any


class Interpreter:
    """What envkit knows of one interpreter; made by `current`, `probe` and `find_interpreters`.

    ``executable`` is the path as it was found, ``core`` are the facts that need no slow module. For the Python of an
    environment ``base`` is the interpreter that the environment was made from, and ``paths`` are the environment's; an
    interpreter that is no environment's is its own base.
    What needs slow modules (``paths``, ``markers``, ``tags``) is read when first asked for, so that making an environment
    for the running Python costs nothing.
    """

    __slots__ = ("_base", "_details", "_tags", "core", "executable", "implementation", "prefix", "version")

    executable: str
    version: str
    implementation: str
    prefix: str
    core: "Mapping[str, Any]"
    _details: "Mapping[str, Any] | None"
    _base: "Interpreter | None"
    _tags: "tuple[str, ...] | None"

    def __init__(
        self,
        core: "Mapping[str, Any]",
        details: "Mapping[str, Any] | None" = None,
        tags: "tuple[str, ...] | None" = None,
        *,
        base: "Interpreter | None" = None,
    ) -> None:
        """Take facts as the probe script gives them; *details* None means those of the running Python, read later."""
        put = object.__setattr__
        put(self, "executable", core["executable"])
        put(self, "version", core["version"])
        put(self, "implementation", core["implementation"])
        put(self, "prefix", core["prefix"])
        put(self, "core", core)
        put(self, "_details", details)
        put(self, "_base", base)
        put(self, "_tags", tags)

    # --- how one is had

    @classmethod
    def current(cls) -> "Interpreter":
        """Give the interpreter that runs this code. Raises `InterpreterError` where it does not know its own path."""
        global _current  # noqa: PLW0603  the running Python does not change
        found = _current
        if found is None:
            found = _current = _read_current()
        return found

    @classmethod
    def probe(
        cls,
        path: "str | os.PathLike[str]",
        *,
        cache_dir: "str | os.PathLike[str] | None" = None,
        timeout: float = 10.0,
        environ: "Mapping[str, str] | None" = None,
    ) -> "Interpreter":
        """Ask the interpreter at *path* (an executable, or an environment's folder) about itself.

        The answer is kept in this process, and in *cache_dir* for others, under the real path, size and modification
        time of the file; a second call costs microseconds. Raises `InterpreterError` saying why it cannot be used, at
        most *timeout* seconds later.
        """
        from envkit.interpreter.probe import Question, probe

        if not os.fspath(path):  # as a path it would be the working folder
            from envkit.errors import InterpreterError

            raise InterpreterError("'' names no interpreter", context={"spec": ""})
        question = Question(make=cls, cache_dir=cache_dir, timeout=timeout, environ=environ)
        found: Interpreter = probe(os.path.abspath(path), question)
        return found

    # --- what it knows

    @property
    def base(self) -> "Interpreter":
        """The interpreter itself, or the one that its environment was made from."""
        return self if self._base is None else self._base

    @property
    def version_info(self) -> "tuple[int, int, int]":
        """The first three numbers of the version."""
        major, minor, micro = self.core["version_info"][:3]
        return (major, minor, micro)

    @property
    def is_environment(self) -> bool:
        """Whether this is the Python of an environment."""
        return self._base is not None

    @property
    def free_threaded(self) -> bool:
        """Whether this is a build without the global interpreter lock (PEP 703)."""
        return bool(self.core["free_threaded"])

    @property
    def debug(self) -> bool:
        """Whether this is a debug build."""
        return bool(self.core["debug"])

    @property
    def os_name(self) -> str:
        """`os.name` of that Python."""
        return str(self.core["os_name"])

    @property
    def platform(self) -> str:
        """`sys.platform` of that Python."""
        return str(self.core["platform"])

    @property
    def is_64bit(self) -> bool:
        """Whether its pointers are of 64 bits."""
        return bool(self.core["is_64bit"])

    @property
    def facts(self) -> "Mapping[str, Any]":
        """All facts, as the probe script gives them; for the base of an environment."""
        return {**self.base.core, "details": dict(self.base.details)}

    @property
    def paths(self) -> "Mapping[str, str]":
        """Where things are installed, by the keys of `sysconfig.get_paths`."""
        if self._base is None:
            return dict(self.details["paths"])
        return self._base.paths_in(self.prefix)

    def paths_in(self, root: str) -> "dict[str, str]":
        """Give the paths of an environment of this interpreter at *root*."""
        from envkit.interpreter.script import ENVIRONMENT

        known: dict[str, str] = self.base.details["environment_paths"]
        return {
            key: root + value[len(ENVIRONMENT) :] if value.startswith(ENVIRONMENT) else value
            for key, value in known.items()
        }

    @property
    def site_packages(self) -> "tuple[str, ...]":
        """The folders that distributions are in; an installation may have some that ``paths`` does not name."""
        paths = self.paths
        more: list[str] = [] if self._base is not None else self.details.get("site_packages") or []
        return tuple(dict.fromkeys((paths["purelib"], paths["platlib"], *more)))

    @property
    def markers(self) -> "Mapping[str, str]":
        """The variables of PEP 508, without ``extra``."""
        if self._base is not None:
            return self._base.markers
        if self._details is None:
            from envkit.interpreter.script import markers

            found: dict[str, str] = markers()
            return found
        return dict(self._details["markers"])

    @property
    def tags(self) -> "tuple[str, ...]":
        """The compatibility tags, the most wanted first."""
        if self._base is not None:
            return self._base.tags
        if self._tags is None:
            from envkit.interpreter.script import tag_details
            from envkit.interpreter.tags import compute_tags

            details = tag_details() if self._details is None else None
            object.__setattr__(self, "_tags", compute_tags(self.core, details or self.details))
        assert self._tags is not None
        return self._tags

    @property
    def externally_managed(self) -> str | None:
        """What the marker file of PEP 668 says; None for an environment, and where there is no marker."""
        if self._base is not None:
            return None
        from envkit.interpreter.managed import read_marker

        return read_marker(self.details["paths"]["stdlib"])

    @property
    def details(self) -> "Mapping[str, Any]":
        """The facts that ``core`` has not; reading those of the running Python takes some milliseconds, once."""
        if self._base is not None:
            return self._base.details
        if self._details is None:
            from envkit.interpreter.script import details

            object.__setattr__(self, "_details", details())
        assert self._details is not None
        return self._details

    def in_environment(self, root: str, executable: str) -> "Interpreter":
        """Give the interpreter of an environment at *root* that was made from this one."""
        return Interpreter({**self.base.core, "executable": executable, "prefix": root}, base=self.base)

    # --- a value

    def to_dict(self) -> "dict[str, Any]":
        """Give all facts as plain data."""
        return {
            "schema": 1,
            "executable": self.executable,
            "version": self.version,
            "implementation": self.implementation,
            "prefix": self.prefix,
            "paths": dict(self.paths),
            "markers": dict(self.markers),
            "tags": list(self.tags),
            "externally_managed": self.externally_managed,
            "facts": self.facts,
        }

    @classmethod
    def from_dict(cls, data: "Mapping[str, Any]") -> "Interpreter":
        """Read what `to_dict` gave. Raises `ValueError` where it does not fit."""
        if data.get("schema") != 1:
            raise ValueError(f"Interpreter: schema {data.get('schema')!r} is not 1")
        from envkit.interpreter.probe import check_facts

        try:
            core, details = check_facts(data["facts"])
            base = cls(core, details, tuple(map(str, data["tags"])))
            if data["prefix"] != base.prefix:
                return base.in_environment(str(data["prefix"]), str(data["executable"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"Interpreter: {error}") from error
        return base

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to {name!r}: an Interpreter is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: an Interpreter is frozen")

    def _key(self) -> "tuple[object, ...]":
        return (self.executable, self.prefix, self.version, self.implementation, self.base.core["executable"])

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Interpreter) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Interpreter({self.executable!r}, {self.implementation} {self.version})"

    def __reduce__(self) -> "tuple[Any, ...]":
        return (Interpreter.from_dict, (self.to_dict(),))


_current: "Interpreter | None" = None


def _read_current() -> "Interpreter":
    from envkit.interpreter.core import core

    facts: dict[str, Any] = core()
    if not facts["executable"] and not facts["base_executable"]:
        from envkit.errors import InterpreterError

        raise InterpreterError(
            "the running Python does not know the path of its executable", hint="name an interpreter"
        )
    own = {**facts, "executable": facts["base_executable"], "prefix": facts["base_prefix"]}
    base = Interpreter(own)
    if facts["prefix"] == facts["base_prefix"]:
        return base
    return base.in_environment(facts["prefix"], facts["executable"])
