"""Write ``pyvenv.cfg``, with the keys and values that the target's own ``venv`` writes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import Protocol

    from envkit.environment.rules import Rules

    class _Options(Protocol):
        system_site_packages: bool
        clear: bool
        symlinks: bool
        upgrade: bool
        with_pip: bool
        orig_prompt: str | None
        prompt: str | None
        upgrade_deps: bool
        scm_ignore_files: frozenset[str]
        relocatable: bool


def configuration(options: _Options, context: SimpleNamespace, rules: Rules) -> str:
    """Give the text of the file."""
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


def _arguments(options: _Options, rules: Rules) -> list[str]:
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
