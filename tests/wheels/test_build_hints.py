"""The usual failures of builds come with what helps."""

from __future__ import annotations

import pytest

import envkit
from envkit.wheels.build_hints import hint_for


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("ModuleNotFoundError: No module named 'numpy'", "needs numpy to be built"),
        ("ModuleNotFoundError: No module named 'pkg_resources.extern'", "setuptools<81"),
    ],
)
def test_modules_that_are_missing(line, part):
    assert part in (hint_for(line) or "")


@pytest.mark.parametrize("line", ["", "error: command 'gcc' failed", "No module named 'numpy'"])
def test_nothing_is_guessed(line):
    assert hint_for(line) is None


def test_the_error_of_a_build_has_it(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "x"\nversion = "1"\n'
    )
    (tmp_path / "backend.py").write_text("import there_is_no_such_module\n")
    kit = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache")
    with pytest.raises(envkit.WheelBuildError) as caught:
        kit.install(kit.create(tmp_path / "env"), tmp_path)
    assert "extra_requirements" in caught.value.hint
    assert "the whole output is in" in caught.value.hint
