"""Bills of materials, and what is outdated as pip prints it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import envkit
from envkit.errors import RequirementError
from envkit.testing.wheels import make_sdist, make_wheel
from envkit.wheels.settings import BuildSettings
from tests.freeze.places import run
from tests.freeze.test_sbom import check_form
from tests.wheels.doubles import write_project


@pytest.fixture
def place(tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    make_wheel(links, "app", "1.0", requires=["lib"])
    make_wheel(links, "lib", "1.0")
    return links


@pytest.fixture
def kit(place, tmp_path):
    build = BuildSettings(variables={"BUILD_LOG": str(tmp_path / "log.txt")})
    with envkit.Kit(indexes=(), find_links=(place,), cache_dir=tmp_path / "cache", build=build) as kit:
        yield kit


def components(text: str) -> list[tuple[str, str, int]]:
    check_form(text)
    return [(one["name"], one["version"], len(one.get("hashes", ()))) for one in json.loads(text)["components"]]


def test_bills_of_everything(kit, tmp_path):
    pytest.importorskip("cyclonedx", reason="the extra sbom is not installed")
    resolution = kit.resolve(["app"], target=envkit.Interpreter.current())
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app"])
    bills = [kit.sbom(what) for what in (env, kit.lock(["app"]), kit.pylock(env))]
    bills.append(kit.sbom(resolution, subject="it", timestamp=datetime(2026, 1, 1, tzinfo=UTC)))
    for text in bills:
        assert [row[:2] for row in components(text)] == [("app", "1.0"), ("lib", "1.0")]
        needs = {one["ref"]: one.get("dependsOn", []) for one in json.loads(text)["dependencies"]}
        assert needs["app==1.0"] == ["lib==1.0"]
        assert needs["lib==1.0"] == []
    assert [row[2] for row in components(bills[0])] == [1, 1]  # the folder tells no hashes, the record does
    head = json.loads(bills[-1])["metadata"]
    assert (head["component"]["name"], head["timestamp"]) == ("it", "2026-01-01T00:00:00+00:00")
    with pytest.raises(RequirementError, match="str is neither"):
        kit.sbom("app")


def test_outdated_is_what_pip_says(kit, place, tmp_path):
    write_project(tmp_path / "folder", {"name": "Own.Project", "version": "1.0"})
    make_wheel(place, "early", "2.0rc1")
    make_wheel(place, "same", "1.0")
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app", "same", "early", envkit.Editable(tmp_path / "folder")])
    make_wheel(place, "app", "1.1")
    make_wheel(place, "app", "2.0rc1")
    make_wheel(place, "app", "3.0", requires_python="<3")
    make_wheel(place, "app", "4.0", tag="cp27-none-any")
    make_sdist(place, "lib", "1.0.post1")
    make_wheel(place, "own.project", "2.0")
    pip = (sys.executable, "-m", "pip", "--python", Path(env.executable), "list", "--outdated", "--format", "json")
    for verbose in (False, True):
        said = run(*pip, "--no-index", "--find-links", place, *(["-v"] if verbose else []))
        assert [one.to_pip(verbose=verbose) for one in kit.outdated(env)] == json.loads(said)
    assert [one.name for one in kit.outdated(env, editable=False)] == ["app", "lib"]
