"""Twenty and more environments, made by pip, uv, pipx and envkit, and by hand in the ways in which they go wrong."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import envkit
from envkit.model.editable import Editable
from envkit.testing.wheels import make_wheel
from envkit.wheels.settings import BuildSettings
from tests.freeze.by_hand import (
    broken_metadata,
    conda,
    duplicates,
    hand_made,
    legacy,
    namespaces,
    no_record,
    target_leftovers,
)
from tests.freeze.checkouts import (
    directory,
    editable,
    editable_below,
    git,
    local_remotes,
    mercurial,
    subversion,
    uv_editable,
    vcs,
    vcs_below,
)
from tests.freeze.places import make, pip, plain, run, uv
from tests.wheels.doubles import write_project


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
    "editable": _in("venv", editable),
    "editable below": _in("venv", editable_below),
    "editable by uv": _in("uv", uv_editable),
    "local remotes": _in("venv", local_remotes),
    "mercurial": _in("venv", mercurial),
    "subversion": _in("venv", subversion),
    "vcs": _in("venv", vcs),
    "vcs below": _in("venv", vcs_below),
    "directory": _in("venv", directory),
    "target": _in("venv", target_leftovers),
    "namespaces": _in("venv", namespaces),
    "hand-made": _in("venv", hand_made),
    "broken metadata": _in("venv", broken_metadata),
    "duplicates": _in("venv", duplicates),
    "legacy": _in("venv", legacy),
    "no record": _in("venv", no_record),
    "conda": _in("venv", conda),
}
