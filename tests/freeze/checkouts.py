"""Projects and checkouts that environments are made of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flit_core

from envkit.testing.wheels import make_sdist
from tests.freeze.places import pip, run, site_of, uv

PYPROJECT = """[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "{name}"
version = "1.0"
description = "x"
"""


def project(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(name=name))
    (folder / f"{name}.py").write_text("")
    return folder


def git(folder: Path, *, remote: str | None) -> Path:
    run("git", "init", "-q", "-b", "main", folder)
    run("git", "-C", folder, "add", ".")
    run("git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x")
    if remote:
        run("git", "-C", folder, "remote", "add", "origin", remote)
    return folder


def editable(python: Path, wheels: Path, tmp: Path) -> None:
    install(python, "-e", project(tmp / "plain", "plain"))
    install(python, "-e", git(project(tmp / "with-git", "with_git"), remote="https://git.example/with-git.git"))
    install(python, "-e", git(project(tmp / "no-remote", "no_remote"), remote=None))
    install(python, "-e", git(project(tmp / "scp", "scp"), remote="git@git.example:me/scp.git"))
    install(python, "-e", git(project(tmp / "bad", "bad"), remote="nonsense"))


def editable_below(python: Path, wheels: Path, tmp: Path) -> None:
    below = project(tmp / "mono" / "packages" / "below", "below")
    (tmp / "mono" / "readme").write_text("")
    git(tmp / "mono", remote="https://git.example/mono.git")
    run("git", "-C", tmp / "mono", "pack-refs", "--all")
    install(python, "-e", below)


def mercurial(python: Path, wheels: Path, tmp: Path) -> None:
    folder = project(tmp / "hg", "under_hg")
    run("hg", "init", folder)
    run("hg", "-R", folder, "add", folder / "pyproject.toml", folder / "under_hg.py")
    run("hg", "-R", folder, "commit", "-u", "x", "-m", "x")
    (folder / ".hg" / "hgrc").write_text("[paths]\ndefault = https://hg.example/under-hg\n")
    install(python, "-e", folder)


def vcs(python: Path, wheels: Path, tmp: Path) -> None:
    folder = git(project(tmp / "source", "source"), remote=None)
    install(python, f"git+{folder.as_uri()}@main#egg=source")


def directory(python: Path, wheels: Path, tmp: Path) -> None:
    install(python, project(tmp / "dir", "dir_one"))
    install(
        python, make_sdist(tmp, "arch", "1.0", files={"pyproject.toml": PYPROJECT.format(name="arch"), "arch.py": ""})
    )


def uv_editable(python: Path, wheels: Path, tmp: Path) -> None:
    folder = project(tmp / "uv-plain", "uv_plain")
    with backend(python):
        run(
            uv(),
            "pip",
            "install",
            "-q",
            "--python",
            python,
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "-e",
            folder,
        )


def install(python: Path, *what: str | Path) -> None:
    with backend(python):
        pip(python, "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", *what)


@contextmanager
def backend(python: Path) -> Iterator[None]:
    """Lend the environment the backend of the projects, which is in the Python that runs the tests."""
    link = site_of(python) / "flit_core"
    link.symlink_to(Path(flit_core.__file__).parent)
    try:
        yield
    finally:
        link.unlink()


def subversion(python: Path, wheels: Path, tmp: Path) -> None:
    run("svnadmin", "create", tmp / "repository")
    root = (tmp / "repository").as_uri()
    run("svn", "import", "-q", "-m", "x", project(tmp / "import", "under_svn"), f"{root}/trunk")
    run("svn", "checkout", "-q", f"{root}/trunk", tmp / "checkout")
    (tmp / "checkout" / "more.txt").write_text("")
    run("svn", "add", "-q", tmp / "checkout" / "more.txt")
    run("svn", "commit", "-q", "-m", "y", tmp / "checkout")
    install(python, "-e", tmp / "checkout")
    nested = project(tmp / "mono" / "below", "below_svn")
    run("svn", "import", "-q", "-m", "z", tmp / "mono", f"{root}/mono")
    shutil.rmtree(tmp / "mono")
    run("svn", "checkout", "-q", f"{root}/mono", tmp / "mono")
    install(python, "-e", nested)  # not the top of the checkout, which pip does not see then


def local_remotes(python: Path, wheels: Path, tmp: Path) -> None:
    origin = git(project(tmp / "origin", "cloned"), remote=None)
    run("git", "clone", "-q", origin, tmp / "clone")
    install(python, "-e", tmp / "clone")
    run("hg", "init", tmp / "hg-bare")
    folder = project(tmp / "hg-two", "second_hg")
    run("hg", "init", folder)
    (folder / ".hg" / "hgrc").write_text(f"[paths]\ndefault = {tmp / 'hg-bare'}\n")
    run("hg", "-R", folder, "add", folder / "pyproject.toml", folder / "second_hg.py")
    run("hg", "-R", folder, "commit", "-u", "x", "-m", "x")
    install(python, "-e", folder)


def vcs_below(python: Path, wheels: Path, tmp: Path) -> None:
    project(tmp / "mono" / "packages" / "part", "part")
    folder = git(tmp / "mono", remote=None)
    run("git", "-C", folder, "tag", "v1")
    install(python, f"part @ git+{folder.as_uri()}@v1#subdirectory=packages/part")
    hg = project(tmp / "hg-source", "hg_source")
    run("hg", "init", hg)
    run("hg", "-R", hg, "add", hg / "pyproject.toml", hg / "hg_source.py")
    run("hg", "-R", hg, "commit", "-u", "x", "-m", "x")
    install(python, f"hg_source @ hg+{hg.as_uri()}")
