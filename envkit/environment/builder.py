"""Make environments. `EnvBuilder` does what the standard library's ``venv.EnvBuilder`` does, hook for hook."""

from __future__ import annotations

import os
from types import SimpleNamespace

from envkit.environment import activation, executables
from envkit.environment.environment import Environment
from envkit.environment.rules import CLAIM, Rules
from envkit.host import files
from envkit.interpreter.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from envkit.environment.ports import Seeder
    from envkit.host.claims import Claim

_CACHEDIR_TAG = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This folder can be made again, so backups may leave it out; see https://bford.info/cachedir/
"""
_GITIGNORE = b"# Created by venv; see https://docs.python.org/3/library/venv.html\n*\n"
_CLAIM_TIMEOUT = 60.0


class EnvBuilder:
    """Makes virtual environments; the base class for code that was written for ``venv.EnvBuilder``.

    The arguments up to *scm_ignore_files* are those of the standard library, with the same meaning. *interpreter* is the
    Python that environments are made for: an `Interpreter`, a path to one, or None for the running one; inside an
    environment it is the base of it. *relocatable* environments can be moved. *activators* chooses among "bash", "fish",
    "csh", "powershell", "batch", "nushell", "xonsh" and "python"; None means all that fit the platform. *force* lets
    *clear* empty a folder that is not an environment. *seeder* installs what ``with_pip`` and ``upgrade_deps`` ask for;
    without one the environment's own Python is started to do it.

    A builder may be used many times, one at a time; `create` gives the `Environment`.
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
        scm_ignore_files: Iterable[str] = frozenset(),
        interpreter: Interpreter | str | os.PathLike[str] | None = None,
        relocatable: bool = False,
        activators: Iterable[str] | None = None,
        force: bool = False,
        seeder: Seeder | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.system_site_packages = system_site_packages
        self.clear = clear
        self.symlinks = symlinks
        self.upgrade = upgrade
        self.with_pip = with_pip
        self.orig_prompt = prompt
        self.prompt = os.path.basename(os.getcwd()) if prompt == "." else prompt
        self.upgrade_deps = upgrade_deps
        self.scm_ignore_files = frozenset(map(str.lower, scm_ignore_files))
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

    def _find(self, interpreter: Interpreter | str | os.PathLike[str] | None) -> Interpreter:
        if interpreter is None:
            return Interpreter.current()
        if isinstance(interpreter, Interpreter):
            return interpreter
        return Interpreter.probe(interpreter, cache_dir=self._cache_dir)

    # --- making one

    def create(self, env_dir: str | os.PathLike[str]) -> Environment:
        """Make an environment in a folder, or complete or renew the one that is there.

        Two callers at once: one makes it, the other waits and gets the same one, or a `VenvError` where it asked for
        another interpreter. What a killed caller left is completed; where it was clearing, that is brought to its end
        first. Raises `ValueError` where ``venv`` does (a path separator in the name, a file in the way), `VenvError` for
        the rest, `OSError` of the system as it is.
        """
        path: str = os.path.abspath(env_dir)
        _check_path(path)
        claim = self._claim(path)
        if claim is None:
            return self._make(path, None)
        try:
            environment = self._ready(path, claim)
            if environment is None:
                environment = self._make(path, claim)
            claim.fulfil()
        except BaseException:
            self._give_up(path, claim)
            raise
        return environment

    def _make(self, env_dir: str, claim: Claim | None) -> Environment:
        if claim is not None and (self.clear or claim.clearing):
            claim.unfinished = True  # from here on a failure leaves less than there was
            claim.begin_clearing()
            if not self.clear:  # a caller who cleared was killed: programs without their distributions may be left
                self.clear_directory(env_dir)
        context = self.ensure_directories(env_dir)
        if claim is not None:
            claim.unfinished = True
            claim.end_clearing()
        for scm in self.scm_ignore_files:
            getattr(self, f"create_{scm}_ignore_file")(context)
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

    def _environment(self, context: SimpleNamespace) -> Environment:
        plain = os.path.join(context.bin_path, "python")  # by which it is found when it is opened
        executable = plain if not self._rules.nt and os.path.lexists(plain) else context.env_exe
        return Environment(context.env_dir, self._interpreter.in_environment(context.env_dir, executable), None)

    # --- being alone, and being cut off

    def _claim(self, path: str) -> Claim | None:
        """Claim the folder; None where it cannot be one, which the first hook will tell."""
        from envkit.host.claims import claim

        if os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path)):
            return None
        fresh = _make_fresh(path)
        if self.clear and not fresh:
            self._check_clearable(path)
        marker = os.path.join(path, CLAIM)
        found = claim(marker, timeout=_CLAIM_TIMEOUT)
        if found is None:
            raise _error(
                path, "being-made", f"{path} is being made by another process", hint="wait for it, and try again"
            )
        found.fresh = fresh
        return found

    def _give_up(self, path: str, claim: Claim) -> None:
        """Leave a failed creation as one that was cut off, or nothing where nothing had been made."""
        names = os.listdir(path) if os.path.isdir(path) else []
        if claim.unfinished and names != [CLAIM]:
            claim.drop()
            return
        claim.fulfil()
        if claim.fresh and names == [CLAIM]:
            files.remove_dir(path)

    def _ready(self, path: str, claim: Claim) -> Environment | None:
        """Give the environment that another process made while this one waited.

        Raises `VenvError` where what is there is for another Python: to make both in one folder would give neither.
        """
        if claim.unfinished or self.clear or not os.path.lexists(os.path.join(path, "pyvenv.cfg")):
            return None
        from envkit.interpreter.pyvenv import read_config

        config = read_config(path) or {}
        made = (config.get("version") or config.get("version_info") or "").split(".")[:2]
        ours = [str(number) for number in self._rules.version[:2]]
        if len(made) == 2 and made != ours and not self.upgrade:
            raise _error(
                path,
                "other-interpreter",
                f"{path} is an environment for Python {'.'.join(made)} already, not for {'.'.join(ours)}",
                hint="clear it, or choose another folder",
            )
        if not claim.waited or self.upgrade:
            return None
        from envkit.environment.recognise import open_environment

        return Environment(*open_environment(path, cache_dir=self._cache_dir, claimed=True))

    def _check_clearable(self, path: str) -> None:
        if self.force or any(os.path.lexists(os.path.join(path, name)) for name in ("pyvenv.cfg", CLAIM)):
            return
        if os.listdir(path):
            raise _error(
                path,
                "not-an-environment",
                f"{path} is not empty, and not an environment: it is not cleared",
                hint="choose another folder, or say force=True to lose what is in it",
            )

    # --- the hooks of venv, in their order

    def clear_directory(self, path: str) -> None:
        """Empty a folder; links are removed, never followed."""
        for entry in list(os.scandir(path)):
            if entry.name == CLAIM:
                continue
            if entry.is_dir(follow_symlinks=False):
                files.remove_tree(entry.path)
            else:
                files.unlink(entry.path)

    def _venv_path(self, env_dir: str, name: str) -> str:
        parts = {
            "scripts": (self._rules.bin_name,),
            "include": self._rules.include_parts,
            "purelib": self._rules.lib_parts,
            "platlib": self._rules.platlib_parts,
        }
        return os.path.join(env_dir, *parts[name])

    @classmethod
    def _same_path(cls, path1: str, path2: str) -> bool:
        """Tell whether two paths look the same to a reader, whatever they lead to."""
        if os.name != "nt":
            return path1 == path2
        return os.path.normcase(_long_path(path1)) == os.path.normcase(_long_path(path2))

    def ensure_directories(self, env_dir: str | os.PathLike[str]) -> SimpleNamespace:
        """Make the folders. Gives the context: where everything is, for the hooks that follow."""
        env_dir = os.fspath(env_dir)
        _check_path(env_dir)
        if self.clear and os.path.exists(env_dir) and not os.path.islink(env_dir):
            self._check_clearable(env_dir)
            self.clear_directory(env_dir)
        context = SimpleNamespace()
        context.env_dir = env_dir
        context.env_name = os.path.split(env_dir)[1]
        prompt = self.prompt if self.prompt is not None else context.env_name
        context.prompt = prompt if self._rules.plain_prompt else f"({prompt}) "
        _make_folder(env_dir)
        executable = self._interpreter.base.executable
        if not executable:
            raise ValueError("Unable to determine path to the Python interpreter; name one that has a path")
        context.executable = executable
        context.python_dir, exename = os.path.split(os.path.abspath(executable))
        if self._rules.nt and self._rules.version[:2] >= (3, 13):
            exename = "python_d.exe" if os.path.splitext(exename)[0].endswith("_d") else "python.exe"
        context.python_exe = exename
        bin_path = self._venv_path(env_dir, "scripts")
        context.inc_path = self._venv_path(env_dir, "include")
        context.lib_path = self._venv_path(env_dir, "purelib")
        context.platlib_path = self._venv_path(env_dir, "platlib")
        _make_below(env_dir, context.inc_path)
        _make_below(env_dir, context.lib_path)
        if self._rules.has_lib64_link:
            link = os.path.join(env_dir, "lib64")
            if not os.path.lexists(link):
                files.symlink("lib", link)
        if context.platlib_path != context.lib_path:
            _make_folder(context.platlib_path)
        context.bin_path = bin_path
        context.bin_name = os.path.relpath(bin_path, env_dir)
        context.env_exe = os.path.join(bin_path, exename)
        _make_folder(bin_path)
        context.env_exec_cmd = context.env_exe
        if os.name == "nt":
            real = os.path.realpath(context.env_exe)  # redirections hold for opening files, not for starting them
            if not self._same_path(real, context.env_exe):
                context.env_exec_cmd = real
        return context

    def create_git_ignore_file(self, context: SimpleNamespace) -> None:
        """Write a ``.gitignore`` that hides the whole folder from git."""
        files.write_bytes(os.path.join(context.env_dir, ".gitignore"), _GITIGNORE)

    def create_configuration(self, context: SimpleNamespace) -> None:
        """Write ``pyvenv.cfg``, which tells Python that this is an environment."""
        from envkit.environment.configuration import configuration

        context.cfg_path = os.path.join(context.env_dir, "pyvenv.cfg")
        text = configuration(self, context, self._interpreter, self._rules)
        files.write_bytes(context.cfg_path, text.encode("utf-8", "surrogateescape"))

    def symlink_or_copy(self, src: str, dst: str, relative_symlinks_ok: bool = False) -> None:  # noqa: FBT001, FBT002
        """Link a file, or copy it where links are not wanted or not possible."""
        if self.symlinks:
            try:
                source = os.path.basename(src) if relative_symlinks_ok else src
                executables.link(source, dst)
            except (OSError, NotImplementedError):
                _warn(f"cannot link {dst} to {src}; it is copied instead")
            else:
                return
        executables.copy_file(src, dst)

    def setup_python(self, context: SimpleNamespace) -> None:
        """Put the Python in place, under each of its names."""
        if self._rules.nt:
            facts = self._interpreter.facts
            executables.place_windows(
                facts, context.bin_path, context.python_dir, context.env_exe, symlinks=self.symlinks, warn=_warn
            )
            executables.copy_tcl(facts, context.env_dir, context.python_dir)
            return
        self._place(context.executable, context.env_exe, relative=False)
        own = os.path.basename(context.env_exe)
        for name in self._rules.aliases:
            if name != own:
                self._place(context.env_exe, os.path.join(context.bin_path, name), relative=True)

    def _place(self, source: str, target: str, *, relative: bool) -> None:
        self.symlink_or_copy(source, target, relative_symlinks_ok=relative)
        if not self.symlinks and not os.path.islink(target):
            files.change_mode(target, 0o755)

    def _call_new_python(self, context: SimpleNamespace, *py_args: str, **kwargs: Any) -> None:
        """Run the environment's Python; nothing of the caller's may lead it elsewhere."""
        import subprocess

        from envkit.host.processes import inherited

        kwargs["env"] = inherited({"VIRTUAL_ENV": context.env_dir, "PYTHONHOME": None, "PYTHONPATH": None})
        kwargs["cwd"] = context.env_dir
        kwargs["executable"] = context.env_exec_cmd
        subprocess.check_output([context.env_exec_cmd, *py_args], **kwargs)

    def _setup_pip(self, context: SimpleNamespace) -> None:
        """Put the pip of the target's ``ensurepip`` into the environment, and what else that brings."""
        from functools import partial

        from envkit.environment.seeding import seed

        seed(self._environment(context), self._seeder, self._rules.seeds, partial(self._call_new_python, context))

    def setup_scripts(self, context: SimpleNamespace) -> None:
        """Write the activation scripts, and what marks the folder as one that can be made again."""
        if not _is_ours(self, "install_scripts") or not _is_ours(self, "replace_variables"):
            self.install_scripts(context, activation.SCRIPTS)
        else:
            values = activation.values_of(context)
            wanted = False
            for at, (folder, name) in enumerate(self._chosen_scripts()):
                text = activation.template(folder, name)
                text = activation.render(text, activation.shell_of(name), values, relocatable=self.relocatable)
                path = os.path.join(context.bin_path, name)
                files.write_bytes(path, text.encode("utf-8", "surrogateescape"), 0o644)
                # As venv has it, whatever the umask; which the first file tells, without touching that.
                wanted = os.stat(path).st_mode & 0o7777 != 0o644 if at == 0 else wanted
                if wanted:
                    files.change_mode(path, 0o644)
        files.write_bytes(os.path.join(context.env_dir, "CACHEDIR.TAG"), _CACHEDIR_TAG)

    def post_setup(self, context: SimpleNamespace) -> None:
        """Do nothing: here subclasses put what they add."""

    def replace_variables(self, text: str, context: SimpleNamespace) -> str:
        """Fill the variables of a script's text, quoted for the shell that ``context.script_path`` tells."""
        shell = activation.shell_of(getattr(context, "script_path", ""))
        return activation.render(text, shell, activation.values_of(context), relocatable=self.relocatable)

    def install_scripts(self, context: SimpleNamespace, path: str) -> None:
        """Install the scripts of a folder: those in ``common`` and in the folder named for the platform (`os.name`)."""
        from envkit.environment.scripts_folder import walk_scripts

        own = os.path.samefile(path, activation.SCRIPTS) if os.path.exists(path) else False
        chosen = {os.path.join(path, *parts) for parts in self._chosen_scripts()} if own else None
        for source, target in walk_scripts(path, context.bin_path, "nt" if self._rules.nt else "posix"):
            if chosen is not None and source not in chosen:
                continue
            context.script_path = source
            with open(source, "rb") as stream:
                data = stream.read()
            if not source.endswith((".exe", ".pdb")):
                try:
                    data = self.replace_variables(data.decode("utf-8"), context).encode("utf-8", "surrogateescape")
                except UnicodeError as error:
                    _warn(f"{source} is left out: it is not text ({error})")
                    continue
            files.make_dirs(os.path.dirname(target))
            files.write_bytes(target, data)
            files.change_mode(target, 0o644 if own else os.stat(source).st_mode & 0o7777)

    def _chosen_scripts(self) -> list[tuple[str, str]]:
        platform = "nt" if self._rules.nt else "posix"
        chosen = activation.ACTIVATORS if self.activators is None else self.activators
        return [
            (folder, name)
            for activator in chosen
            for folder, name in activation.ACTIVATORS[activator]
            if folder in ("common", platform) or (folder == "posix" and self.activators is not None)
        ]

    def upgrade_dependencies(self, context: SimpleNamespace) -> None:
        """Upgrade pip, and what else ``ensurepip`` brings, to the newest versions of the index."""
        from functools import partial

        from envkit.environment.seeding import upgrade

        names = tuple(reversed(self._rules.seeds))
        upgrade(self._environment(context), self._seeder, names, partial(self._call_new_python, context))

    # --- more than venv

    def repair(self, environment: Environment | str | os.PathLike[str]) -> Environment:
        """Make a broken environment whole without losing what is installed; see `envkit.environment.repair`."""
        from envkit.environment.repair import prepare

        path, config = prepare(environment, self._rules)
        again = self.like(config)
        again.remove_programs(path)
        return again.create(path)

    def like(self, config: Mapping[str, str]) -> EnvBuilder:
        """Give a builder for the same interpreter that keeps what an environment's ``pyvenv.cfg`` says."""
        prompt = config.get("prompt")
        if prompt is not None and len(prompt) > 1 and prompt[0] == prompt[-1] and prompt[0] in "'\"":
            prompt = prompt[1:-1]
        return EnvBuilder(
            system_site_packages=config.get("include-system-site-packages", "").lower() == "true",
            symlinks=self.symlinks,
            prompt=prompt,
            scm_ignore_files=self.scm_ignore_files,
            interpreter=self._interpreter,
            relocatable=config.get("relocatable", "").lower() == "true",
            activators=self.activators,
            cache_dir=self._cache_dir,
        )

    def remove_programs(self, env_dir: str) -> None:
        """Take away the names that the Python of an environment has, so that they are made anew."""
        folder = self._venv_path(env_dir, "scripts")
        own = os.path.basename(self._interpreter.base.executable)
        for name in (own, *self._rules.aliases):
            path = os.path.join(folder, name)
            if os.path.islink(path) or os.path.isfile(path):
                files.unlink(path, missing_ok=True)


def _check_activators(names: Iterable[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(name.lower() for name in names))
    for name in chosen:
        if name not in activation.ACTIVATORS:
            raise ValueError(f"unknown activator {name!r}; there are {', '.join(activation.ACTIVATORS)}")
    return chosen


def _check_path(path: str) -> None:
    if os.pathsep in path:
        raise ValueError(f"Refusing to create a venv in {path} because it contains the PATH separator {os.pathsep}.")


def _make_fresh(path: str) -> bool:
    """Make a folder; false where it was there, also when another made it at this moment."""
    try:
        files.make_dir(path, exist_ok=False)
    except FileNotFoundError:
        files.make_dirs(os.path.dirname(path))
        return _make_fresh(path)
    except FileExistsError:
        return False
    return True


def _make_below(root: str, path: str) -> None:
    """Make a folder below *root*, from above, which needs no failed attempts."""
    inner = path[len(root) :].split(os.sep) if path.startswith(root + os.sep) else []
    folder = root
    for name in inner[1:-1]:
        folder = os.path.join(folder, name)
        try:
            files.make_dir(folder, exist_ok=False)
        except FileExistsError:
            continue
    _make_folder(path)


def _make_folder(path: str) -> None:
    try:
        files.make_dir(path, exist_ok=False)
    except FileNotFoundError:
        files.make_dirs(path)
    except FileExistsError:
        if os.path.islink(path) or not os.path.isdir(path):
            raise ValueError(f"Unable to create directory {path!r}") from None


def _long_path(path: str) -> str:
    import _winapi

    try:
        return str(_winapi.GetLongPathName(os.fsdecode(path)))  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return path


def _is_ours(builder: EnvBuilder, hook: str) -> bool:
    return hook not in builder.__dict__ and getattr(type(builder), hook) is getattr(EnvBuilder, hook)


def _warn(message: str) -> None:
    import logging

    logging.getLogger("envkit").warning(message)


def _error(path: str, problem: str, message: str, hint: str) -> Exception:
    from envkit.errors import VenvError

    return VenvError(message, hint=hint, context={"path": path, "problem": problem})
