"""``--prefer-binary``: a wheel of an older version rather than a newer sdist, as pip chooses."""

from __future__ import annotations

import json
import os
import sys

import pytest

import envkit
from envkit.formats.requirements_txt import read_requirements
from envkit.kit.configuration import read_configuration
from envkit.testing.wheels import make_sdist, make_wheel
from tests.freeze.places import run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("links")
    make_sdist(folder, "a", "3")
    make_sdist(folder, "a", "2")
    for version in ("2", "1"):
        make_wheel(folder, "a", version, requires=["b"])
    make_wheel(folder, "b", "1")
    make_wheel(folder, "b", "2rc1")
    make_sdist(folder, "b", "1.5")
    return folder


@pytest.mark.parametrize("wanted", ["a\n", "a<2\nb\n", "b\n"])
def test_as_pip_chooses(place, wanted, tmp_path):
    path = tmp_path / "r.txt"
    path.write_text(f"--prefer-binary\n--no-index\n--find-links {place.as_uri()}\n{wanted}")
    pip = (sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", "-")
    report = json.loads(run(*pip, "-r", path, cwd=tmp_path))
    expected = {one["metadata"]["name"]: one["metadata"]["version"] for one in report["install"]}
    with envkit.Kit(indexes=(), cache_dir=tmp_path / "cache") as kit:
        resolution = kit.resolve(read_requirements(path), target=envkit.Interpreter.current())
    assert {name: str(pin.version) for name, pin in resolution.pins.items()} == expected


def test_read_from_pips_configuration(place, tmp_path):
    environ = {"PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path), "PIP_PREFER_BINARY": "1", "PIP_NO_INDEX": "1"}
    assert read_configuration(environ).prefer_binary
    with envkit.Kit.from_environment(environ, find_links=(place,), cache_dir=tmp_path / "cache") as kit:
        resolution = kit.resolve(["a"], target=envkit.Interpreter.current())
    assert str(resolution.pins["a"].version) == "2"
