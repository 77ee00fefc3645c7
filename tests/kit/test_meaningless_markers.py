"""Comparisons that markers may be written with and that mean nothing: each is an error of ours, or the metadata's."""

from __future__ import annotations

from pathlib import Path

import pytest

import envkit
from envkit.errors import RequirementError
from envkit.model.marker_sets import MarkerSets
from envkit.model.marker_text import set_of
from envkit.model.requirement import marker_holds, parse_marker

MEANINGLESS = ['python_version ~= "3"', 'os_name ~= "posix"', '"x" ~= sys_platform']


@pytest.mark.parametrize("text", MEANINGLESS)
def test_they_are_errors_of_ours(text):
    with pytest.raises(RequirementError):
        marker_holds(parse_marker(text), {"python_version": "3.11", "os_name": "posix", "sys_platform": "linux"})


def test_sets_of_environments_refuse_them():
    with pytest.raises(RequirementError):
        set_of(MarkerSets(), MEANINGLESS[0])


@pytest.mark.parametrize("text", MEANINGLESS)
def test_an_environment_with_such_metadata_can_be_looked_at(tmp_path, text):
    kit = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    info = Path(env.site_packages[0]) / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nRequires-Dist: other; {text}\n")
    (info / "RECORD").write_text("")
    freezer = envkit.Freezer(env)
    (problem,) = freezer.check()
    assert problem.kind == "bad-metadata"
    assert not freezer.graph().edges
    assert freezer.freeze()
