"""The judge of pins, and the generated graphs: it must find fault, or its silence means nothing."""

import pytest

from benchmarks.graphs import chain, layered
from benchmarks.growth import exponents
from benchmarks.metadata_fields import MetadataFields
from benchmarks.peers import read_pins
from benchmarks.recording import RecordedFile, RecordedProject
from benchmarks.verify import Judge
from benchmarks.workloads import ALL, USUAL, Workload


def project(name, time=0, **versions):
    facts = {text.removeprefix("v").replace("_", "."): tuple(requires) for text, requires in versions.items()}
    files = tuple(RecordedFile(f"{name}-{version}-py3-none-any.whl", bytes(32), 1, time) for version in facts)
    return RecordedProject(name, files, {v: MetadataFields("2.1", None, r, ()) for v, r in facts.items()})


PROJECTS = {
    "app": project("app", v1_0=["lib>=2", "extra-lib; extra == 'more'", "never; os_name == 'nothing'"]),
    "lib": project("lib", time=2_000_000_000, v1_0=[], v2_0=["app>=2"], v3_0=[]),
    "extra-lib": project("extra-lib", v1_0=[]),
}
JUDGE = Judge(PROJECTS)
PLAIN, MORE = Workload("plain", ("app",)), Workload("more", ("App[more]",))


@pytest.mark.parametrize(
    ("workload", "pins", "fault"),
    [
        (PLAIN, {"app": "1.0", "lib": "3.0"}, None),
        (MORE, {"app": "1.0", "lib": "3.0", "extra-lib": "1.0"}, None),
        (PLAIN, {"app": "1.0", "lib": "1.0"}, "app needs lib>=2, not 1.0"),
        (PLAIN, {"app": "1.0"}, "app needs lib>=2, which is not there"),
        (MORE, {"app": "1.0", "lib": "3.0"}, "which is not there"),
        (PLAIN, {"app": "1.0", "lib": "3.0", "extra-lib": "1.0"}, "nothing asks for extra-lib"),
        (PLAIN, {"app": "1.0", "lib": "2.0"}, "lib needs app>=2, not 1.0"),
        (Workload("old", ("app",), "2020-01-01T00:00:00Z"), {"app": "1.0", "lib": "3.0"}, "newer than the cut-off"),
    ],
)
def test_faults_are_found(workload, pins, fault):
    problems = JUDGE.problems(workload, pins)
    if fault is None:
        assert problems == []
    else:
        assert any(fault in problem for problem in problems), problems


def test_what_keeps_a_version_out_is_told_from_both_sides():
    pins = {"app": "1.0", "lib": "3.0"}
    assert JUDGE.blockers(PLAIN, pins, "lib", "1.0") == ["app needs lib>=2"]
    assert JUDGE.blockers(PLAIN, pins, "lib", "2.0") == ["lib 2.0 needs app>=2, not 1.0"]
    assert JUDGE.blockers(PLAIN, pins, "lib", "3.0") == []


@pytest.mark.parametrize("make", [chain, layered])
def test_graphs_are_deterministic_and_have_the_size_that_is_asked_for(make):
    projects, root = make(45)
    assert make(45) == (projects, root)
    assert len(projects) in {45, 46}
    names = {project.name for project in projects}
    assert root in names
    needed = {
        text.partition(">=")[0] for p in projects for fields in p.metadata.values() for text in fields.requires_dist
    }
    assert needed <= names


def test_exponents_tell_linear_from_quadratic():
    series = {"linear": [(100, 0.1), (1000, 1.0)], "quadratic": [(100, 0.1), (1000, 10.0)], "single": [(100, 1.0)]}
    assert exponents(series) == {"linear": 1.0, "quadratic": 2.0}


def test_pins_are_read_with_extras_markers_and_comments():
    text = "# head\nFlask==3.0  # via x\nuvicorn[standard]==0.1 ; python_version > '3'\n    # via y==1\n"
    assert read_pins(text) == {"flask": "3.0", "uvicorn": "0.1"}


def test_workloads_have_names_of_their_own_and_hard_ones_an_origin_and_a_date():
    assert [workload.name for workload in USUAL] == ["trio", "jupyter", "web", "boto3", "airflow"]
    found = [workload for workload in ALL.values() if workload not in USUAL]
    assert len(found) >= 6
    assert all(workload.exclude_newer and " issue" in workload.origin for workload in found)
