"""Real sdists of many backends, built, installed and imported; and one editable project for each backend."""

import json
import os
import shutil
import subprocess
import time

import pytest

from envkit.environment.builder import EnvBuilder
from envkit.index.bounds import Limits, Timeouts
from envkit.index.client import IndexClient
from envkit.kit.builds import Builds
from envkit.model.editable import Editable
from envkit.model.policy import ResolutionPolicy
from tests.kit.test_builds import World, files_of

pytestmark = pytest.mark.live

# project, what is imported: by backend
SDISTS = {
    "setuptools without pyproject.toml": ["docopt==0.6.2 docopt", "termcolor==1.1.0 termcolor", "six==1.17.0 six"],
    "setuptools": ["certifi certifi", "requests requests", "pycparser pycparser", "h11 h11"],
    "setuptools-scm": ["tqdm tqdm", "python-dateutil dateutil", "pluggy pluggy", "iniconfig iniconfig"],
    "setuptools, a C extension": [
        "markupsafe markupsafe._speedups",
        "multidict multidict._multidict",
        "greenlet greenlet",
    ],
    "setuptools and Cython": ["pyyaml yaml", "msgpack msgpack._cmsgpack"],
    "in-tree, over setuptools": ["frozenlist frozenlist", "yarl yarl", "setuptools-scm setuptools_scm"],
    "in-tree": [
        "flit-core flit_core",
        "poetry-core poetry.core",
        "pdm-backend pdm.backend",
        "hatchling hatchling.build",
    ],
    "flit": [
        "idna idna",
        "flask flask",
        "click click",
        "tomli tomli",
        "packaging packaging",
        "typing-extensions typing_extensions",
    ],
    "hatchling": ["pygments pygments", "scikit-build-core scikit_build_core"],
    "hatchling with hatch-vcs and a plug-in": ["attrs attr", "hatch-vcs hatch_vcs"],
    "poetry-core": ["rich rich", "tomlkit tomlkit"],
    "pdm-backend": ["fastapi fastapi", "typer typer"],
    "scikit-build-core": ["nanobind nanobind", "ninja ninja"],
    "meson-python": ["meson-python mesonpy"],
}
SHORT = {"idna", "markupsafe", "six"}
ALL = [
    pytest.param(
        backend,
        *line.split(),
        id=line.split()[0],
        marks=[] if line.split("=")[0].split()[0] in SHORT else pytest.mark.slow,
    )
    for backend, lines in SDISTS.items()
    for line in lines
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One cache for all, as people have it."""
    return tmp_path_factory.mktemp("live")


def live_world(tmp_path, shared, **options):
    import dataclasses

    from envkit.cache import Cache
    from envkit.wheels.pool import WheelPool

    world = World(tmp_path, variables={}, **options)
    world.cache = Cache(shared / "cache")
    timeouts, limits = Timeouts(read=60, page=600), Limits(retries=10)  # a slow index is not what is tested
    world.client = IndexClient(cache=world.cache, env=dict(os.environ), timeouts=timeouts, limits=limits)
    world.workshop = dataclasses.replace(
        world.workshop,
        client=world.client,
        cache=world.cache,
        pool=WheelPool(world.cache.bucket("wheels", 1).root),
        environ={key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
        policy=ResolutionPolicy(),
    )
    world.builds = Builds(world.workshop)
    return world


@pytest.mark.parametrize(("backend", "requirement", "module"), ALL)
def test_a_real_sdist(tmp_path, shared, backend, requirement, module):
    name = requirement.split("==")[0]
    world = live_world(tmp_path, shared, policy=ResolutionPolicy(no_binary=(name,)))
    env = EnvBuilder(interpreter=world.workshop.interpreter, symlinks=True).create(tmp_path / "env")
    try:
        world.install(env, requirement)
    finally:
        world.builds.close()
        world.client.close()
    done = subprocess.run(
        [str(env.executable), "-I", "-c", f"import {module}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = [event.subject for event in world.seen("BuildStarted") if event.what == "wheel"]
    assert any(subject.startswith(f"{name} ") for subject in built), (backend, built)


TABLE = """
[build-system]
requires = ["{}"]
build-backend = "{}"
[project]
name = "live-demo"
version = "1.0"
description = "x"
"""
PACKAGE = {"live_demo/__init__.py": "value = 1\n"}
EDITABLES = {
    "setuptools": {"pyproject.toml": TABLE.format("setuptools>=64", "setuptools.build_meta"), **PACKAGE},
    "setuptools-src": {
        "pyproject.toml": TABLE.format("setuptools>=64", "setuptools.build_meta"),
        "src/live_demo/__init__.py": "value = 1\n",
    },
    "setuptools-legacy": {
        "setup.py": "from setuptools import setup\nsetup(name='live-demo', version='1', packages=['live_demo'])\n",
        **PACKAGE,
    },
    "flit": {"pyproject.toml": TABLE.format("flit_core>=3.8,<5", "flit_core.buildapi"), **PACKAGE},
    "hatchling": {"pyproject.toml": TABLE.format("hatchling", "hatchling.build"), **PACKAGE},
    "poetry-core": {"pyproject.toml": TABLE.format("poetry-core>=2", "poetry.core.masonry.api"), **PACKAGE},
    "pdm-backend": {"pyproject.toml": TABLE.format("pdm-backend", "pdm.backend"), **PACKAGE},
    "scikit-build-core": {
        "pyproject.toml": TABLE.format("scikit-build-core", "scikit_build_core.build"),
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.15)\nproject(live_demo LANGUAGES NONE)\n",
        "src/live_demo/__init__.py": "value = 1\n",
    },
    "meson-python": {
        "pyproject.toml": TABLE.format("meson-python", "mesonpy"),
        "meson.build": "project('live-demo', version: '1.0')\npy = import('python').find_installation()\n"
        "py.install_sources('live_demo/__init__.py', subdir: 'live_demo')\n",
        **PACKAGE,
    },
}


@pytest.mark.parametrize(
    "backend", [name if name == "flit" else pytest.param(name, marks=pytest.mark.slow) for name in EDITABLES]
)
def test_an_editable_project(tmp_path, shared, backend):
    folder = tmp_path / "project"
    for name, text in EDITABLES[backend].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    # meson-python builds again on import, with the programs of an environment that is gone unless it is not isolated
    world = live_world(tmp_path, shared)
    env = EnvBuilder(interpreter=world.workshop.interpreter, symlinks=True).create(tmp_path / "env")
    before = files_of(env)
    if backend == "meson-python":
        if shutil.which("meson") is None and shutil.which("ninja") is None:
            pytest.skip("an editable of meson-python needs meson and ninja outside of the build environment")
        import dataclasses

        world.install(env, "meson-python", "meson", "ninja")
        settings = dataclasses.replace(world.workshop.settings, isolation=False)
        world.workshop = dataclasses.replace(world.workshop, settings=settings, shared=env)
        world.builds = Builds(world.workshop)
    path = f"{env.paths['scripts']}{os.pathsep}{os.environ['PATH']}"

    def value():
        code = "import live_demo; print(live_demo.value)"
        done = subprocess.run(
            [str(env.executable), "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={"PATH": path},
        )
        return done.stdout.split()[-1]

    world.install(env, Editable(folder))
    assert value() == "1"
    module = next(folder.rglob("live_demo/__init__.py"))
    time.sleep(0.01)
    module.write_text("value = 'changed'\n")
    assert value() == "changed"
    found = next(dist for dist in env.distributions() if dist.name == "live-demo" or dist.name == "live_demo")
    assert found.editable
    assert json.loads((found.path / "direct_url.json").read_text()) == {
        "url": folder.as_uri(),
        "dir_info": {"editable": True},
    }
    world.installer(env).uninstall(["live-demo"])
    if backend != "meson-python":
        assert files_of(env) == before
    assert not any("live_demo" in name or "live-demo" in name for name in files_of(env))
    world.builds.close()
    world.client.close()
