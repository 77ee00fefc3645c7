"""Interpreters are judged by what they say themselves, through `packaging` and `sysconfig` run inside them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import sysconfig
from pathlib import Path

import packaging
import pytest
from packaging.markers import default_environment
from packaging.tags import sys_tags

from envkit.errors import InterpreterError
from envkit.interpreter.interpreter import Interpreter
from tests.interpreter.machine import PYTHONS, RECENT, VERSIONS

_ORACLE = """
import json, sys, sysconfig
sys.path.insert(0, {folder!r})
from packaging.markers import default_environment
from packaging.tags import sys_tags
print(json.dumps([list(dict.fromkeys(map(str, sys_tags()))), default_environment(), sysconfig.get_paths()]))
"""


def test_the_running_python_is_described_as_packaging_describes_it():
    found = Interpreter.current()
    assert found.executable == sys.executable
    assert found.tags == tuple(dict.fromkeys(map(str, sys_tags())))
    assert dict(found.markers) == dict(default_environment())
    assert dict(found.paths) == sysconfig.get_paths()


@pytest.mark.parametrize("python", RECENT)
def test_another_python_is_described_as_packaging_inside_it_does(python):
    found = Interpreter.probe(python)
    folder = str(Path(packaging.__file__).parents[1])
    output = subprocess.run(
        [python, "-B", "-c", _ORACLE.format(folder=folder)], capture_output=True, text=True, check=True
    ).stdout
    tags, markers, paths = json.loads(output)
    assert list(found.tags) == tags
    assert dict(found.markers) == markers
    assert dict(found.paths) == paths


@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_of_the_machine_can_be_probed(python):
    found = Interpreter.probe(python)
    output = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True, check=True
    ).stdout
    assert found.version == output.strip()
    assert found.executable == python
    assert found.base is found


def test_a_second_probe_reads_the_cache_of_another_process(tmp_path, monkeypatch):
    from envkit.interpreter import probe

    python = RECENT[0]
    monkeypatch.setattr(probe, "_known", {})
    first = Interpreter.probe(python, cache_dir=tmp_path)
    monkeypatch.setattr(probe, "_known", {})
    monkeypatch.setattr(probe, "_ask", lambda *a: pytest.fail("asked again"))
    second = Interpreter.probe(python, cache_dir=tmp_path)
    assert second == first
    assert second.to_dict() == first.to_dict()


def test_a_changed_file_is_asked_again(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    from envkit.interpreter import probe

    asked = []
    real = probe._ask
    monkeypatch.setattr(probe, "_ask", lambda *a: asked.append(a) or real(*a))
    link = tmp_path / "link"
    link.symlink_to(RECENT[0])
    Interpreter.probe(link, cache_dir=tmp_path)
    Interpreter.probe(link, cache_dir=tmp_path)
    assert len(asked) <= 1
    before = len(asked)
    link.unlink()
    link.symlink_to(RECENT[-1])
    assert Interpreter.probe(link, cache_dir=tmp_path).version == Interpreter.probe(RECENT[-1]).version
    assert len(asked) > before or RECENT[0] == RECENT[-1]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": 1}', b'{"key": null, "facts": []}'])
def test_a_damaged_cache_is_only_slower(tmp_path, monkeypatch, damage):
    from envkit.interpreter import probe

    python = RECENT[0]
    monkeypatch.setattr(probe, "_known", {})
    expected = Interpreter.probe(python, cache_dir=tmp_path)
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(damage)
    monkeypatch.setattr(probe, "_known", {})
    assert Interpreter.probe(python, cache_dir=tmp_path) == expected


@pytest.mark.skipif(os.name != "posix", reason="files have no owners and modes there")
@pytest.mark.parametrize("by", ["mode", "owner"])
def test_what_others_can_have_written_is_not_believed(tmp_path, monkeypatch, by):
    from envkit.interpreter import probe

    if by == "owner" and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    python = RECENT[0]
    monkeypatch.setattr(probe, "_known", {})
    expected = Interpreter.probe(python, cache_dir=tmp_path)
    (file,) = tmp_path.rglob("*.json")
    data = json.loads(file.read_text())
    data["tags"] = "cp1-none-any"
    file.write_text(json.dumps(data))
    monkeypatch.setattr(probe, "_known", {})
    assert Interpreter.probe(python, cache_dir=tmp_path).tags == ("cp1-none-any",)  # of our own making, so believed
    file.chmod(0o622) if by == "mode" else os.chown(file, 65534, 65534)
    monkeypatch.setattr(probe, "_known", {})
    assert Interpreter.probe(python, cache_dir=tmp_path) == expected


def test_it_is_a_frozen_value_that_can_be_written_and_sent():
    found = Interpreter.current()
    with pytest.raises(AttributeError):
        found.version = "1"  # type: ignore[misc]
    assert Interpreter.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(ValueError, match="schema"):
        Interpreter.from_dict({"schema": 2})


def test_the_python_of_an_environment_is_never_run(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").write_text(f"home = {os.path.dirname(RECENT[0])}\n")
    trap = tmp_path / "bin" / "python"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    found = Interpreter.probe(trap)
    assert not (tmp_path / "ran").exists()
    assert found.prefix == str(tmp_path)
    assert found.paths["purelib"].startswith(str(tmp_path))
    assert os.path.dirname(found.base.executable) == os.path.dirname(RECENT[0])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("#!/bin/sh\nsleep 60\n", "timeout"),
        ("#!/bin/sh\nyes & sleep 60\n", "timeout"),
        ("#!/bin/sh\nexit 1\n", "no-python"),
        ("#!/bin/sh\necho hello\n", "no-python"),
        ("#!/bin/sh\necho '<<<envkit:{}:envkit>>>'\n", "garbage"),
        ("#!/bin/sh\necho \"<<<envkit:$(head -c 100000 /dev/zero | tr '\\0' '['):envkit>>>\"\n", "garbage"),
        ("#!/bin/sh\nhead -c 100000000 /dev/zero\n", "no-python"),
        ("\x7fELFnothing", "cannot-start"),
        ("", "no-python"),
    ],
)
def test_a_hostile_program_is_refused_with_its_reason(tmp_path, content, reason):
    trap = tmp_path / "python"
    trap.write_text(content)
    trap.chmod(0o755)
    with pytest.raises(InterpreterError) as caught:
        # only what never ends is meant to meet its bound, however busy the machine is
        Interpreter.probe(trap, timeout=1.5 if reason == "timeout" else 30.0)
    assert caught.value.context["reason"] in (reason, "cannot-start" if not content else reason)
    assert str(trap) in str(caught.value)


def test_a_python_that_is_too_old_says_so():
    from envkit.environment.builder import EnvBuilder

    old = next((str(path) for path in Path.home().glob(".pyenv/versions/2.*/bin/python2")), None)
    if old is None:
        pytest.skip("there is no Python before 3.6 on this machine")
    for ask in (Interpreter.probe, lambda path: EnvBuilder(interpreter=path)):
        with pytest.raises(InterpreterError, match="too old") as caught:
            ask(old)
        assert caught.value.context["reason"] == "too-old"


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InterpreterError, match="no interpreter at"):
        Interpreter.probe(tmp_path / "missing")
    with pytest.raises(InterpreterError, match="folder without a Python"):
        Interpreter.probe(tmp_path)
    (tmp_path / "plain").write_text("")
    with pytest.raises(InterpreterError, match="no program"):
        Interpreter.probe(tmp_path / "plain")


def test_no_path_is_not_the_working_folder(tmp_path, monkeypatch):
    from envkit.environment.builder import EnvBuilder

    EnvBuilder(symlinks=True).create(tmp_path / "env")
    monkeypatch.chdir(tmp_path / "env")
    with pytest.raises(InterpreterError, match="'' names no interpreter"):
        Interpreter.probe("")
    with pytest.raises(InterpreterError, match="'' names no interpreter"):
        EnvBuilder(interpreter="")


def test_secrets_of_the_caller_are_not_shown_to_what_is_probed(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "hunter2")
    trap = tmp_path / "python"
    trap.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\nexit 1\n")
    trap.chmod(0o755)
    with pytest.raises(InterpreterError):
        Interpreter.probe(trap)
    assert "hunter2" not in (tmp_path / "seen").read_text()


def test_nothing_is_imported_from_the_working_folder(tmp_path, monkeypatch):
    for name in ("os", "json", "platform", "sysconfig"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    from envkit.interpreter import probe

    monkeypatch.setattr(probe, "_known", {})
    assert Interpreter.probe(RECENT[0]).version


@pytest.mark.parametrize(
    "python", [python for python in RECENT if "pypy" not in python and VERSIONS[python] >= (3, 11)]
)
def test_from_inside_an_environment_the_base_is_described_as_from_outside(tmp_path, python):
    subprocess.run([python, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    root = str(Path(__file__).parents[2])
    code = (
        f"import json, sys; sys.path.append({root!r})\n"
        "from envkit.interpreter.interpreter import Interpreter\n"
        "print(json.dumps([dict(Interpreter.current().base.paths), dict(Interpreter.current().paths)]))\n"
    )
    output = subprocess.run([tmp_path / "env" / "bin" / "python", "-B", "-c", code], capture_output=True, check=True)
    base, own = json.loads(output.stdout)
    assert base == dict(Interpreter.probe(python).paths)
    assert own == dict(Interpreter.probe(tmp_path / "env").paths)


def test_what_tags_are_made_of_is_told_alike_with_and_without_all_other_facts():
    start = "import envkit; found = envkit.Interpreter.current(); "
    short = _run(start + "print(found.tags, found.markers)")
    whole = _run(start + "found.base.details; print(found.tags, found.markers)")
    assert short == whole


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
