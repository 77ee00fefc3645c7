"""Whatever is made, spoiled and made again: the standard library's builder and ours leave the same behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from envkit.environment.builder import EnvBuilder
from envkit.interpreter.interpreter import Interpreter
from tests.environment.test_like_venv import MORE, tree
from tests.interpreter.machine import VERSIONS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="paths of these tests are POSIX ones")

TARGETS = {
    version: python
    for python, version in VERSIONS.items()
    if (3, 11) <= version <= (3, 13) and "pypy" not in python and python != "/usr/bin/python3"
}
#: Makes environments as the standard library of its Python does: a question and an answer on a line each.
SERVER = """
import json, logging, os, sys, venv
logging.disable(logging.CRITICAL)
for line in sys.stdin:
    path, options = json.loads(line)
    try:
        venv.EnvBuilder(**options).create(path)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
    else:
        print("null", flush=True)
"""
# What is there may be anybody's, and any of it may be gone or spoiled when an environment is made again.
NAMES = (
    "bin",
    "bin/python",
    "bin/python3",
    "bin/tool",
    "lib64",
    "lib",
    "lib/mine",
    "include",
    "pyvenv.cfg",
    ".gitignore",
)


class Compared(RuleBasedStateMachine):
    """Does everything twice, in folders whose paths differ in one name only."""

    def __init__(self, python: str, server: subprocess.Popen[str]) -> None:
        super().__init__()
        self.python, self.server = python, server
        self.version = Interpreter.probe(python).version_info
        self.root = Path(tempfile.mkdtemp())
        self.theirs, self.ours = (self.root / name / "env" for name in ("them", "ours"))
        for path in (self.theirs, self.ours):
            path.parent.mkdir()

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(
        options=st.fixed_dictionaries(
            {"symlinks": st.booleans()},
            optional={
                "system_site_packages": st.booleans(),
                "clear": st.booleans(),
                "upgrade": st.booleans(),
                "prompt": st.sampled_from((None, "", ".", "it's", "a b", "\u2603")),
                "scm_ignore_files": st.just(["git"]),
            },
        )
    )
    def create(self, options: dict[str, Any]) -> None:
        if self.version < (3, 13):
            options = {key: value for key, value in options.items() if key != "scm_ignore_files"}
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps([str(self.theirs), options]) + "\n")
        self.server.stdin.flush()
        refusal = json.loads(self.server.stdout.readline())
        if refusal is None:
            EnvBuilder(interpreter=self.python, force=True, **options).create(self.ours)
            self.compare()
            return
        if refusal.startswith("ValueError"):
            with pytest.raises(ValueError, match=r"Unable to create directory|PATH separator"):
                EnvBuilder(interpreter=self.python, force=True, **options).create(self.ours)
        # Where venv gives up, ours may do better; what is left of either is nothing to compare.
        for path in (self.theirs, self.ours):
            shutil.rmtree(path, ignore_errors=True)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        for root in (self.theirs, self.ours):
            path = root / name
            if path.is_symlink() or path.is_file():
                path.unlink()
            else:
                shutil.rmtree(path, ignore_errors=True)

    @rule(name=st.sampled_from(NAMES), mode=st.sampled_from((0o600, 0o644, 0o755)))
    def write(self, name: str, mode: int) -> None:
        for root in (self.theirs, self.ours):
            path = root / name
            if path.parent.is_dir() and not path.is_dir() and not path.is_symlink():
                path.write_text("somebody's")
                path.chmod(mode)

    def compare(self) -> None:
        theirs, ours = tree(self.theirs), tree(self.ours)
        assert set(ours) - set(theirs) <= MORE
        for name, value in theirs.items():
            renamed = tuple(part.replace(b"/them/", b"/ours/") if isinstance(part, bytes) else part for part in value)
            assert ours.get(name) == renamed, name


@contextmanager
def started(python: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([python, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield process


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)], ids=lambda version: ".".join(map(str, version)))
def test_every_order_of_making_and_spoiling(version):
    python = TARGETS.get(version)
    if python is None:
        pytest.skip("there is no such Python on this machine")
    checks = settings(
        max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    with started(python) as server:
        run_state_machine_as_test(lambda: Compared(python, server), settings=checks)
