"""Twenty and more environments, made by pip, uv, pipx and envkit, and by hand in the ways in which they go wrong."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import flit_core

import envkit
from envkit.model.editable import Editable
from envkit.testing.wheels import make_sdist, make_wheel
from envkit.wheels.settings import BuildSettings
from tests.freeze.places import make, pip, run, site_of, uv
from tests.wheels.doubles import write_project

PYPROJECT = """[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "{name}"
version = "1.0"
description = "x"
"""


def make_wheels(folder: Path) -> Path:
    """Fill a folder with the wheels that the cases install."""
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


def plain(python: Path, wheels: Path, tmp: Path) -> None:
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
    _install(python, "-e", project(tmp / "plain", "plain"))
    _install(python, "-e", git(project(tmp / "with-git", "with_git"), remote="https://git.example/with-git.git"))
    _install(python, "-e", git(project(tmp / "no-remote", "no_remote"), remote=None))
    _install(python, "-e", git(project(tmp / "scp", "scp"), remote="git@git.example:me/scp.git"))
    _install(python, "-e", git(project(tmp / "bad", "bad"), remote="nonsense"))


def _editable_below(python: Path, wheels: Path, tmp: Path) -> None:
    below = project(tmp / "mono" / "packages" / "below", "below")
    (tmp / "mono" / "readme").write_text("")
    git(tmp / "mono", remote="https://git.example/mono.git")
    run("git", "-C", tmp / "mono", "pack-refs", "--all")
    _install(python, "-e", below)


def _mercurial(python: Path, wheels: Path, tmp: Path) -> None:
    folder = project(tmp / "hg", "under_hg")
    run("hg", "init", folder)
    run("hg", "-R", folder, "add", folder / "pyproject.toml", folder / "under_hg.py")
    run("hg", "-R", folder, "commit", "-u", "x", "-m", "x")
    (folder / ".hg" / "hgrc").write_text("[paths]\ndefault = https://hg.example/under-hg\n")
    _install(python, "-e", folder)


def _vcs(python: Path, wheels: Path, tmp: Path) -> None:
    folder = git(project(tmp / "source", "source"), remote=None)
    _install(python, f"git+{folder.as_uri()}@main#egg=source")


def _directory(python: Path, wheels: Path, tmp: Path) -> None:
    _install(python, project(tmp / "dir", "dir_one"))
    _install(
        python, make_sdist(tmp, "arch", "1.0", files={"pyproject.toml": PYPROJECT.format(name="arch"), "arch.py": ""})
    )


def _uv_editable(python: Path, wheels: Path, tmp: Path) -> None:
    folder = project(tmp / "uv-plain", "uv_plain")
    with _backend(python):
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


def _hand_made(python: Path, wheels: Path, tmp: Path) -> None:
    site = site_of(python)
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
    with _backend(python):
        pip(python, "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", *what)


@contextmanager
def _backend(python: Path) -> Iterator[None]:
    """Lend the environment the backend of the projects, which is in the Python that runs the tests."""
    link = site_of(python) / "flit_core"
    link.symlink_to(Path(flit_core.__file__).parent)
    try:
        yield
    finally:
        link.unlink()


def _subversion(python: Path, wheels: Path, tmp: Path) -> None:
    run("svnadmin", "create", tmp / "repository")
    root = (tmp / "repository").as_uri()
    run("svn", "import", "-q", "-m", "x", project(tmp / "import", "under_svn"), f"{root}/trunk")
    run("svn", "checkout", "-q", f"{root}/trunk", tmp / "checkout")
    (tmp / "checkout" / "more.txt").write_text("")
    run("svn", "add", "-q", tmp / "checkout" / "more.txt")
    run("svn", "commit", "-q", "-m", "y", tmp / "checkout")
    _install(python, "-e", tmp / "checkout")
    nested = project(tmp / "mono" / "below", "below_svn")
    run("svn", "import", "-q", "-m", "z", tmp / "mono", f"{root}/mono")
    shutil.rmtree(tmp / "mono")
    run("svn", "checkout", "-q", f"{root}/mono", tmp / "mono")
    _install(python, "-e", nested)  # not the top of the checkout, which pip does not see then


def _local_remotes(python: Path, wheels: Path, tmp: Path) -> None:
    origin = git(project(tmp / "origin", "cloned"), remote=None)
    run("git", "clone", "-q", origin, tmp / "clone")
    _install(python, "-e", tmp / "clone")
    run("hg", "init", tmp / "hg-bare")
    folder = project(tmp / "hg-two", "second_hg")
    run("hg", "init", folder)
    (folder / ".hg" / "hgrc").write_text(f"[paths]\ndefault = {tmp / 'hg-bare'}\n")
    run("hg", "-R", folder, "add", folder / "pyproject.toml", folder / "second_hg.py")
    run("hg", "-R", folder, "commit", "-u", "x", "-m", "x")
    _install(python, "-e", folder)


def _vcs_below(python: Path, wheels: Path, tmp: Path) -> None:
    project(tmp / "mono" / "packages" / "part", "part")
    folder = git(tmp / "mono", remote=None)
    run("git", "-C", folder, "tag", "v1")
    _install(python, f"part @ git+{folder.as_uri()}@v1#subdirectory=packages/part")
    hg = project(tmp / "hg-source", "hg_source")
    run("hg", "init", hg)
    run("hg", "-R", hg, "add", hg / "pyproject.toml", hg / "hg_source.py")
    run("hg", "-R", hg, "commit", "-u", "x", "-m", "x")
    _install(python, f"hg_source @ hg+{hg.as_uri()}")


def _target_leftovers(python: Path, wheels: Path, tmp: Path) -> None:
    site = site_of(python)
    for wanted in ("beta==0.9", "beta==1.5.0"):  # --target replaces nothing: two versions are left
        run(
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--no-deps",
            "-f",
            wheels,
            "--target",
            site,
            wanted,
        )


def _namespaces(python: Path, wheels: Path, tmp: Path) -> None:
    for name in ("ns-one", "ns.two", "ns_three"):
        make_wheel(tmp, name, "1.0", files={f"ns/{name[3:]}.py": "", f"ns/{name[3:]}/__init__.py": ""})
    pip(python, "install", "-q", "--no-index", "-f", tmp, "ns-one", "ns.two", "ns_three")


def _write(site: Path, files: dict[str, dict[str, str | bytes]]) -> None:
    for folder, contents in files.items():
        (site / folder).mkdir(parents=True)
        for name, content in contents.items():
            (site / folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _broken_metadata(python: Path, wheels: Path, tmp: Path) -> None:
    plain(python, wheels, tmp)
    _write(
        site_of(python),
        {
            "no_metadata-1.0.dist-info": {"INSTALLER": "pip\n"},
            "no_version-2.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: no-version\n"},
            "folded-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\nName: folded\nVersion: 1.0\nSummary: one\n  two\n"
                "Requires-Dist: alpha\nRequires-Dist: beta<1 ; python_version >= '3'\nLicense: x\n        y\n"
            },
            "windows_lines-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\r\nName: windows-lines\r\nVersion: 1.0\r\n\r\nText\r\n"
            },
            "bad_origin-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\nName: bad-origin\nVersion: 1.0\n",
                "direct_url.json": '{"url": "https://f.example/x.zip", "archive_info": {}}',
            },
            "with_user-1.0.dist-info": {
                "METADATA": "Metadata-Version: 2.1\nName: with-user\nVersion: 1.0\n",
                "direct_url.json": json.dumps(
                    {"url": "ssh://git@git.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "ab" * 20}}
                ),
            },
        },
    )


def _duplicates(python: Path, wheels: Path, tmp: Path) -> None:
    plain(python, wheels, tmp)
    _write(
        site_of(python),
        {
            f"{folder}.dist-info": {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
            for folder, name, version in (
                ("twice-1.0", "twice", "1.0"),
                ("twice-2.0", "twice", "2.0"),
                ("Odd.Name-1.0", "Odd.Name", "1.0"),
                ("odd_name-1.1", "odd-name", "1.1"),
            )
        },
    )


def _legacy(python: Path, wheels: Path, tmp: Path) -> None:
    site = site_of(python)
    source = tmp / "developed"
    _write(
        tmp,
        {
            "developed/developed.egg-info": {"PKG-INFO": "Metadata-Version: 1.1\nName: developed\nVersion: 0.3\n"},
        },
    )
    (site / "developed.egg-link").write_text(f"{source}\n.\n")
    (site / "easy-install.pth").write_text(f"{source}\n")
    (site / "flat-0.5-py3.11.egg-info").write_text("Metadata-Version: 1.1\nName: flat\nVersion: 0.5\nSummary: x\n")
    _write(
        site,
        {
            "folder-1.5.egg-info": {
                "PKG-INFO": "Metadata-Version: 2.1\nName: folder\nVersion: 1.5\nProvides-Extra: y\n",
                "requires.txt": 'flat>=0.1\n\n[y]\nother\n\n[:python_version<"3"]\nenum34\n',
                "installed-files.txt": "../folder.py\n",
            },
        },
    )


def _no_record(python: Path, wheels: Path, tmp: Path) -> None:
    plain(python, wheels, tmp)
    for name in ("alpha-1.0", "beta-1.5.0"):
        (site_of(python) / f"{name}.dist-info" / "RECORD").unlink()
    (site_of(python) / "alpha-1.0.dist-info" / "INSTALLER").unlink()


def _conda(python: Path, wheels: Path, tmp: Path) -> None:
    (python.parent.parent / "conda-meta").mkdir()
    (python.parent.parent / "conda-meta" / "history").write_text("")
    plain(python, wheels, tmp)
    for name, url in (
        ("alpha-1.0", None),
        ("beta-1.5.0", "file:///home/conda/feedstock_root/build_artifacts/beta_1/work"),
    ):
        info = site_of(python) / f"{name}.dist-info"
        (info / "INSTALLER").write_text("conda")
        (info / "REQUESTED").write_text("")
        if url is not None:
            (info / "direct_url.json").write_text(json.dumps({"dir_info": {}, "url": url}))


def _kit(wheels: Path, tmp: Path) -> envkit.Kit:
    build = BuildSettings(variables={"BUILD_LOG": str(tmp / "ran.txt")})
    return envkit.Kit(indexes=(), find_links=(wheels,), cache_dir=tmp / "envkit-cache", build=build)


def _by_envkit(wheels: Path, tmp: Path) -> Path:
    with _kit(wheels, tmp) as kit:
        env = kit.create(tmp / "env")
        kit.install(env, ["alpha", "local", "Big_Name==0.1.dev0", "epsilon"])
    return Path(env.executable)


def _direct_by_envkit(wheels: Path, tmp: Path) -> Path:
    def made(name: str) -> Path:
        return write_project(tmp / name, {"name": name, "version": "1.0"})

    source = git(made("from-git"), remote=None)
    archive = make_wheel(tmp, "from-archive", "1.0")
    with _kit(wheels, tmp) as kit:
        env = kit.create(tmp / "env")
        url = f"from-git @ git+{source.as_uri()}@main"
        kit.install(env, [url, archive, made("plain"), Editable(made("followed")), "alpha"])
        kit.uninstall(env, ["alpha"])
    return Path(env.executable)


def _pack_pip(folder: Path) -> None:
    """Make a wheel of the pip that is installed beside the tests."""
    installed = importlib.metadata.distribution("pip")
    files = [path for path in installed.files or () if path.suffix != ".pyc" and path.parts[0] != ".."]
    kept = [path for path in files if path.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")]
    record = f"pip-{installed.version}.dist-info/RECORD"
    with zipfile.ZipFile(folder / f"pip-{installed.version}-py3-none-any.whl", "w", zipfile.ZIP_STORED) as archive:
        for path in kept:
            archive.write(str(path.locate()), path.as_posix())
        archive.writestr(record, "".join(f"{path.as_posix()},,\n" for path in (*kept, Path(record))))


def _by_pipx(wheels: Path, tmp: Path, *, backend: str = "pip") -> Path:
    """A tool in its own environment, with something injected; the pip that runs the tests is what pipx shares."""
    tools = tmp / "wheels"
    tools.mkdir()
    for wheel in wheels.glob("*.whl"):
        if not wheel.name.startswith(("pip-", "setuptools-")):
            shutil.copy(wheel, tools)
    _pack_pip(tools)
    make_wheel(tools, "tool", "1.0", requires=["beta"], entry_points="[console_scripts]\ntool = tool:main\n")
    environ = {
        "PIPX_HOME": str(tmp / "pipx"),
        "PIPX_BIN_DIR": str(tmp / "bin"),
        "PIPX_MAN_DIR": str(tmp / "man"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tools),
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(tools),
        "PIPX_DEFAULT_BACKEND": backend,
        "HOME": str(tmp),
    }
    pipx = (sys.executable, "-m", "pipx")
    run(*pipx, "install", "--quiet", "--python", sys.executable, "tool", environ=environ)
    run(*pipx, "inject", "--quiet", "tool", "epsilon", environ=environ)
    return tmp / "pipx" / "venvs" / "tool" / "bin" / "python"


Fill = Callable[[Path, Path, Path], None]


def _in(maker: str, fill: Fill, *, system: bool = False) -> Callable[[Path, Path], Path]:
    def case(wheels: Path, tmp: Path) -> Path:
        python = make(tmp / "env", maker, system=system)
        fill(python, wheels, tmp)
        return python

    return case


CASES: dict[str, Callable[[Path, Path], Path]] = {
    "empty": _in("venv", lambda *_: None),
    "pip": _in("venv", plain),
    "pip in uv's": _in("uv", plain),
    "uv": _in("uv", _uv_plain),
    "uv in venv's": _in("venv", _uv_plain),
    "pipx": _by_pipx,
    "pipx with uv": partial(_by_pipx, backend="uv"),
    "envkit": _by_envkit,
    "direct references by envkit": _direct_by_envkit,
    "seeing the system's": _in("venv", plain, system=True),
    "broken": _in("venv", _broken),
    "seeds": _in("venv", _seeds),
    "files": _in("venv", _files),
    "files by uv": _in("uv", _uv_files),
    "editable": _in("venv", _editable),
    "editable below": _in("venv", _editable_below),
    "editable by uv": _in("uv", _uv_editable),
    "local remotes": _in("venv", _local_remotes),
    "mercurial": _in("venv", _mercurial),
    "subversion": _in("venv", _subversion),
    "vcs": _in("venv", _vcs),
    "vcs below": _in("venv", _vcs_below),
    "directory": _in("venv", _directory),
    "target": _in("venv", _target_leftovers),
    "namespaces": _in("venv", _namespaces),
    "hand-made": _in("venv", _hand_made),
    "broken metadata": _in("venv", _broken_metadata),
    "duplicates": _in("venv", _duplicates),
    "legacy": _in("venv", _legacy),
    "no record": _in("venv", _no_record),
    "conda": _in("venv", _conda),
}
