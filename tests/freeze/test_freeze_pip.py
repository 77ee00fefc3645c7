"""pip is the oracle: environments made by pip and uv, and what ``freeze``, ``list``, ``inspect`` and ``check`` say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from envkit.inspection.freezer import Freezer
from envkit.inspection.vcs import find_checkout
from envkit.kit.user_site import user_site
from tests.freeze.cases import CASES, make_wheels
from tests.freeze.checkouts import git, project
from tests.freeze.places import ask_pip, make, open_environment, plain, run, site_of

QUICK = ("pip", "uv", "pipx", "envkit", "editable", "hand-made", "broken metadata", "duplicates", "legacy")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    return make_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_equals_pip(case, wheels, tmp_path):
    python = CASES[case](wheels, tmp_path)
    freeze, everything, without, local, listed, inspected, checked = ask_pip(
        python,
        ["freeze"],
        ["freeze", "--all"],
        ["freeze", "--exclude-editable", "--exclude", "Delta_Name"],
        ["freeze", "--local"],
        ["list", "--format", "json", "-v"],
        ["inspect"],
        ["check"],
    )
    freezer = Freezer(open_environment(python))
    assert list(freezer.freeze()) == freeze["output"].splitlines()
    assert list(freezer.freeze(include_all=True)) == everything["output"].splitlines()
    assert list(freezer.freeze(exclude_editable=True, exclude=["Delta_Name"])) == without["output"].splitlines()
    assert list(freezer.freeze(local=True)) == local["output"].splitlines()
    pips = json.loads(listed["output"])
    # pip sorts by normalized name, too
    assert [row.to_pip(verbose=True) for row in freezer.list()] == pips
    _compare_inspection(freezer.report(), json.loads(inspected["output"]))
    _compare_check(freezer, checked)


def _compare_inspection(ours: dict, pips: dict) -> None:
    """Equal but for: who wrote it; the order of distributions; names of the standard library, which pip skips."""
    assert ours["version"] == pips["version"]
    assert ours["environment"] == pips["environment"]
    skipped = {"python", "wsgiref", "argparse"}
    for one in (*ours["installed"], *pips["installed"]):
        metadata = one["metadata"]
        if "requires_dist" in metadata:  # those of an egg are put together, and may differ in spaces
            metadata["requires_dist"] = [str(Requirement(text)) for text in metadata["requires_dist"]]
    left = {one["metadata_location"]: one for one in ours["installed"] if one["metadata"].get("name") not in skipped}
    right = {one["metadata_location"]: one for one in pips["installed"]}
    assert sorted(left) == sorted(right)
    for place, one in right.items():
        assert left[place] == one


def _compare_check(freezer: Freezer, checked: dict) -> None:
    ours = [
        problem.detail.replace("==", "==") for problem in freezer.check() if problem.kind in ("missing", "incompatible")
    ]
    pips = [line for line in checked["output"].splitlines() if "requires" in line or "has requirement" in line]
    assert sorted(map(str.lower, ours)) == sorted(map(str.lower, pips))


def test_order_of_files(wheels, tmp_path):
    python = make(tmp_path / "env", "venv")
    plain(python, wheels, tmp_path)
    (tmp_path / "one.txt").write_text(
        "# first\n--index-url https://i.example/simple\nbeta\n\nalpha>=1 # why\n# second\n\nnot-there\n-r other.txt\n--pre\n"
    )
    (tmp_path / "two.txt").write_text("# first\nDelta_Name\nalpha\n")
    answers = ask_pip(python, ["freeze", "-r", "one.txt"], ["freeze", "-r", "one.txt", "-r", "two.txt"], cwd=tmp_path)
    freezer = Freezer(open_environment(python))
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    assert list(freezer.freeze(requirements=[one])) == answers[0]["output"].splitlines()
    assert list(freezer.freeze(requirements=[one, two])) == answers[1]["output"].splitlines()


def test_a_worktree(tmp_path):
    """pip looks for the top of a worktree in the wrong place, so that its subdirectory leads nowhere."""
    project(tmp_path / "mono" / "packages" / "below", "below")
    git(tmp_path / "mono", remote="https://git.example/mono.git")
    run("git", "-C", tmp_path / "mono", "worktree", "add", "-q", tmp_path / "tree", "HEAD", "--detach")
    commit = run("git", "-C", tmp_path / "mono", "rev-parse", "HEAD").strip()
    below = str(tmp_path / "tree" / "packages" / "below")
    found = find_checkout(below)
    assert found is not None
    wanted = f"git+https://git.example/mono.git@{commit}#egg=be_low&subdirectory=packages/below"
    assert found.requirement(below, "be-low") == wanted


def test_the_users_own(wheels, tmp_path):
    """What ``pip install --user`` brought, seen from an environment that sees the system."""
    environ = {"PYTHONUSERBASE": str(tmp_path / "user"), "HOME": str(tmp_path)}
    python = make(tmp_path / "env", "venv", system=True)
    plain(python, wheels, tmp_path)
    user = Path(run(python, "-c", "import site; print(site.getusersitepackages())", environ=environ).strip())
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "-f",
        wheels,
        "--target",
        user,
        "epsilon",
        "beta==0.9",
    )
    commands = (
        ["freeze", "--all"],
        ["freeze", "--all", "--user"],
        ["freeze", "--local"],
        ["list", "--format", "json", "-v"],
    )
    *frozen, listed = ask_pip(python, *commands, environ=environ)
    env = open_environment(python)
    assert user_site(env.interpreter, environ) == str(user)
    freezer = Freezer(env, user_site=user)
    ours = (freezer.freeze(include_all=True), freezer.freeze(include_all=True, user=True), freezer.freeze(local=True))
    assert [list(lines) for lines in ours] == [answer["output"].splitlines() for answer in frozen]
    assert ours[1] == ("epsilon==1.0",)  # the environment's own beta comes before the user's
    assert [row.to_pip(verbose=True) for row in freezer.list()] == json.loads(listed["output"])
    assert user_site(env.interpreter, {"PYTHONNOUSERSITE": "1"}) is None


def test_metadata_that_pip_cannot_read(wheels, tmp_path):
    """pip ends with a traceback over bytes that are not UTF-8; a listing should not."""
    python = make(tmp_path / "env", "venv")
    info = site_of(python) / "latin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(b"Metadata-Version: 2.1\nName: latin\nVersion: 1.0\nSummary: caf\xe9\n")
    assert ask_pip(python, ["list"])[0]["code"] == 2
    freezer = Freezer(open_environment(python))
    assert freezer.freeze() == ("latin==1.0",)
    assert freezer.report()["installed"][0]["metadata"]["summary"] == "caf\u00e9"


def test_a_branch_of_bazaar(tmp_path):
    """Of the files that Bazaar keeps; pip would run ``bzr``, and without it gives the bare path."""
    branch = tmp_path / "branch" / ".bzr" / "branch"
    branch.mkdir(parents=True)
    (branch / "branch.conf").write_text("parent_location = https://bzr.example/trunk/\n")
    (branch / "last-revision").write_text("42 me@example.org-2020-abc\n")
    found = find_checkout(str(tmp_path / "branch"))
    assert found is not None
    (tmp_path / "branch" / "setup.py").write_text("")
    assert found.requirement(str(tmp_path / "branch"), "a-b") == "bzr+https://bzr.example/trunk/@42#egg=a_b"
    (branch / "branch.conf").write_text("bound = True\nbound_location = bzr+ssh://bzr.example/x\nparent_location = y\n")
    assert find_checkout(str(tmp_path / "branch")).remote == "bzr+ssh://bzr.example/x"
