"""Environments of other tools, made by those tools."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from envkit.environment.builder import EnvBuilder
from envkit.environment.environment import Environment
from envkit.errors import InterpreterError, VenvError
from envkit.interpreter.interpreter import Interpreter
from tests.interpreter.machine import RECENT


def beside(name: str) -> str:
    found = os.path.join(os.path.dirname(sys.executable), name)
    if not os.path.exists(found):
        pytest.skip(f"{name} is not installed")
    return found


def test_an_environment_of_venv(tmp_path):
    venv.EnvBuilder(symlinks=True).create(tmp_path / "env")
    found = Environment.open(tmp_path / "env")
    assert (found.kind, found.root) == ("venv", tmp_path / "env")
    assert found.interpreter.base == Interpreter.current().base
    assert Environment.open(found.executable) == found


def test_an_environment_of_uv(tmp_path):
    subprocess.run([beside("uv"), "venv", "-q", "--offline", "-p", RECENT[0], str(tmp_path / "env")], check=True)
    found = Environment.open(tmp_path / "env")
    assert found.kind == "uv"
    assert found.interpreter.version == Interpreter.probe(RECENT[0]).version


def test_an_environment_of_virtualenv(tmp_path):
    if subprocess.run([sys.executable, "-c", "import virtualenv"], check=False, capture_output=True).returncode:
        pytest.skip("virtualenv is not installed")
    command = [sys.executable, "-m", "virtualenv", "-q", "--without-pip", "-p", RECENT[-1], str(tmp_path / "env")]
    subprocess.run(command, check=True, env={**os.environ, "VIRTUALENV_OVERRIDE_APP_DATA": str(tmp_path / "data")})
    found = Environment.open(tmp_path / "env")
    assert found.kind == "virtualenv"
    assert found.interpreter.version == Interpreter.probe(RECENT[-1]).version


def test_a_conda_environment(tmp_path):
    base = Interpreter.probe(RECENT[0])
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec {base.executable} "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    found = Environment.open(tmp_path)
    assert found.kind == "conda"
    assert not found.is_virtual


def test_a_conda_environment_that_has_no_python_is_told(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    with pytest.raises(VenvError, match="conda environment without a Python") as caught:
        Environment.open(tmp_path)
    assert caught.value.context["problem"] == "not-an-environment"


def test_an_installation():
    found = Environment.open(Interpreter.current().base.prefix)
    assert found.kind == "system"
    assert not found.is_virtual
    assert found.config == {}


def test_the_current_one():
    found = Environment.current()
    assert str(found.root) == sys.prefix
    assert found.paths["purelib"] in sys.path


def test_what_is_none_is_told(tmp_path):
    for path, problem in ((tmp_path, "not-an-environment"), (tmp_path / "missing", "missing")):
        with pytest.raises(VenvError) as caught:
            Environment.open(path)
        assert caught.value.context["problem"] == problem
        assert str(path) in str(caught.value)


def test_a_file_that_is_no_python_is_told(tmp_path):
    for name, mode in (("text", 0o644), ("program", 0o755)):
        path = tmp_path / name
        path.write_text("hello")
        path.chmod(mode)
        with pytest.raises(VenvError, match="not an environment") as caught:
            Environment.open(path)
        assert caught.value.context == {"path": str(path), "problem": "not-an-environment"}
        assert isinstance(caught.value.__cause__, InterpreterError)


def test_an_empty_path_is_not_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EnvBuilder(symlinks=True).create(".")
    with pytest.raises(VenvError) as caught:
        Environment.open("")
    assert caught.value.context["problem"] == "missing"


def test_one_without_site_packages_is_broken(tmp_path):
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    shutil.rmtree(Path(made.paths["purelib"]))
    with pytest.raises(VenvError) as caught:
        Environment.open(tmp_path / "env")
    assert caught.value.context["problem"] == "no-site-packages"
    assert Environment.open(EnvBuilder(symlinks=True).repair(tmp_path / "env").root)


def test_the_marker_of_another_package_manager(tmp_path, monkeypatch):
    from envkit.interpreter.managed import read_marker

    assert read_marker(str(tmp_path)) is None
    (tmp_path / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=Use 100%% apt\n instead.\n")
    assert read_marker(str(tmp_path)) == "Use 100%% apt\ninstead."
    (tmp_path / "EXTERNALLY-MANAGED").write_text("nonsense")
    assert "another package manager" in (read_marker(str(tmp_path)) or "")
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    assert made.externally_managed is None


@pytest.mark.skipif(not os.path.exists("/usr/lib/python3.11/EXTERNALLY-MANAGED"), reason="not Debian's Python 3.11")
def test_debians_own_python_is_managed():
    assert "apt" in (Environment.open("/usr/bin/python3").externally_managed or "")


def test_programs_run_as_if_it_was_active(tmp_path):
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    tool = tmp_path / "env" / "bin" / "tool"
    tool.write_text('#!/bin/sh\necho "$VIRTUAL_ENV|$PATH|$PYTHONHOME|$MINE"\n')
    tool.chmod(0o755)
    environ = {"PATH": "/usr/bin", "PYTHONHOME": "/x", "MINE": "1"}
    done = made.run(["tool"], environ=environ, capture_output=True, text=True)
    assert done.stdout == f"{made.path}|{made.path}/bin:/usr/bin||1\n"
    with pytest.raises(VenvError, match="empty"):
        made.run([])
    with pytest.raises(subprocess.TimeoutExpired):
        made.run(["python", "-c", "import time; time.sleep(9)"], timeout=0.2)


def test_it_is_a_frozen_value(tmp_path):
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    assert Environment.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert made == Environment.open(made.root)
    assert len({made, Environment.open(made.root)}) == 1
    with pytest.raises(AttributeError, match="frozen"):
        made.kind = "uv"
    with pytest.raises(ValueError, match="schema"):
        Environment.from_dict({})


def test_what_is_installed_can_be_read(tmp_path):
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    assert made.distributions() == ()
    info = Path(made.paths["purelib"]) / "a-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a\nVersion: 1\n")
    (found,) = made.distributions()
    assert (found.name, str(found.version)) == ("a", "1")
