"""One environment, as a frozen value."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # slow imports that making an environment does not need
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from envkit.interpreter.interpreter import Interpreter
    from envkit.model.distribution import InstalledDistribution


class Environment:
    """A place that distributions are installed into: a virtual environment, or an interpreter's own installation.

    ``config`` is what ``pyvenv.cfg`` says (empty without one), ``kind`` is "venv", "virtualenv", "uv", "conda" or
    "system". Nothing is kept open, and nothing is read again: open the environment anew to see what changed.
    """

    __slots__ = ("_config", "_path", "interpreter", "kind")

    interpreter: "Interpreter"
    kind: str
    _config: "dict[str, str] | None"
    _path: str

    def __init__(
        self, root: str, interpreter: "Interpreter", config: "Mapping[str, str] | None", kind: str = "venv"
    ) -> None:
        """Take what is known; *config* None is read when it is first asked for."""
        put = object.__setattr__
        put(self, "_path", root)
        put(self, "interpreter", interpreter)
        put(self, "_config", None if config is None else dict(config))
        put(self, "kind", kind)

    @classmethod
    def open(
        cls,
        path: "str | os.PathLike[str]",
        *,
        cache_dir: "str | os.PathLike[str] | None" = None,
        environ: "Mapping[str, str] | None" = None,
    ) -> "Environment":
        """Open the environment at *path*: its folder, or its Python.

        An operation that was cut off in it is brought to an end first. Raises `VenvError` that says what is wrong with a
        broken one: ``context["problem"]`` is "missing", "not-an-environment", "unfinished", "being-made",
        "interpreter-gone", "interpreter-changed" or "no-site-packages".
        """
        from envkit.environment.recognise import open_environment

        whole: str = os.path.abspath(path) if os.fspath(path) else ""  # which would be the working folder
        return cls(*open_environment(whole, cache_dir=cache_dir, environ=environ))

    @classmethod
    def current(cls) -> "Environment":
        """Give the environment, or the installation, that the running Python is in."""
        from envkit.environment.recognise import current_environment

        return cls(*current_environment())

    @property
    def root(self) -> "Path":
        """The folder."""
        from pathlib import Path

        return Path(self._path)

    @property
    def path(self) -> str:
        """The folder, as text."""
        return self._path

    @property
    def config(self) -> "Mapping[str, str]":
        """The keys of ``pyvenv.cfg`` in lower case, and their values."""
        return dict(self._keys)

    @property
    def _keys(self) -> "dict[str, str]":
        if self._config is None:
            from envkit.interpreter.pyvenv import read_config

            object.__setattr__(self, "_config", read_config(self._path) or {})
        assert self._config is not None
        return self._config

    @property
    def executable(self) -> str:
        """The Python to run."""
        return self.interpreter.executable

    @property
    def paths(self) -> "Mapping[str, str]":
        """Where things are installed, by the keys of `sysconfig.get_paths`."""
        return self.interpreter.paths

    @property
    def is_virtual(self) -> bool:
        """Whether this is a virtual environment, and not an installation."""
        return self.kind in ("venv", "virtualenv", "uv")

    @property
    def externally_managed(self) -> str | None:
        """The message of PEP 668's marker; None where anyone may install."""
        return self.interpreter.externally_managed

    @property
    def includes_system(self) -> bool:
        """Whether the base interpreter's site-packages are seen too."""
        return self._keys.get("include-system-site-packages", "").lower() == "true"

    @property
    def relocatable(self) -> bool:
        """Whether it was made to be moved."""
        return self._keys.get("relocatable", "").lower() == "true"

    @property
    def site_packages(self) -> "tuple[str, ...]":
        """The folders that distributions of this environment itself are in, pure ones first."""
        return self.interpreter.site_packages

    def distributions(self) -> "tuple[InstalledDistribution, ...]":
        """Read what is installed here, after bringing to an end what was cut off.

        Raises `VenvError` ("missing", "not-an-environment") where the environment has been removed or renamed.
        """
        from envkit.environment.recognise import check_there
        from envkit.installed.database import scan
        from envkit.transaction import read_unmixed

        check_there(self._path, self.kind, self.executable)
        return read_unmixed(self._path, lambda: scan(self.site_packages))

    def run(
        self,
        command: "Sequence[str]",
        *,
        environ: "Mapping[str, str] | None" = None,
        timeout: float | None = None,
        **options: "Any",
    ) -> "subprocess.CompletedProcess[Any]":
        """Run a program as if this environment was active, and wait for it.

        A bare name is looked for among the environment's programs first; "python" is its Python. *environ* replaces the
        caller's variables, *options* are those of `subprocess.run`. Raises what that raises.
        """
        from envkit.environment.running import Place, run

        variable = "VIRTUAL_ENV" if self.is_virtual else "CONDA_PREFIX" if self.kind == "conda" else None
        place = Place(self._path, self.paths["scripts"], self.executable, variable)
        return run(place, command, environ=environ, timeout=timeout, **options)

    def to_dict(self) -> "dict[str, Any]":
        """Give all as plain data."""
        return {
            "schema": 1,
            "root": self._path,
            "kind": self.kind,
            "config": dict(self._keys),
            "paths": dict(self.paths),
            "interpreter": self.interpreter.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: "Mapping[str, Any]") -> "Environment":
        """Read what `to_dict` gave. Raises `ValueError` where it does not fit."""
        from envkit.interpreter.interpreter import Interpreter

        if data.get("schema") != 1:
            raise ValueError(f"Environment: schema {data.get('schema')!r} is not 1")
        try:
            config = {str(key): str(value) for key, value in data["config"].items()}
            return cls(str(data["root"]), Interpreter.from_dict(data["interpreter"]), config, str(data["kind"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"Environment: {error}") from error

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to {name!r}: an Environment is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: an Environment is frozen")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Environment):
            return NotImplemented
        ours = (self._path, self.kind, self.config, self.interpreter)
        return ours == (other.path, other.kind, other.config, other.interpreter)

    def __hash__(self) -> int:
        return hash((self._path, self.kind, self.interpreter))

    def __repr__(self) -> str:
        return f"Environment({self._path!r}, kind={self.kind!r}, python={self.interpreter.version!r})"

    def __reduce__(self) -> "tuple[Any, ...]":
        return (Environment, (self._path, self.interpreter, self._keys, self.kind))
