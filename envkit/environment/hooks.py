"""The overridable methods of ``venv.EnvBuilder``, each with the meaning and the context that it has there."""

import os
import sys

from envkit.environment import activation
from envkit.environment.environment import Environment
from envkit.environment.folders import (
    below,
    check_clearable,
    check_path,
    copy_file,
    empty,
    is_folder,
    link,
    make_below,
    make_folder,
    put,
)
from envkit.environment.rules import Rules, configuration
from envkit.host import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import Any

    from envkit.environment.ports import Seeder
    from envkit.environment.rules import Options
    from envkit.interpreter.interpreter import Interpreter
else:
    Options = object
    SimpleNamespace = type(sys.implementation)  # as `types` has it, and loading that costs more than some of the hooks

_CACHEDIR_TAG = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This folder can be made again, so backups may leave it out; see https://bford.info/cachedir/
"""
_GITIGNORE = b"# Created by venv; see https://docs.python.org/3/library/venv.html\n*\n"


class Hooks(Options):
    """What `EnvBuilder.create` calls, in this order; its attributes are the constructor's arguments."""

    if TYPE_CHECKING:
        force: bool
        activators: tuple[str, ...] | None
        _seeder: Seeder | None
        _interpreter: Interpreter
        _rules: Rules

    # --- folders

    def clear_directory(self, path: str) -> None:
        """Empty a folder; links are removed, never followed."""
        empty(path)

    def _venv_path(self, env_dir: str, name: str) -> str:
        return os.sep.join((env_dir, *self._rules.parts[name]))

    @classmethod
    def _same_path(cls, path1: str, path2: str) -> bool:
        """Tell whether two paths look the same to a reader, whatever they lead to."""
        if os.name != "nt":
            return path1 == path2
        from envkit.environment.windows import same_long_path

        return same_long_path(path1, path2)

    def ensure_directories(self, env_dir: "str | os.PathLike[str]") -> "SimpleNamespace":
        """Make the folders. Gives the context: where everything is, for the hooks that follow."""
        env_dir = os.fspath(env_dir)
        check_path(env_dir)
        there = is_folder(env_dir)
        if self.clear and there:
            check_clearable(env_dir, force=self.force)
            self.clear_directory(env_dir)
        if not there:
            make_folder(env_dir)
        context = self._context(env_dir)
        make_below(env_dir, context.inc_path)
        make_below(env_dir, context.lib_path)
        if self._rules.has_lib64_link:
            try:
                files.symlink("lib", os.path.join(env_dir, "lib64"))
            except FileExistsError:
                pass  # whatever it is
            except OSError as error:  # a file system without links; on a full one the next step fails too
                _warn(f"cannot link lib64 to lib in {env_dir} ({error}); it is left out")
        if context.platlib_path != context.lib_path:
            make_folder(context.platlib_path)
        make_folder(context.bin_path)
        if os.name == "nt":
            real = os.path.realpath(context.env_exe)  # redirections hold for opening files, not for starting them
            if not self._same_path(real, context.env_exe):
                context.env_exec_cmd = real
        return context

    def _context(self, env_dir: str) -> "SimpleNamespace":
        executable = self._interpreter.base.executable
        if not executable:
            raise ValueError("Unable to determine path to the Python interpreter; name one that has a path")
        context = SimpleNamespace()
        context.env_dir = env_dir
        context.env_name = os.path.split(env_dir)[1]
        prompt = self.prompt if self.prompt is not None else context.env_name
        context.prompt = prompt if self._rules.plain_prompt else f"({prompt}) "
        context.executable = executable
        context.python_dir, exename = os.path.split(os.path.abspath(executable))
        if self._rules.nt and self._rules.version[:2] >= (3, 13):
            exename = "python_d.exe" if os.path.splitext(exename)[0].endswith("_d") else "python.exe"
        context.python_exe = exename
        context.inc_path = self._venv_path(env_dir, "include")
        context.lib_path = self._venv_path(env_dir, "purelib")
        context.platlib_path = self._venv_path(env_dir, "platlib")
        context.bin_path = self._venv_path(env_dir, "scripts")
        context.bin_name = below(env_dir, context.bin_path)
        context.env_exe = context.env_exec_cmd = os.path.join(context.bin_path, exename)
        return context

    # --- files

    def create_git_ignore_file(self, context: "SimpleNamespace") -> None:
        """Write a ``.gitignore`` that hides the whole folder from git."""
        put(os.path.join(context.env_dir, ".gitignore"), _GITIGNORE)

    def create_configuration(self, context: "SimpleNamespace") -> None:
        """Write ``pyvenv.cfg``, which tells Python that this is an environment."""
        context.cfg_path = os.path.join(context.env_dir, "pyvenv.cfg")
        text = configuration(self, context, self._rules)
        put(context.cfg_path, text.encode("utf-8", "surrogateescape"))

    def symlink_or_copy(self, src: str, dst: str, relative_symlinks_ok: bool = False) -> None:  # noqa: FBT001, FBT002
        """Link a file, or copy it where links are not wanted or not possible."""
        if self.symlinks:
            try:
                source = os.path.basename(src) if relative_symlinks_ok else src
                link(source, dst)
            except (OSError, NotImplementedError):
                _warn(f"cannot link {dst} to {src}; it is copied instead")
            else:
                return
        copy_file(src, dst)

    def setup_python(self, context: "SimpleNamespace") -> None:
        """Put the Python in place, under each of its names."""
        if self._rules.nt:
            from envkit.environment import windows

            facts = self._interpreter.facts
            windows.place(
                facts, context.bin_path, context.python_dir, context.env_exe, symlinks=self.symlinks, warn=_warn
            )
            windows.copy_tcl(facts, context.env_dir, context.python_dir)
            return
        self._place(context.executable, context.env_exe, relative=False)
        own = os.path.basename(context.env_exe)
        for name in self._rules.aliases:
            path = os.path.join(context.bin_path, name)
            if name != own and not _is_kept(path, own):
                self._place(context.env_exe, path, relative=True)

    def _place(self, source: str, target: str, *, relative: bool) -> None:
        self.symlink_or_copy(source, target, relative_symlinks_ok=relative)
        if not os.path.islink(target):
            files.change_mode(target, 0o755)

    # --- what runs in it

    def _call_new_python(self, context: "SimpleNamespace", *py_args: str, **kwargs: "Any") -> None:
        """Run the environment's Python; nothing of the caller's may lead it elsewhere."""
        import subprocess

        from envkit.host.processes import inherited

        kwargs["env"] = inherited({"VIRTUAL_ENV": context.env_dir, "PYTHONHOME": None, "PYTHONPATH": None})
        kwargs["cwd"] = context.env_dir
        kwargs["executable"] = context.env_exec_cmd
        subprocess.check_output([context.env_exec_cmd, *py_args], **kwargs)

    def _setup_pip(self, context: "SimpleNamespace") -> None:
        """Put the pip of the target's ``ensurepip`` into the environment, and what else that brings."""
        from functools import partial

        from envkit.environment.seeding import seed

        seed(self._environment(context), self._seeder, self._rules.seeds, partial(self._call_new_python, context))

    def upgrade_dependencies(self, context: "SimpleNamespace") -> None:
        """Upgrade pip, and what else ``ensurepip`` brings, to the newest versions of the index."""
        from functools import partial

        from envkit.environment.seeding import upgrade

        names = tuple(reversed(self._rules.seeds))
        upgrade(self._environment(context), self._seeder, names, partial(self._call_new_python, context))

    # --- scripts

    def setup_scripts(self, context: "SimpleNamespace") -> None:
        """Write the activation scripts, and what marks the folder as one that can be made again."""
        if self._is_overridden("install_scripts") or self._is_overridden("replace_variables"):
            self.install_scripts(context, activation.SCRIPTS)
        else:
            values = activation.values_of(context)
            activation.write(context.bin_path, self._scripts(), values, relocatable=self.relocatable)
        put(os.path.join(context.env_dir, "CACHEDIR.TAG"), _CACHEDIR_TAG)

    def post_setup(self, context: "SimpleNamespace") -> None:
        """Do nothing: here subclasses put what they add."""

    def replace_variables(self, text: str, context: "SimpleNamespace") -> str:
        """Fill the variables of a script's text, quoted for the shell that ``context.script_path`` tells."""
        shell = activation.shell_of(getattr(context, "script_path", ""))
        return activation.render(text, shell, activation.values_of(context), relocatable=self.relocatable)

    def install_scripts(self, context: "SimpleNamespace", path: str) -> None:
        """Install the scripts of a folder: those in ``common`` and in the folder named for the platform (`os.name`)."""
        from envkit.environment.scripts_folder import install_scripts

        scripts = self._scripts() if os.path.exists(path) and os.path.samefile(path, activation.SCRIPTS) else None
        install_scripts(path, context, self.replace_variables, "nt" if self._rules.nt else "posix", scripts)

    # --- what the hooks share

    def _scripts(self) -> "list[tuple[str, str]]":
        return activation.choose(self.activators, "nt" if self._rules.nt else "posix", fish=self._rules.has_fish)

    def _is_overridden(self, hook: str) -> bool:
        return hook in self.__dict__ or getattr(type(self), hook) is not getattr(Hooks, hook)

    def _environment(self, context: "SimpleNamespace") -> Environment:
        plain = os.path.join(context.bin_path, "python")  # by which it is found when it is opened
        usual = not self._rules.nt and (not self._is_overridden("setup_python") or os.path.lexists(plain))
        executable = plain if usual else context.env_exe
        return Environment(context.env_dir, self._interpreter.in_environment(context.env_dir, executable), None)


def _is_kept(path: str, own: str) -> bool:
    """Tell whether there is another name of the environment's Python already: ``venv`` leaves any file as it is."""
    try:
        return os.readlink(path) == own
    except OSError:
        return os.path.exists(path)


def _warn(message: str) -> None:
    import logging

    logging.getLogger("envkit").warning(message)
