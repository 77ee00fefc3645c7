"""The standard library's own `venv` is the oracle: trees, configuration, hooks, contexts and errors."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from envkit.environment.builder import EnvBuilder
from envkit.interpreter.interpreter import Interpreter
from tests.interpreter.machine import SUPPORTED, VERSIONS

HOSTS = [python for python, version in VERSIONS.items() if version >= (3, 11) and "pypy" not in python]
#: What envkit writes beside what venv writes; docs/environments.md lists it.
MORE = {"CACHEDIR.TAG", "bin/activate.nu", "bin/activate.xsh", "bin/activate_this.py"}
OPTIONS = {
    "plain": ([], {}),
    "copies": (["--copies"], {"symlinks": False}),
    "system": (["--system-site-packages"], {"system_site_packages": True}),
    "prompt": (["--prompt", "it's"], {"prompt": "it's"}),
}


def tree(root: Path) -> dict[str, tuple]:
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        else:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = path.read_bytes() if path.is_file() and "ctivate" not in path.name else None
            found[name] = ("folder" if path.is_dir() else "file", mode, content)
    return found


# The options that change the tree for every Python, the rest for two of them: that is enough for what they change.
CASES = [(python, name) for python in SUPPORTED for name in ("plain", "copies")]
CASES += [(python, name) for python in (SUPPORTED[0], SUPPORTED[-1]) for name in ("system", "prompt")]


@pytest.mark.parametrize(("python", "options"), CASES)
def test_the_same_tree(tmp_path, python, options):
    arguments, keywords = OPTIONS[options]
    target = tmp_path / "env"
    command = [python, "-m", "venv", "--without-pip", *arguments, str(target)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("the venv of this Python cannot do that itself")
    theirs = tree(target)
    target.rename(tmp_path / "theirs")
    version = Interpreter.probe(python).version_info
    ignore = {"scm_ignore_files": ["git"]} if version >= (3, 13) else {}
    EnvBuilder(interpreter=python, **{"symlinks": True, **ignore, **keywords}).create(target)
    ours = tree(target)
    assert set(ours) - set(theirs) == MORE
    different = {name: (theirs[name], ours.get(name)) for name in theirs if theirs[name] != ours.get(name)}
    assert different == {}


@pytest.mark.parametrize("python", SUPPORTED)
def test_it_is_an_environment_to_its_python(tmp_path, python):
    made = EnvBuilder(interpreter=python, symlinks=True).create(tmp_path / "env")
    code = (
        "import json, sys, sysconfig; print(json.dumps([sys.prefix, sys.base_prefix, sys.path, sysconfig.get_paths()]))"
    )
    prefix, base, path, paths = json.loads(made.run(["python", "-c", code], capture_output=True, check=True).stdout)
    assert prefix == str(tmp_path / "env")
    assert base == made.interpreter.base.prefix
    assert made.paths["purelib"] in path
    assert dict(made.paths) == paths


@pytest.mark.parametrize("python", HOSTS)
def test_hooks_are_called_in_the_same_order_with_the_same_context(tmp_path, python):
    """In each Python of the machine that envkit runs on: what its own ``venv`` calls and knows, ours calls and knows."""
    command = [python, "-m", "tests.environment.recording", str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) >= 7
    for case in found:
        assert case["ours"] == case["theirs"], case
        assert case["different"] == {}, case


def test_the_constructor_takes_the_same_arguments_in_the_same_order():
    import inspect

    standard = list(inspect.signature(venv.EnvBuilder).parameters)
    assert list(inspect.signature(EnvBuilder).parameters)[: len(standard)] == standard


def test_a_subclass_sees_its_own_variables_filled_and_scripts_installed(tmp_path):
    folder = tmp_path / "scripts"
    (folder / "common" / "more").mkdir(parents=True)
    (folder / "posix").mkdir()
    (folder / "nt").mkdir()
    (folder / "top.txt").write_text("no")
    (folder / "common" / "more" / "tool").write_text("dir=__VENV_DIR__ mine=__MINE__\n")
    (folder / "common" / "more" / "tool").chmod(0o751)
    (folder / "posix" / "binary").write_bytes(b"\xff\xfe__VENV_DIR__")
    (folder / "nt" / "other").write_text("no")

    class Mine(EnvBuilder):
        def replace_variables(self, text, context):
            return super().replace_variables(text, context).replace("__MINE__", "yes")

        def post_setup(self, context):
            self.install_scripts(context, str(folder))

    root = tmp_path / "a b"
    Mine().create(root)
    assert (root / "bin" / "more" / "tool").read_text() == f"dir='{root}' mine=yes\n"
    assert stat.S_IMODE((root / "bin" / "more" / "tool").stat().st_mode) == 0o751
    assert not (root / "bin" / "other").exists()
    assert not (root / "bin" / "top.txt").exists()
    assert not (root / "bin" / "binary").exists()  # venv leaves out what is not text, too
    assert f"'{root}'" in (root / "bin" / "activate").read_text()


def test_ignore_files_are_made_by_hooks_named_for_the_tool(tmp_path):
    class Mine(EnvBuilder):
        def create_hg_ignore_file(self, context):
            (Path(context.env_dir) / ".hgignore").write_text("syntax: glob\n*\n")

    Mine(scm_ignore_files=["git", "HG"]).create(tmp_path / "env")
    assert (tmp_path / "env" / ".gitignore").read_text().endswith("\n*\n")
    assert (tmp_path / "env" / ".hgignore").exists()
    with pytest.raises(AttributeError, match="create_cvs_ignore_file"):
        EnvBuilder(scm_ignore_files=["cvs"]).create(tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("builder", [venv.EnvBuilder, EnvBuilder])
def test_the_same_errors(tmp_path, builder):
    with pytest.raises(ValueError, match="PATH separator"):
        builder().create(str(tmp_path / f"a{os.pathsep}b"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="Unable to create directory"):
        builder().create(str(tmp_path / "file"))
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "bin").write_text("x")
    with pytest.raises(ValueError, match="Unable to create directory"):
        builder().create(str(tmp_path / "env"))
    (tmp_path / "link").symlink_to(tmp_path / "env")
    with pytest.raises(ValueError, match="Unable to create directory"):
        builder().create(str(tmp_path / "link"))


def test_what_is_in_the_folder_stays_without_clear_and_goes_with_it(tmp_path):
    root = tmp_path / "env"
    EnvBuilder(symlinks=True).create(root)
    (root / "kept").write_text("x")
    EnvBuilder(symlinks=True).create(root)
    assert (root / "kept").exists()
    EnvBuilder(symlinks=True, clear=True).create(root)
    assert not (root / "kept").exists()


def test_from_inside_an_environment_the_base_is_used_never_a_chain(tmp_path):
    first = EnvBuilder(symlinks=True).create(tmp_path / "first")
    second = EnvBuilder(symlinks=True, interpreter=first.executable).create(tmp_path / "second")
    assert second.interpreter.base.executable == first.interpreter.base.executable
    assert second.config["home"] == first.config["home"]
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parents[2])]!r}\n"
        "from envkit.environment.builder import EnvBuilder\n"
        f"print(EnvBuilder(symlinks=True).create({str(tmp_path / 'third')!r}).config['home'])\n"
    )
    output = second.run(["python", "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == first.config["home"]


def test_umask_is_respected_as_venv_respects_it(tmp_path):
    old = os.umask(0o027)
    try:
        EnvBuilder(symlinks=True).create(tmp_path / "ours")
        venv.EnvBuilder(symlinks=True).create(tmp_path / "theirs")
    finally:
        os.umask(old)
    ours, theirs = tree(tmp_path / "ours"), tree(tmp_path / "theirs")
    assert {name: ours[name][1] for name in theirs} == {name: value[1] for name, value in theirs.items()}


def test_the_current_python_needs_no_probe(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: pytest.fail("a process was started"))
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    assert made.interpreter.version == ".".join(map(str, sys.version_info[:3]))
