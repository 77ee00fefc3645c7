"""pip is the oracle: environments made by pip and uv, and what ``freeze``, ``list``, ``inspect`` and ``check`` say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from envkit.inspection.freezer import Freezer
from envkit.inspection.vcs import find_checkout
from envkit.testing.wheels import make_sdist, make_wheel
from tests.freeze.places import ask_pip, make, open_environment, pip, run, uv

PYPROJECT = """[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "{name}"
version = "1.0"
description = "x"
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    fields = {
        "Summary": "a thing — with a dash",
        "Keywords": "one,two three",
        "Author-email": "Someone <s@example.org>",
        "License": "MIT",
        "Home-page": "https://example.org",
        "Classifier": "License :: OSI Approved :: MIT License",
        "Project-URL": "Source, https://example.org/s",
    }
    make_wheel(folder, "alpha", "1.0", requires=["beta>=1", "gamma; python_version<'3'"], fields=fields)
    make_wheel(folder, "beta", "1.5.0", requires=["Delta.Name"], extras={"x": ["epsilon>=2"]})
    make_wheel(folder, "beta", "0.9")
    make_wheel(folder, "Delta.Name", "2.0rc1", entry_points="[console_scripts]\ndelta = delta_name:main\n")
    make_wheel(folder, "epsilon", "1.0", build="3")
    make_wheel(folder, "zeta", "1.0.post1", requires=["missing-thing>=3", "beta<1"])
    make_wheel(folder, "local", "1.0+build.5")
    make_wheel(folder, "Big_Name", "0.1.dev0")
    make_wheel(folder, "pip", "26.3")
    make_wheel(folder, "setuptools", "80.0")
    make_wheel(folder, "wheel", "0.45")
    make_wheel(folder, "argparse", "1.4.0")
    return folder


def _project(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(name=name))
    (folder / f"{name}.py").write_text("")
    return folder


def _git(folder: Path, *, remote: str | None) -> Path:
    run("git", "init", "-q", "-b", "main", folder)
    run("git", "-C", folder, "add", ".")
    run("git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x")
    if remote:
        run("git", "-C", folder, "remote", "add", "origin", remote)
    return folder


def _plain(python: Path, wheels: Path, tmp: Path) -> None:
    pip(python, "install", "-q", "--no-index", "-f", wheels, "alpha", "local", "Big_Name==0.1.dev0")


def _uv_plain(python: Path, wheels: Path, tmp: Path) -> None:
    run(uv(), "pip", "install", "-q", "--python", python, "--no-index", "-f", wheels, "alpha", "local", "beta[x]<2",
        "epsilon", "--no-deps")  # fmt: skip


def _broken(python: Path, wheels: Path, tmp: Path) -> None:
    pip(python, "install", "-q", "--no-index", "--no-deps", "-f", wheels, "zeta", "beta==1.5.0", "alpha")


def _seeds(python: Path, wheels: Path, tmp: Path) -> None:
    pip(
        python,
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "-f",
        wheels,
        "pip",
        "setuptools",
        "wheel",
        "alpha",
        "argparse",
    )


def _files(python: Path, wheels: Path, tmp: Path) -> None:
    pip(python, "install", "-q", "--no-index", "--no-deps", wheels / "alpha-1.0-py3-none-any.whl")
    pip(
        python,
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        f"epsilon @ {(wheels / 'epsilon-1.0-3-py3-none-any.whl').as_uri()}",
    )


def _uv_files(python: Path, wheels: Path, tmp: Path) -> None:
    run(
        uv(),
        "pip",
        "install",
        "-q",
        "--python",
        python,
        "--no-index",
        "--no-deps",
        wheels / "alpha-1.0-py3-none-any.whl",
    )


def _editable(python: Path, wheels: Path, tmp: Path) -> None:
    _install(python, "-e", _project(tmp / "plain", "plain"))
    _install(python, "-e", _git(_project(tmp / "with-git", "with_git"), remote="https://git.example/with-git.git"))
    _install(python, "-e", _git(_project(tmp / "no-remote", "no_remote"), remote=None))
    _install(python, "-e", _git(_project(tmp / "scp", "scp"), remote="git@git.example:me/scp.git"))
    _install(python, "-e", _git(_project(tmp / "bad", "bad"), remote="nonsense"))


def _editable_below(python: Path, wheels: Path, tmp: Path) -> None:
    below = _project(tmp / "mono" / "packages" / "below", "below")
    (tmp / "mono" / "readme").write_text("")
    _git(tmp / "mono", remote="https://git.example/mono.git")
    run("git", "-C", tmp / "mono", "pack-refs", "--all")
    _install(python, "-e", below)


def _mercurial(python: Path, wheels: Path, tmp: Path) -> None:
    folder = _project(tmp / "hg", "under_hg")
    run("hg", "init", folder)
    run("hg", "-R", folder, "add", folder / "pyproject.toml", folder / "under_hg.py")
    run("hg", "-R", folder, "commit", "-u", "x", "-m", "x")
    (folder / ".hg" / "hgrc").write_text("[paths]\ndefault = https://hg.example/under-hg\n")
    _install(python, "-e", folder)


def _vcs(python: Path, wheels: Path, tmp: Path) -> None:
    folder = _git(_project(tmp / "source", "source"), remote=None)
    _install(python, f"git+{folder.as_uri()}@main#egg=source")


def _directory(python: Path, wheels: Path, tmp: Path) -> None:
    _install(python, _project(tmp / "dir", "dir_one"))
    _install(
        python, make_sdist(tmp, "arch", "1.0", files={"pyproject.toml": PYPROJECT.format(name="arch"), "arch.py": ""})
    )


def _uv_editable(python: Path, wheels: Path, tmp: Path) -> None:
    run(uv(), "pip", "install", "-q", "--python", python, "--no-index", "--no-deps", "--no-build-isolation",
        "-e", _project(tmp / "uv-plain", "uv_plain"))  # fmt: skip


def _hand_made(python: Path, wheels: Path, tmp: Path) -> None:
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for folder, files in {
        "old-1.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: old\nVersion: 1.0-w\n"},
        "~broken-1.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1\n"},
        "no_record-2.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: no.record\nVersion: 2\n",
                                  "INSTALLER": "\nhand\n"},
        "egg_one-1.egg-info": {"PKG-INFO": "Metadata-Version: 1.0\nName: egg-one\nVersion: 1\n",
                               "requires.txt": "no.record>=1\n\n[x]\nother\n"},
        "url_one-1.dist-info": {
            "METADATA": "Metadata-Version: 2.1\nName: url-one\nVersion: 1\nDescription: none\n\nBody\n",
            "direct_url.json": json.dumps({"url": "https://f.example/u.zip", "archive_info": {"hash": "sha256=" + "a" * 64},
                                           "subdirectory": "sub"})},
    }.items():  # fmt: skip
        (site / folder).mkdir()
        for name, text in files.items():
            (site / folder / name).write_text(text)


def _install(python: Path, *what: str | Path) -> None:
    # the backend of these projects comes from the Python that runs the tests
    pip_path = Path(__import__("flit_core").__file__).parent.parent
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    link = site / "flit_core"
    link.symlink_to(pip_path / "flit_core")
    try:
        pip(python, "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", *what)
    finally:
        link.unlink()


CASES = {
    "empty": ("venv", lambda *_: None),
    "pip": ("venv", _plain),
    "pip in uv's": ("uv", _plain),
    "uv": ("uv", _uv_plain),
    "uv in venv's": ("venv", _uv_plain),
    "broken": ("venv", _broken),
    "seeds": ("venv", _seeds),
    "files": ("venv", _files),
    "files by uv": ("uv", _uv_files),
    "editable": ("venv", _editable),
    "editable below": ("venv", _editable_below),
    "editable by uv": ("uv", _uv_editable),
    "mercurial": ("venv", _mercurial),
    "vcs": ("venv", _vcs),
    "directory": ("venv", _directory),
    "hand-made": ("venv", _hand_made),
}


QUICK = ("pip", "uv", "editable", "hand-made")


@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_equals_pip(case, wheels, tmp_path):
    maker, fill = CASES[case]
    python = make(tmp_path / "env", maker)
    if case == "editable by uv":
        _install(python, _project(tmp_path / "unused", "unused"))
        site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        (site / "flit_core").symlink_to(Path(__import__("flit_core").__file__).parent)
        fill(python, wheels, tmp_path)
        (site / "flit_core").unlink()
    else:
        fill(python, wheels, tmp_path)
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
    left = {one["metadata"]["name"]: one for one in ours["installed"] if one["metadata"]["name"] not in skipped}
    right = {one["metadata"]["name"]: one for one in pips["installed"]}
    assert sorted(left) == sorted(right)
    for name, one in right.items():
        assert left[name] == one


def _compare_check(freezer: Freezer, checked: dict) -> None:
    ours = [
        problem.detail.replace("==", "==") for problem in freezer.check() if problem.kind in ("missing", "incompatible")
    ]
    pips = [line for line in checked["output"].splitlines() if "requires" in line or "has requirement" in line]
    assert sorted(map(str.lower, ours)) == sorted(map(str.lower, pips))


def test_order_of_files(wheels, tmp_path):
    python = make(tmp_path / "env", "venv")
    _plain(python, wheels, tmp_path)
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
    _project(tmp_path / "mono" / "packages" / "below", "below")
    _git(tmp_path / "mono", remote="https://git.example/mono.git")
    run("git", "-C", tmp_path / "mono", "worktree", "add", "-q", tmp_path / "tree", "HEAD", "--detach")
    commit = run("git", "-C", tmp_path / "mono", "rev-parse", "HEAD").strip()
    below = str(tmp_path / "tree" / "packages" / "below")
    found = find_checkout(below)
    assert found is not None
    wanted = f"git+https://git.example/mono.git@{commit}#egg=be_low&subdirectory=packages/below"
    assert found.requirement(below, "be-low") == wanted


def test_system_site_packages(wheels, tmp_path):
    python = make(tmp_path / "env", "venv", system=True)
    _plain(python, wheels, tmp_path)
    everything, local = ask_pip(python, ["freeze", "--all"], ["freeze", "--all", "--local"])
    freezer = Freezer(open_environment(python))
    assert list(freezer.freeze(include_all=True, local=True)) == local["output"].splitlines()
    assert list(freezer.freeze(include_all=True)) == everything["output"].splitlines()
