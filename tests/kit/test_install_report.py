"""pip's own ``install --report`` beside ours, on the same files."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import envkit
from envkit.model.editable import Editable
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import make_wheel, wheel_bytes
from envkit.wheels.settings import BuildSettings
from tests.freeze.places import ENVIRON, run
from tests.wheels.doubles import write_project

FIELDS = {
    "Summary": "a thing — with a dash",
    "Keywords": "one,two three",
    "Author-email": "Someone <s@example.org>",
    "Classifier": "License :: OSI Approved :: MIT License",
    "Project-URL": "Source, https://example.org/s",
}


def ask_pip(env: envkit.Environment, *wanted: str) -> dict:
    arguments = ("install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", "--no-build-isolation")
    command = [sys.executable, "-m", "pip", "--python", str(env.executable), *arguments, *wanted]
    environ = {**ENVIRON, "BUILD_LOG": str(env.root / "ran.txt")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def compare(ours: dict, pips: dict) -> None:
    """Equal but for: who wrote it, and the order of what is installed."""
    del pips["pip_version"]
    for report in (ours, pips):
        report["install"].sort(key=lambda item: item["metadata"]["name"])
    for left, right in zip(ours.pop("install"), pips.pop("install"), strict=True):
        assert left == right
    assert ours == pips


@pytest.fixture
def links(tmp_path):
    folder = tmp_path / "links"
    folder.mkdir()
    make_wheel(folder, "alpha", "1.0", requires=["beta[x]>=1", "gamma; python_version<'3'"], fields=FIELDS)
    make_wheel(folder, "beta", "1.5.0", requires=["Delta.Name"], extras={"x": ["epsilon>=2"], "y": ["zeta"]})
    make_wheel(folder, "Delta.Name", "2.0", requires_python=">=3.8")
    make_wheel(folder, "epsilon", "2.0", build="3")
    return folder


@pytest.fixture
def kit(links, tmp_path):
    build = BuildSettings(variables={"BUILD_LOG": str(tmp_path / "ran.txt")})
    made = envkit.Kit(indexes=(), find_links=(links,), cache_dir=tmp_path / "cache", build=build)
    yield made
    made.close()


@pytest.fixture
def env(tmp_path):
    with envkit.Kit(indexes=(), cache_dir=tmp_path / "other") as kit:
        return kit.create(tmp_path / "env")


def report(kit: envkit.Kit, env: envkit.Environment, wanted: list) -> dict:
    found = kit.report(env, kit.plan(env, kit.resolve(wanted, target=env)))
    assert json.loads(json.dumps(found)) == found
    return found


def test_files_of_a_folder(kit, env, links):
    ours = report(kit, env, ["alpha", "Delta.Name"])
    assert [item["metadata"]["name"] for item in ours["install"]][-1] == "alpha"  # what others need comes first
    compare(ours, ask_pip(env, "--no-index", "-f", str(links), "alpha", "Delta.Name"))


def test_direct_references(kit, env, links, tmp_path):
    wheel = make_wheel(tmp_path, "direct", "1.0", requires=["epsilon"])
    folder = write_project(tmp_path / "folder", {"name": "folder-project", "version": "1.0"})
    followed = write_project(tmp_path / "followed", {"name": "followed", "version": "1.0"})
    source = tmp_path / "source"
    write_project(source, {"name": "checked-out", "version": "3.0"})
    run("git", "init", "-q", "-b", "main", source)
    run("git", "-C", source, "add", ".")
    run("git", "-C", source, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x")
    url = f"checked-out @ git+{source.as_uri()}@main"
    compare(
        report(kit, env, [wheel, folder, Editable(followed), url]),
        ask_pip(env, "--no-index", "-f", str(links), str(wheel), str(folder), "-e", str(followed), url),
    )


def test_files_of_an_index(env, tmp_path):
    files = dict([wheel_bytes("app", "1.0", requires=["lib[more]"]), wheel_bytes("lib", "2.0", extras={"more": []})])
    with LoopbackIndex(files) as index, envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache") as kit:
        compare(report(kit, env, ["app", "lib[More]"]), ask_pip(env, "--index-url", index.url, "app", "lib[More]"))
