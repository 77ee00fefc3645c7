"""Locks of real applications, judged by packaging alone in every environment of a grid.

The world is the recording of the benchmarks: versions whose metadata is recorded, each with one wheel.
"""

from __future__ import annotations

import pytest

from benchmarks.recording import DEFAULT, read_recording
from benchmarks.workloads import ALL
from envkit.errors import RequirementError
from envkit.model.identity import parse_version
from envkit.testing.source import MemorySource, Release
from tests.lock.test_universal import check_everywhere, in_range, lock

PLATFORMS = [f"sys_platform == '{name}'" for name in ("linux", "darwin", "win32")]


@pytest.fixture(scope="module")
def world():
    projects: dict[str, dict[str, Release]] = {}
    for name, project in read_recording(DEFAULT).items():
        for text, fields in project.metadata.items():
            try:
                version = str(parse_version(text.replace("_", "-")))
            except RequirementError:
                continue
            projects.setdefault(name, {})[version] = Release(
                requires=fields.requires_dist, requires_python=fields.requires_python, extras=fields.provides_extra
            )
    return projects


@pytest.mark.parametrize("name", ["trio", "web", "airflow"])
def test_right_everywhere(world, name):
    roots = ALL[name].requirements
    found = lock(MemorySource(world), roots, requires_python=">=3.11,<3.13", environments=PLATFORMS)
    targets = in_range(">=3.11,<3.13")
    assert len(targets) == 120
    check_everywhere(found, world, roots, targets=targets)
