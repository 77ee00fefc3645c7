"""`envkit.create` and `envkit.EnvBuilder`: the builder of environments, with envkit's own installer for pip."""

import os

from envkit.environment import builder
from envkit.interpreter.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from envkit.environment.environment import Environment
    from envkit.environment.ports import Seeder
    from envkit.kit.parts import Parts


class EnvBuilder(builder.EnvBuilder):
    """`envkit.environment.builder.EnvBuilder`, which see for the arguments, wired.

    *interpreter* may also be a version or a range ("3.12", ">=3.10,<3.13", "pypy3.10"), for which the best one of the
    machine is taken. ``with_pip`` installs through the wheel pool and ``upgrade_deps`` from the indexes of a kit (*parts*;
    without one PyPI and the user's cache folder).
    """

    def __init__(
        self,
        system_site_packages: bool = False,  # noqa: FBT001, FBT002  as in venv
        clear: bool = False,  # noqa: FBT001, FBT002
        symlinks: bool = False,  # noqa: FBT001, FBT002
        upgrade: bool = False,  # noqa: FBT001, FBT002
        with_pip: bool = False,  # noqa: FBT001, FBT002
        prompt: str | None = None,
        upgrade_deps: bool = False,  # noqa: FBT001, FBT002
        *,
        scm_ignore_files: "Iterable[str] | str" = frozenset(),
        interpreter: "Interpreter | str | os.PathLike[str] | None" = None,
        relocatable: bool = False,
        activators: "Iterable[str] | str | None" = None,
        force: bool = False,
        seeder: "Seeder | None" = None,
        cache_dir: "str | os.PathLike[str] | None" = None,
        parts: "Parts | None" = None,
    ) -> None:
        self._parts = parts
        super().__init__(
            system_site_packages,
            clear,
            symlinks,
            upgrade,
            with_pip,
            prompt,
            upgrade_deps,
            scm_ignore_files=scm_ignore_files,
            interpreter=interpreter,
            relocatable=relocatable,
            activators=activators,
            force=force,
            seeder=seeder,
            cache_dir=cache_dir,
        )
        if seeder is None and (with_pip or upgrade_deps):
            from envkit.kit.seeding import PoolSeeder

            self._seeder = PoolSeeder(self._find_parts)

    def _find_parts(self) -> "Parts":
        if self._parts is None:
            from envkit.kit.parts import Parts
            from envkit.kit.settings import Settings

            self._parts = Parts(Settings())
        return self._parts

    def _find(self, interpreter: "Interpreter | str | os.PathLike[str] | None") -> Interpreter:
        """Find what was named: also a version or a range, of which the best interpreter of the machine is taken."""
        if interpreter is None or isinstance(interpreter, Interpreter):
            return super()._find(interpreter)
        return _choose(interpreter, self._cache_dir or os.path.join(self._kept(), "interpreters"))

    def _kept(self) -> str:
        """Give the folder of a kit's cache, without making a kit for it."""
        if self._parts is not None:
            return self._parts.cache_dir
        from envkit.kit.cache_folder import default_cache_dir

        return default_cache_dir()


def create(
    path: "str | os.PathLike[str]", python: "Interpreter | str | os.PathLike[str] | None" = None, **options: "Any"
) -> "Environment":
    """Make an environment; see `Kit.create`. Without *parts* among the options those of a kit without arguments serve."""
    # what `python -m venv` does where the class itself is more careful
    options = {"symlinks": os.name != "nt", "scm_ignore_files": ("git",), **options}
    try:
        return EnvBuilder(interpreter=python, **options).create(path)
    except (OSError, ValueError) as error:  # what `venv` raises, and subclasses of the builder rely on
        from envkit.errors import EnvkitError, VenvError

        if isinstance(error, EnvkitError):
            raise
        told = getattr(error, "strerror", None) or error
        raise VenvError(
            f"{os.fspath(path)}: {told}", context={"path": os.fspath(path), "problem": "refused"}
        ) from error


def _choose(python: "Any", facts: "str | os.PathLike[str]") -> Interpreter:
    """Give the interpreter that *python* names: of several the best. A text that names none may be a path all the same.

    *facts* is the folder where answers of interpreters are kept. Raises `InterpreterError`.
    """
    if not isinstance(python, str):
        return Interpreter.probe(_as_path(python), cache_dir=facts)
    if os.path.basename(python) != python:
        return Interpreter.probe(os.path.expanduser(python), cache_dir=facts)
    from envkit.errors import InterpreterError
    from envkit.interpreter.discovery import find_interpreters

    try:
        found = find_interpreters(python, env=os.environ, cache_dir=facts)
    except InterpreterError:
        if python and os.path.exists(python):
            return Interpreter.probe(python, cache_dir=facts)
        raise
    if not found:
        raise InterpreterError(
            f"no interpreter for {python!r} was found",
            hint="install it, or give the path of its executable",
            context={"spec": python},
        )
    return found[0]


def _as_path(python: "os.PathLike[str]") -> str:
    try:
        return os.fspath(python)
    except TypeError as error:
        from envkit.errors import InterpreterError

        raise InterpreterError(
            f"an interpreter is named by a text or a path, not by the {type(python).__name__} {python!r}",
            hint='write "3.12"',
        ) from error
