"""Peers: where their programs come from, and what a table says of those that could not, or took few turns."""

import os
import subprocess
import sys

import pytest

from benchmarks import peer_programs
from benchmarks.peers import Outcome
from benchmarks.report import bars, markdown
from benchmarks.resolving import FIRST, PROCESS, Result, complete
from benchmarks.timing import Row, Table
from benchmarks.unrecorded import UNRECORDED
from benchmarks.verify import Judge
from benchmarks.workloads import ALL


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(peer_programs, "_home", lambda name: tmp_path / name)
    monkeypatch.setattr(peer_programs.sys, "executable", str(tmp_path / "none" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    return tmp_path


@pytest.mark.skipif(os.name == "nt", reason="the stand-in program is a shell script")
def test_a_peer_that_is_missing_is_installed_once_in_its_pinned_version(home, monkeypatch):
    asked = []

    def install(command, **_):
        asked.append(command)
        program = home / "nab" / "bin" / "nab"
        program.write_text("#!/bin/sh\necho nab 0.1\n")
        program.chmod(0o755)

    monkeypatch.setattr(peer_programs.venv, "create", lambda path, **_: (path / "bin").mkdir(parents=True))
    monkeypatch.setattr(peer_programs.subprocess, "run", install)
    assert peer_programs.told_version("nab") == ""
    for _ in range(2):
        peer_programs.install_missing(["uv", "nab"])
    assert [command[-2] for command in asked] == [peer_programs.PINNED["nab"]]
    assert peer_programs.program("nab") == str(home / "nab" / "bin" / "nab")
    assert peer_programs.told_version("nab") == "0.1"


def test_half_of_an_installation_does_not_stay(home, monkeypatch):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(peer_programs.venv, "create", lambda path, **_: (path / "bin").mkdir(parents=True))
    monkeypatch.setattr(peer_programs.subprocess, "run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        peer_programs.install_missing(["pdm"])
    assert not (home / "pdm").exists()
    with pytest.raises(FileNotFoundError, match="pdm is not installed"):
        peer_programs.program("pdm")


def result() -> Result:
    rows = {
        "uv": Row("uv", (0.2,) * 7),
        "pip": Row("pip", (8.0,)),
        PROCESS: Row(PROCESS, (0.4,) * 7),
        "nab": Row("nab", (2.4,) * 3),
        "pdm": Row("pdm", (), "RuntimeError: not done after 100 s"),
        FIRST: Row(FIRST, (0.1,) * 7),
    }
    return Result(ALL["web"], Table(rows), Table(), requests={"uv": (80, 0), "pip": (80, 79)})


FACTS = {
    "processors": 2, "processor": "one", "memory": 2**30, "system": "a system", "python": sys.version.split()[0],
    "versions": {}, "revision": "none", "load": [], "time": "now",
}  # fmt: skip


def test_a_table_tells_of_few_rounds_and_of_who_could_not():
    text = markdown([result()], FACTS)
    summary = next(line for line in text.splitlines() if line.startswith("| web |"))
    assert "200 ms |" in summary
    assert "8 s (40.00), 1 round |" in summary
    assert "2.4 s (12.00), 3 rounds |" in summary
    assert "| not done after 100 s |" in summary
    assert "- web: uv 80, 0, pip 80, 79" in text
    assert "| nab | `nab lock` |" in text


def test_pure_python_peers_are_held_against_the_first_call_and_a_fresh_process():
    found = {bar["bar"]: (bar["found"], bar["met"]) for bar in bars([result()])}
    assert found[f"web: {FIRST}, times faster than pip"] == ("80", True)
    assert found[f"web: {PROCESS}, times faster than pip"] == ("20", False)
    assert found[f"web: {FIRST}, times faster than nab"] == ("24", True)
    assert not any("pdm" in bar for bar in found)


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        (
            Outcome(None, 1, 0, "error: No solution found"),
            Outcome(None, 1, 0, "NoCandidate: x"),
            "Impossible for uv as well.",
        ),
        (Outcome({}, 1), Outcome({}, 1), "The same pins as uv's."),
        (Outcome({}, 1), Outcome(None, 1, 0, "ResolutionImpossible: x"), "uv has 0 pins, envkit says no"),
        (
            Outcome(None, 1, 0, "No solution found"),
            Outcome(None, 1, 0, "not done after 9 s"),
            "uv says no, envkit failed",
        ),
    ],
)
def test_a_report_tells_whether_the_answers_agree(theirs, ours, said):
    found = Result(UNRECORDED["kfp"], Table(), Table())
    complete(found, {"uv": theirs, PROCESS: ours}, Judge({}))
    assert said in markdown([found], FACTS)
