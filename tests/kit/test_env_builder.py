"""The wired builder: pip from the target's own ensurepip, through the pool, offline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import envkit
from envkit.environment.seeding import bundled_wheels
from envkit.errors import InterpreterError, VenvError
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.env_builder import EnvBuilder
from envkit.kit.parts import Parts
from envkit.kit.settings import Settings
from tests.interpreter.machine import RECENT, SUPPORTED, VERSIONS


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return Parts(Settings(cache_dir=str(tmp_path_factory.mktemp("cache")), indexes=(), offline=True))


def distributions(root: Path) -> dict[str, set[str]]:
    """Give the files of each distribution but for what differs on purpose, by its RECORD."""
    found = {}
    for info in root.glob("lib/*/site-packages/*.dist-info"):
        rows = [line.rsplit(",", 2)[0].strip('"') for line in (info / "RECORD").read_text().splitlines()]
        found[info.name] = {row for row in rows if "__pycache__" not in row}
    return found


@pytest.mark.parametrize("python", SUPPORTED)
def test_the_same_distributions_as_ensurepip_installs(tmp_path, python, parts):
    made = EnvBuilder(symlinks=True, with_pip=True, interpreter=python, parts=parts).create(tmp_path / "ours")
    version = VERSIONS[python]
    assert {one.name for one in made.distributions()} == ({"pip"} if version >= (3, 12) else {"pip", "setuptools"})
    if python not in (SUPPORTED[0], RECENT[-1]):
        return  # starting pip takes a second, and two Pythons show that it starts
    done = made.run(["pip", "--version"], capture_output=True, text=True, check=True)
    assert f"(python {version[0]}.{version[1]})" in done.stdout
    assert str(made.root) in done.stdout
    done = made.run(["python", "-m", "pip", "check", "--disable-pip-version-check"], capture_output=True, text=True)
    assert done.returncode == 0, done


@pytest.mark.slow
@pytest.mark.parametrize("python", [SUPPORTED[0], RECENT[-1]])
def test_the_same_files_as_ensurepip_installs(tmp_path, python, parts):
    subprocess.run([python, "-m", "venv", str(tmp_path / "theirs")], check=True, capture_output=True)
    EnvBuilder(symlinks=True, with_pip=True, interpreter=python, parts=parts).create(tmp_path / "ours")
    ours, theirs = distributions(tmp_path / "ours"), distributions(tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    for name, files in theirs.items():
        different = {os.path.basename(file) for file in files ^ ours[name]}
        assert different <= {"envkit.json", "direct_url.json", "REQUESTED"}, name


def test_ensurepip_can_remove_what_was_installed(tmp_path, parts):
    made = EnvBuilder(symlinks=True, with_pip=True, interpreter=RECENT[0], parts=parts).create(tmp_path / "env")
    made.run(["python", "-m", "ensurepip._uninstall"], check=True, capture_output=True)
    assert made.distributions() == ()
    assert not list((tmp_path / "env" / "bin").glob("pip*"))


def test_the_wheels_are_those_that_ensurepip_names():
    for python in SUPPORTED:
        interpreter = Interpreter.probe(python)
        if interpreter.implementation != "cpython" or "pyenv" not in python:
            continue
        code = "import ensurepip; print(ensurepip.version())"
        version = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        (wheel,) = bundled_wheels(interpreter, ["pip"])
        assert os.path.basename(wheel).startswith(f"pip-{version}-")


def test_a_python_without_ensurepip_is_a_clear_error(tmp_path):
    from envkit.environment.builder import EnvBuilder as Plain

    base = Interpreter.current()
    facts = dict(base.facts)
    details = facts.pop("details")
    bare = Interpreter(facts, {**details, "paths": {**details["paths"], "stdlib": str(tmp_path)}})
    with pytest.raises(VenvError, match="no ensurepip") as caught:
        Plain(symlinks=True, with_pip=True, interpreter=bare).create(tmp_path / "env")
    assert caught.value.context["problem"] == "no-ensurepip"


def test_it_installs_from_the_index_where_there_is_no_ensurepip(tmp_path):
    class Recorder:
        asked: tuple = ()

        def install_wheels(self, environment, wheels):
            pytest.fail("there are none")

        def install_latest(self, environment, names):
            self.asked = tuple(names)

    base = Interpreter.current()
    facts = dict(base.facts)
    details = facts.pop("details")
    bare = Interpreter(facts, {**details, "paths": {**details["paths"], "stdlib": str(tmp_path)}})
    seeder = Recorder()
    EnvBuilder(symlinks=True, with_pip=True, interpreter=bare, seeder=seeder).create(tmp_path / "env")
    assert seeder.asked[0] == "pip"


def test_no_process_is_started_for_pip(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: pytest.fail("a process was started"))
    EnvBuilder(symlinks=True, with_pip=True, parts=parts).create(tmp_path / "env")


def test_an_interpreter_is_named_by_its_version(tmp_path, parts):
    major, minor = VERSIONS[RECENT[0]]
    made = EnvBuilder(symlinks=True, interpreter=f"{major}.{minor}", parts=parts).create(tmp_path / "env")
    assert made.interpreter.version_info[:2] == (major, minor)
    with pytest.raises(InterpreterError, match="was found"):
        EnvBuilder(interpreter="2.1", parts=parts)


def test_the_short_way_loads_next_to_nothing(tmp_path):
    """A fresh process that makes an environment must not pay for resolving and installing."""
    code = (
        "import os, sys; before = set(sys.modules); import envkit; envkit.create(sys.argv[1])\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-S", "-c", code, str(tmp_path / "env")]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    own = {name for name in loaded if name.partition(".")[0] == "envkit"}
    assert {name.split(".")[1] for name in own if "." in name} == {"environment", "host", "interpreter", "kit"}
    assert loaded - own <= {"fcntl", "msvcrt", "time", "_thread"}
    assert len(own) <= 16, "finding a module costs more than what most of them have in them"


def test_what_names_no_interpreter_may_be_a_path(tmp_path, parts, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    first = EnvBuilder(symlinks=True, parts=parts).create(tmp_path / "mine")
    kit = envkit.Kit(cache_dir=tmp_path / "cache", offline=True)
    for name in ("mine", "mine/bin/python", "~/mine", tmp_path / "mine"):
        assert EnvBuilder(interpreter=name, parts=parts).interpreter.base == first.interpreter.base
        made = kit.create(tmp_path / f"env{len(str(name))}", python=name)
        assert made.interpreter.base == first.interpreter.base
    (tmp_path / "2.1").mkdir()
    with pytest.raises(InterpreterError, match=r"no interpreter for '2\.1' was found"):
        kit.create(tmp_path / "other", python="2.1")


def test_an_empty_name_names_no_interpreter(tmp_path, parts):
    with pytest.raises(InterpreterError, match="'' names no interpreter"):
        EnvBuilder(interpreter="", parts=parts)
    with pytest.raises(InterpreterError, match="'' names no interpreter"):
        envkit.Kit(cache_dir=tmp_path / "cache", offline=True).create(tmp_path / "env", python="")
    assert not (tmp_path / "env").exists()


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from envkit.host.gate import guarded
from envkit.kit.env_builder import EnvBuilder
left = [int(sys.argv[3])]
def kill(name, path):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
with guarded(kill):
    EnvBuilder(symlinks=True, clear=True).create(sys.argv[2])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_pip_works_after_a_killed_clear(tmp_path, parts):
    root = tmp_path / "env"
    made = EnvBuilder(symlinks=True, with_pip=True, parts=parts).create(root)
    files = sum(len(names) for _, _, names in os.walk(root))
    assert files > 300
    for number in (5, files // 3, files - 10):
        command = [sys.executable, "-c", _KILLED, str(Path(__file__).parents[2]), str(root), str(number)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        with pytest.raises(VenvError, match="cut off"):
            envkit.Environment.open(root)
        made = EnvBuilder(symlinks=True, with_pip=True, parts=parts).create(root)
        assert {one.name for one in made.distributions()} == {"pip", "setuptools"} - (
            {"setuptools"} if made.interpreter.version_info >= (3, 12) else set()
        )
    made.run(["pip", "--version"], capture_output=True, check=True)


def test_the_public_builder_is_this_one():
    assert envkit.EnvBuilder is EnvBuilder


@pytest.mark.slow
def test_the_plain_builder_starts_the_environments_python_for_pip(tmp_path):
    from envkit.environment.builder import EnvBuilder as Plain

    made = Plain(symlinks=True, with_pip=True, interpreter=RECENT[-1]).create(tmp_path / "env")
    assert "pip" in {one.name for one in made.distributions()}


@pytest.mark.skipif(os.name != "posix", reason="launchers of Windows name their Python in full")
def test_programs_of_a_relocatable_environment_move_with_it(tmp_path, parts):
    EnvBuilder(symlinks=True, with_pip=True, relocatable=True, parts=parts).create(tmp_path / "before")
    now = tmp_path / "it's now"
    (tmp_path / "before").rename(now)
    (tmp_path / "link").symlink_to(now / "bin" / "pip")
    for program in (now / "bin" / "pip", tmp_path / "link"):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert str(now) in done.stdout
