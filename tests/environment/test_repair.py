"""Each way in which an environment breaks: what opening says, and that repairing makes it whole and loses nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.environment.builder import EnvBuilder
from envkit.environment.environment import Environment
from envkit.environment.rules import CLAIM
from envkit.errors import VenvError
from tests.environment.test_like_venv import tree
from tests.interpreter.machine import RECENT, SUPPORTED, VERSIONS


def lead_nowhere(root: Path) -> None:
    for link in list((root / "bin").iterdir()):
        if link.name.startswith("python") or link.name.startswith("pypy"):
            link.unlink()
            link.symlink_to("/nowhere/python")


def lose_the_base(root: Path) -> None:
    lead_nowhere(root)
    config = (root / "pyvenv.cfg").read_text()
    lines = ["home = /nowhere" if line.startswith("home") else line for line in config.splitlines()]
    (root / "pyvenv.cfg").write_text("\n".join(line for line in lines if not line.startswith("executable")))


def write_config(text: str) -> Callable[[Path], None]:
    return lambda root: [(root / "pyvenv.cfg").write_text(text), lead_nowhere(root)][1]


BREAKS: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "links that lead nowhere": (lose_the_base, "interpreter-gone"),
    "no programs": (lambda root: shutil.rmtree(root / "bin"), "interpreter-gone"),
    "a program that cannot be run": (
        lambda root: [(root / "bin" / "python").unlink(), (root / "bin" / "python").write_text("no program")],
        "interpreter-gone",
    ),
    "cut off": (lambda root: (root / CLAIM).write_text("1\n"), "unfinished"),
    "cut off before its configuration": (
        lambda root: [(root / CLAIM).write_text("1\n"), (root / "pyvenv.cfg").unlink()],
        "unfinished",
    ),
    "an empty configuration": (write_config(""), "interpreter-gone"),
    "a configuration that is garbage": (write_config("\0\1 = \n===\nhome\n"), "interpreter-gone"),
    "a home that is gone": (write_config("home = /nowhere\nversion = {version}\n"), "interpreter-gone"),
    "no activation": (lambda root: (root / "bin" / "activate").unlink(), None),
    "no folder for headers": (lambda root: shutil.rmtree(root / "include"), None),
}


@pytest.mark.parametrize("how", BREAKS)
def test_what_breaks_is_told_and_made_whole(tmp_path, how):
    root = tmp_path / "env"
    made = EnvBuilder(symlinks=True).create(root)
    kept = Path(made.paths["purelib"]) / "kept.py"
    kept.write_text("x = 1\n")
    whole = set(tree(root))
    break_it, problem = BREAKS[how]
    break_it(root)
    if problem is None:
        opened = Environment.open(root)
        assert opened.interpreter.version == made.interpreter.version
    else:
        with pytest.raises(VenvError) as caught:
            Environment.open(root)
        assert caught.value.context["problem"] == problem
        assert caught.value.hint
    repaired = EnvBuilder(symlinks=True).repair(root)
    assert set(tree(root)) >= whole
    assert kept.read_text() == "x = 1\n"
    assert Environment.open(root).path == repaired.path
    assert repaired.run(["python", "-c", "import kept, sys; assert sys.prefix != sys.base_prefix"]).returncode == 0
    assert not (root / CLAIM).exists()


@pytest.mark.parametrize("python", SUPPORTED)
def test_each_python_repairs_its_own(tmp_path, python):
    root = tmp_path / "env"
    EnvBuilder(symlinks=True, interpreter=python).create(root)
    lose_the_base(root)
    EnvBuilder(symlinks=True, interpreter=python).repair(root)
    assert Environment.open(root).run(["python", "-c", "pass"]).returncode == 0


@pytest.mark.parametrize("prompt", ["it's", 'say "hi"', 'it\'s "both"', "line\nend", "back\\slash", "ünï", "'quoted'"])
def test_a_prompt_comes_through_every_repair(tmp_path, prompt):
    root = tmp_path / "env"
    made = EnvBuilder(symlinks=True, prompt=prompt).create(root)
    for _ in range(2):
        again = EnvBuilder(symlinks=True).repair(root)
        assert again.config["prompt"] == made.config["prompt"] == repr(prompt)


@pytest.mark.parametrize("text", ["plain", "my env", "'", "it's", "['not', 'text']", "(" * 100])
def test_a_prompt_as_other_tools_write_it_is_kept(tmp_path, text):
    root = tmp_path / "env"
    EnvBuilder(symlinks=True).create(root)
    with (root / "pyvenv.cfg").open("a") as stream:
        stream.write(f"prompt = {text}\n")
    assert EnvBuilder(symlinks=True).repair(root).config["prompt"] == repr(text)


@pytest.mark.skipif(len(set(VERSIONS.values())) < 2, reason="there is one Python only")
def test_an_upgrade_under_it_needs_its_own_python(tmp_path):
    root = tmp_path / "env"
    EnvBuilder(symlinks=True, interpreter=RECENT[0]).create(root)
    for name in ("python", "python3"):
        (root / "bin" / name).unlink()
        (root / "bin" / name).symlink_to(RECENT[1])
    with pytest.raises(VenvError) as caught:
        Environment.open(root)
    assert caught.value.context["problem"] == "interpreter-changed"
    with pytest.raises(VenvError) as caught:
        EnvBuilder(symlinks=True, interpreter=RECENT[1]).repair(root)
    assert caught.value.context["problem"] == "other-interpreter"
    assert os.readlink(root / "bin" / "python") == RECENT[1], "a refusal changes nothing"
    EnvBuilder(symlinks=True, interpreter=RECENT[0]).repair(Path(root))


def test_what_is_no_environment_is_not_repaired(tmp_path):
    (tmp_path / "precious").write_text("x")
    with pytest.raises(VenvError) as caught:
        EnvBuilder().repair(tmp_path)
    assert caught.value.context["problem"] == "not-an-environment"
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
