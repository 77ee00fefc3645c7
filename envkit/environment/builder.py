"""Make environments. `EnvBuilder` does what the standard library's ``venv.EnvBuilder`` does, hook for hook."""

import os
from _thread import RLock  # `threading` itself costs more

from envkit.environment import activation
from envkit.environment.environment import Environment
from envkit.environment.folders import check_path, claim_folder, give_up, is_made
from envkit.environment.hooks import Hooks
from envkit.environment.rules import Rules
from envkit.interpreter.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from envkit.environment.ports import Seeder
    from envkit.host.claims import Claim


class EnvBuilder(Hooks):
    """Makes virtual environments; the base class for code that was written for ``venv.EnvBuilder``.

    The arguments up to *scm_ignore_files* are those of the standard library, with the same meaning. *interpreter* is the
    Python that environments are made for: an `Interpreter`, a path to one, or None for the running one; inside an
    environment it is the base of it. *relocatable* environments can be moved. *activators* chooses among "bash", "fish",
    "csh", "powershell", "batch", "nushell", "xonsh" and "python"; None means all that fit the platform. *force* lets
    *clear* empty a folder that is not an environment. *seeder* installs what ``with_pip`` and ``upgrade_deps`` ask for;
    without one the environment's own Python is started to do it.

    A builder may be used many times, by many threads, of which it serves one after another: as in ``venv`` its attributes
    change while it works. `create` gives the `Environment`.
    """

    def __init__(
        self,
        system_site_packages: bool = False,  # noqa: FBT001, FBT002  as in venv
        clear: bool = False,  # noqa: FBT001, FBT002  as in venv
        symlinks: bool = False,  # noqa: FBT001, FBT002  as in venv
        upgrade: bool = False,  # noqa: FBT001, FBT002  as in venv
        with_pip: bool = False,  # noqa: FBT001, FBT002  as in venv
        prompt: str | None = None,
        upgrade_deps: bool = False,  # noqa: FBT001, FBT002  as in venv
        *,
        scm_ignore_files: "Iterable[str] | str" = frozenset(),
        interpreter: "Interpreter | str | os.PathLike[str] | None" = None,
        relocatable: bool = False,
        activators: "Iterable[str] | str | None" = None,
        force: bool = False,
        seeder: "Seeder | None" = None,
        cache_dir: "str | os.PathLike[str] | None" = None,
    ) -> None:
        self.system_site_packages = system_site_packages
        self.clear = clear
        self.symlinks = symlinks
        self.upgrade = upgrade
        self.with_pip = with_pip
        self.orig_prompt = prompt
        self.prompt = os.path.basename(os.getcwd()) if prompt == "." else prompt
        self.upgrade_deps = upgrade_deps
        scms = (scm_ignore_files,) if isinstance(scm_ignore_files, str) else scm_ignore_files
        self.scm_ignore_files = frozenset(map(str.lower, scms))
        self.relocatable = relocatable
        self.force = force
        self.activators = None if activators is None else _check_activators(activators)
        self._seeder = seeder
        self._cache_dir = cache_dir
        self._interpreter = self._find(interpreter)
        self._rules = Rules(self._interpreter)

    @property
    def interpreter(self) -> Interpreter:
        """The interpreter that environments are made for, as it was given."""
        return self._interpreter

    def _find(self, interpreter: "Interpreter | str | os.PathLike[str] | None") -> Interpreter:
        if interpreter is None:
            return Interpreter.current()
        if isinstance(interpreter, Interpreter):
            return interpreter
        return Interpreter.probe(interpreter, cache_dir=self._cache_dir)

    # --- making one

    def create(self, env_dir: "str | os.PathLike[str]") -> Environment:
        """Make an environment in a folder, or complete or renew the one that is there.

        Two callers at once: one makes it, the other waits and gets the same one, or a `VenvError` where it asked for
        another interpreter. What a killed caller left is completed; where it was clearing, that is brought to its end
        first. Raises `ValueError` where ``venv`` does (a path separator in the name, a file in the way), `VenvError` for
        the rest, `OSError` of the system as it is.
        """
        check_path(os.fspath(env_dir))
        path: str = os.path.abspath(env_dir)
        check_path(path)
        with self.__dict__.setdefault("_lock", RLock()):
            return self._create(path)

    def __getstate__(self) -> "dict[str, Any]":
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def _create(self, path: str) -> Environment:
        held = claim_folder(path, clear=self.clear, force=self.force)
        if held is None:
            return self._make(path, None)
        try:
            environment = self._made_by_another(path, held)
            if environment is None:
                environment = self._make(path, held)
            held.fulfil()
        except BaseException:
            give_up(path, held)
            raise
        return environment

    def _made_by_another(self, path: str, held: "Claim") -> Environment | None:
        """Give the environment that another process made while this one waited."""
        if held.unfinished or self.clear or self.upgrade or not is_made(path, self._rules) or not held.waited:
            return None
        from envkit.environment.recognise import open_environment

        return Environment(*open_environment(path, cache_dir=self._cache_dir, claimed=True))

    def _make(self, env_dir: str, held: "Claim | None") -> Environment:
        if held is not None and (self.clear or held.clearing):
            held.unfinished = True  # from here on a failure leaves less than there was
            held.begin_clearing()
            if not self.clear:  # a caller who cleared was killed: programs without their distributions may be left
                self.clear_directory(env_dir)
        ignorers = [getattr(self, f"create_{scm}_ignore_file") for scm in self.scm_ignore_files]
        context = self.ensure_directories(env_dir)
        if held is not None:
            held.unfinished = True
            held.end_clearing()
        for ignore in ignorers:
            ignore(context)
        # While pip is installed the system's distributions must not be seen: they would count as installed.
        wanted = self.system_site_packages
        self.system_site_packages = False
        try:
            self.create_configuration(context)
            self.setup_python(context)
            if self.with_pip:
                self._setup_pip(context)
            if not self.upgrade:
                self.setup_scripts(context)
                self.post_setup(context)
        finally:
            self.system_site_packages = wanted
        if wanted:
            self.create_configuration(context)
        if self.upgrade_deps:
            self.upgrade_dependencies(context)
        return self._environment(context)

    # --- more than venv

    def repair(self, environment: "Environment | str | os.PathLike[str]") -> Environment:
        """Make a broken environment whole without losing what is installed; see `envkit.environment.repair`."""
        from envkit.environment.repair import prepare, remove_programs

        path, kept = prepare(environment, self._rules)
        again = EnvBuilder(
            symlinks=self.symlinks,
            scm_ignore_files=self.scm_ignore_files,
            interpreter=self._interpreter,
            activators=self.activators,
            cache_dir=self._cache_dir,
            **kept,
        )
        remove_programs(path, self._rules)
        return again.create(path)


def _check_activators(names: "Iterable[str] | str") -> "tuple[str, ...]":
    chosen = tuple(dict.fromkeys(name.lower() for name in ((names,) if isinstance(names, str) else names)))
    for name in chosen:
        if name not in activation.ACTIVATORS:
            raise ValueError(f"unknown activator {name!r}; there are {', '.join(activation.ACTIVATORS)}")
    return chosen
