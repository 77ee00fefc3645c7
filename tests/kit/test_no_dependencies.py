"""``--no-deps``: what is asked for and nothing else, as pip chooses."""

from __future__ import annotations

import json
import os
import sys

import pytest

import envkit
from envkit.kit.configuration import read_configuration
from envkit.testing.wheels import make_sdist, make_wheel
from tests.freeze.places import run

HERE = envkit.Interpreter.current()

BACKEND = """
import os, helper
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.mkdir(os.path.join(folder, "d-1.dist-info"))
    with open(os.path.join(folder, "d-1.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: d\\nVersion: 1\\n")
    return "d-1.dist-info"
def build_wheel(folder, config_settings=None, metadata_directory=None):
    raise AssertionError("nothing is to be built")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("links")
    make_wheel(folder, "a", "1", requires=["b"], extras={"more": ["c"]})
    make_wheel(folder, "a", "2", requires=["gone>4"], extras={"more": ["c"]})
    make_wheel(folder, "a", "3", requires_python=">=4")
    make_wheel(folder, "b", "1", requires=["a<2"])
    make_wheel(folder, "b", "2", requires=["a<1"])
    make_sdist(folder, "c", "1")
    return folder


@pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])
@pytest.mark.parametrize("wanted", [["a"], ["a[more]"], ["a", "b"], ["a<2", "b<2"]])
def test_as_pip_chooses(place, wanted, solver, tmp_path):
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--dry-run",
        "--ignore-installed",
        "--report",
        "-",
        "--no-deps",
    )
    report = json.loads(run(*pip, "--no-index", "--find-links", place.as_uri(), *wanted, cwd=tmp_path))
    expected = {one["metadata"]["name"]: one["metadata"]["version"] for one in report["install"]}
    policy = envkit.ResolutionPolicy(dependencies=False)
    with envkit.Kit(indexes=(), find_links=(place,), cache_dir=tmp_path / "cache", policy=policy, solver=solver) as kit:
        resolution = kit.resolve(wanted, target=HERE)
    assert {name: str(pin.version) for name, pin in resolution.pins.items()} == expected


def test_installs_that_alone_and_still_knows_what_it_needs(place, tmp_path):
    policy = envkit.ResolutionPolicy(dependencies=False)
    with envkit.Kit(indexes=(), find_links=(place,), cache_dir=tmp_path / "cache", policy=policy) as kit:
        env = kit.create(tmp_path / "env")
        kit.install(env, ["a<2"])
        assert kit.freeze(env) == ("a==1",)
        (problem,) = kit.check(env)
        assert problem.kind == "missing"
        again = kit.plan(env, kit.resolve(["a<2"], target=env))
        assert not (again.add or again.replace or again.remove)
        with pytest.raises(envkit.RequirementError, match="a lock holds what its projects need"):
            kit.lock(["a<2"])


def test_what_a_build_needs_is_still_installed(tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    make_wheel(links, "helper", "1", files={"helper.py": "WORD = 'yes'"})
    make_wheel(links, "backend", "1", requires=["helper"], files={"backend.py": BACKEND})
    project = '[build-system]\nrequires = ["backend"]\nbuild-backend = "backend"\n'
    make_sdist(links, "d", "1", files={"pyproject.toml": project}, pkg_info=False)
    policy = envkit.ResolutionPolicy(dependencies=False)
    with envkit.Kit(indexes=(), find_links=(links,), cache_dir=tmp_path / "cache", policy=policy) as kit:
        assert str(kit.resolve(["d"], target=HERE).pins["d"].version) == "1"


def test_read_from_pips_configuration(tmp_path):
    environ = {"PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path)}
    assert read_configuration(environ).dependencies
    assert not read_configuration({**environ, "PIP_NO_DEPS": "1"}).dependencies
