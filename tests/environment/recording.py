"""``python -m tests.environment.recording FOLDER``: which hooks the standard library's builder calls, and ours.

Runs in any Python from 3.11 on, with nothing installed, and prints JSON.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import venv
from pathlib import Path

from envkit.environment.builder import EnvBuilder

OPTIONS = (
    {},
    {"with_pip": True, "upgrade_deps": True},
    {"upgrade": True},
    {"clear": True},
    {"system_site_packages": True, "symlinks": True},
    {"prompt": "."},
    {"prompt": "it's"},
    {"scm_ignore_files": ["GIT"]},
)


class _Recorder:
    """Notes each hook that is called, and the context's attributes."""

    calls: list

    def note(self, name, context=None):
        self.__dict__.setdefault("calls", []).append((name, None if context is None else dict(vars(context))))

    def ensure_directories(self, env_dir):
        self.note("ensure_directories")
        return super().ensure_directories(env_dir)

    def create_configuration(self, context):
        super().create_configuration(context)
        self.note("create_configuration", context)

    def setup_python(self, context):
        self.note("setup_python", context)
        return super().setup_python(context)

    def _setup_pip(self, context):
        self.note("_setup_pip", context)

    def setup_scripts(self, context):
        self.note("setup_scripts", context)
        return super().setup_scripts(context)

    def install_scripts(self, context, path):
        self.note("install_scripts", context)
        return super().install_scripts(context, path)

    def replace_variables(self, text, context):
        if self.calls[-1][0] != "replace_variables":
            self.note("replace_variables")
        return super().replace_variables(text, context)

    def post_setup(self, context):
        self.note("post_setup", context)

    def upgrade_dependencies(self, context):
        self.note("upgrade_dependencies", context)

    def create_git_ignore_file(self, context):
        self.note("create_git_ignore_file", context)
        return super().create_git_ignore_file(context)

    def clear_directory(self, path):
        self.note("clear_directory")
        return super().clear_directory(path)


class _Theirs(_Recorder, venv.EnvBuilder):
    pass


class _Ours(_Recorder, EnvBuilder):
    pass


def compare(target: Path, options: dict) -> dict:
    """Make an environment with both over something that may be one, and tell what they do differently."""
    target.mkdir()
    (target / "pyvenv.cfg").write_text("home = x\n")
    theirs = _Theirs(**options)
    theirs.create(target)
    ours = _Ours(**options)
    ours.create(target)
    different = {
        name: {key: (value, mine.get(key)) for key, value in standard.items() if mine.get(key) != value}
        for (name, mine), (_, standard) in zip(ours.calls, theirs.calls, strict=False)
        if standard is not None
    }
    for found in different.values():
        found.pop("script_path", None)  # each has scripts of its own
    return {
        "options": str(options),
        "ours": [name for name, _ in ours.calls],
        "theirs": [name for name, _ in theirs.calls],
        "different": {name: found for name, found in different.items() if found},
    }


SCRIPT = """\
dir="__VENV_DIR__" name=__VENV_NAME__
bin="__VENV_DIR__/__VENV_BIN_NAME__:$PATH"
python = r"__VENV_PYTHON__"
"""


def compare_scripts(folder: Path) -> dict:
    """Install the scripts of a folder with both: what is written for old builders has quotes around its variables."""
    scripts = folder / "scripts"
    (scripts / "common" / "deeper").mkdir(parents=True)
    for name in ("tool", "tool.sh", "tool.py", "tool.fish", "tool.csh", "tool.xsh", "tool.nu", "deeper/tool"):
        (scripts / "common" / name).write_text(SCRIPT)
    found = []
    for base in (venv.EnvBuilder, EnvBuilder):

        class Mine(base):
            def post_setup(self, context):
                self.install_scripts(context, str(scripts))

        Mine(symlinks=True, clear=True).create(folder / "scripted")
        made = sorted((folder / "scripted" / "bin").rglob("tool*"))
        found.append({path.name: path.read_text() for path in made})
    return {"options": "scripts", "theirs": found[0], "ours": found[1], "different": {}}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    standard = list(inspect.signature(venv.EnvBuilder).parameters)
    assert list(inspect.signature(EnvBuilder).parameters)[: len(standard)] == standard
    assert set(dir(venv.EnvBuilder)) <= set(dir(EnvBuilder)), "a method of venv's is missing"
    os.chdir(folder)
    known = [options for options in OPTIONS if sys.version_info >= (3, 13) or "scm_ignore_files" not in options]
    cases = [compare(folder / f"env{number}", options) for number, options in enumerate(known)]
    print(json.dumps([*cases, compare_scripts(folder)]))
