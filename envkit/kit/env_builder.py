"""`envkit.EnvBuilder`: the builder of environments, with envkit's own installer for pip."""

from __future__ import annotations

import os

from envkit.environment import builder
from envkit.interpreter.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

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
        scm_ignore_files: Iterable[str] = frozenset(),
        interpreter: Interpreter | str | os.PathLike[str] | None = None,
        relocatable: bool = False,
        activators: Iterable[str] | None = None,
        force: bool = False,
        seeder: Seeder | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        parts: Parts | None = None,
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

    def _find_parts(self) -> Parts:
        if self._parts is None:
            from envkit.kit.parts import Parts
            from envkit.kit.settings import Settings

            self._parts = Parts(Settings())
        return self._parts

    def _find(self, interpreter: Interpreter | str | os.PathLike[str] | None) -> Interpreter:
        """Find what was named: also a version or a range, of which the best interpreter of the machine is taken."""
        if interpreter is None or isinstance(interpreter, Interpreter):
            return super()._find(interpreter)
        facts = self._cache_dir or os.path.join(self._find_parts().cache_dir, "interpreters")
        if isinstance(interpreter, str) and os.path.sep not in interpreter and not os.path.exists(interpreter):
            from envkit.errors import InterpreterError
            from envkit.interpreter.discovery import find_interpreters

            found = find_interpreters(interpreter, cache_dir=facts)
            if not found:
                raise InterpreterError(f"no interpreter for {interpreter!r} was found", context={"spec": interpreter})
            return found[0]
        return Interpreter.probe(interpreter, cache_dir=facts)
