"""The resolvelib solver with the oldest version that the project allows: it touches what that library keeps to itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def oldest():
    """Give the lower bound in pyproject."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirement = next(Requirement(text) for text in project["dependencies"] if text.startswith("resolvelib"))
    return next(clause.version for clause in requirement.specifier if clause.operator == ">=")


@pytest.mark.live
def test_the_solver_tests_pass_with_the_oldest_resolvelib(tmp_path):
    wanted = f"resolvelib=={oldest()}"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries=10", "--timeout=60"]
    subprocess.run([*install, "--target", str(tmp_path), wanted], check=True, timeout=900)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    script = "import resolvelib; print(resolvelib.__version__, resolvelib.__file__)"
    shown = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True).stdout
    assert shown.split()[0].startswith(oldest())
    assert str(tmp_path) in shown
    files = [f"tests/resolve/test_{name}.py" for name in ("semantics", "brute_force", "preferring", "independence")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "resolvelib", "-m", "not slow"]
    outcome = subprocess.run(
        [*command, *files], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=1500
    )
    assert outcome.returncode == 0, outcome.stdout[-3000:]
