"""What a fresh process loads: importing is nearly all of what a warm operation in one costs, and it creeps back easily."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

PROJECTS = dict(
    [wheel_bytes("app", "1.0", requires=["lib>=1,<3"]), wheel_bytes("lib", "1.0"), wheel_bytes("lib", "2.0")]
)

NETWORK = {"ssl", "socket", "http", "http.client", "email", "netrc", "urllib.parse", "ipaddress", "urllib.request"}
PARSERS = {"packaging.requirements", "packaging.specifiers", "packaging.markers", "packaging.tags", "packaging.utils"}
SLOW = {"logging", "subprocess", "platform", "random", "tempfile", "shutil", "pathlib", "asyncio", "concurrent.futures"}
HEAVY = {"hashlib", "_hashlib", "datetime", "importlib.util", "dataclasses", "copy"}
OURS = {
    "envkit.index.session",
    "envkit.index.auth",
    "envkit.index.simple_api",
    "envkit.events.kinds",
    "envkit.model.candidate",
    "envkit.model.forms",
    "envkit.model.origin",
    "envkit.resolve.judging",
    "envkit.resolve.selection",
    "envkit.resolve.scout",
    "envkit.resolve.ports",
    "envkit.resolve.failure",
    "envkit.wheels",
    "envkit.installation",
    "envkit.formats",
}

RESOLVE = """
import json, sys
import envkit
url, cache = sys.argv[1:3]
kit = envkit.Kit(indexes=(url,), cache_dir=cache, policy=envkit.ResolutionPolicy(only_binary=(":all:",)))
wishes = ["app>=1", "lib[extra]!=1.5; python_version >= '3.8'", "nothing; sys_platform == 'win16'"]
resolution = kit.resolve(wishes, target=envkit.Interpreter.current())
versions = {name: str(pin.version) for name, pin in resolution.pins.items()}
print(json.dumps([versions, sorted(sys.modules)]))
"""

LOOK = """
import json, sys
import envkit
environment = envkit.Environment.open(sys.argv[1])
print(json.dumps([[dist.name for dist in environment.distributions()], sorted(sys.modules)]))
"""

CREATE = """
import json, sys
import envkit
environment = envkit.EnvBuilder().create(sys.argv[1])
print(json.dumps([environment.path, sorted(sys.modules)]))
"""


INSPECT = {"_ast", "_opcode", "_opcode_metadata", "_tokenize", "ast", "dis", "importlib.machinery", "inspect", "linecache",
           "opcode", "token", "tokenize"}  # fmt: skip
"""From Python 3.13 on `packaging` marks what is deprecated by `warnings.deprecated`, which loads these."""


def _run(code: str, *arguments: object) -> tuple[object, set[str]]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    answer, modules = json.loads(process.stdout)
    return answer, set(modules)


@pytest.fixture(scope="module")
def before() -> set[str]:
    """What Python and the means of this test load themselves."""
    return _run("import json, sys; print(json.dumps([0, sorted(sys.modules)]))")[1]


def test_a_warm_resolution_loads_no_network_and_no_parser(tmp_path, before):
    with LoopbackIndex(PROJECTS, max_age=3600) as index:
        versions, _ = _run(RESOLVE, index.url, tmp_path)
        asked = len(index.requests)
        again, modules = _run(RESOLVE, index.url, tmp_path)
        assert len(index.requests) == asked
    assert again == versions == {"app": "1.0", "lib": "2.0"}
    assert modules & (NETWORK | PARSERS | SLOW | HEAVY | OURS) - before == set()
    assert len(modules - before - INSPECT) < 110


def test_looking_at_an_environment_loads_little(tmp_path, before):
    envkit.create(tmp_path / "env")
    names, modules = _run(LOOK, tmp_path / "env")
    assert names == []
    paths = {"pathlib", "urllib.parse", "ipaddress"}  # distributions have paths as values, and `pathlib` loads the rest
    assert modules & (NETWORK | PARSERS | SLOW | OURS) - paths - before == set()


def test_creating_an_environment_loads_little(tmp_path, before):
    path, modules = _run(CREATE, tmp_path / "env")
    assert path == str(tmp_path / "env")
    assert modules & (NETWORK | PARSERS | SLOW | OURS) - before == set()
