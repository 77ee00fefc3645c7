"""Sdists in formats of old: taken from indexes and folders, as pip takes them, but not before a usual one."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest
from pip._internal.utils.misc import splitext
from pip._internal.utils.unpacking import SUPPORTED_EXTENSIONS

import envkit
from envkit.model.sdist_names import SDIST_SUFFIXES, sdist_suffix
from envkit.testing.loopback import LoopbackIndex
from envkit.wheels.settings import BuildSettings
from tests.wheels.doubles import write_project

HERE = envkit.Interpreter.current()


def pack(folder, suffix: str, stem: str) -> bytes:
    buffer = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for path in folder.rglob("*"):
                archive.write(path, f"{stem}/{path.relative_to(folder)}")
        return buffer.getvalue()
    kind = {".tar.gz": "gz", ".tgz": "gz", ".tar.bz2": "bz2", ".tbz": "bz2", ".tar.xz": "xz", ".txz": "xz", ".tar": ""}
    with tarfile.open(fileobj=buffer, mode=f"w:{kind[suffix]}") as archive:  # type: ignore[call-overload]
        archive.add(folder, stem)
    return buffer.getvalue()


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    write_project(folder, {"name": "demo", "version": "1.0"})
    return folder


@pytest.fixture
def static(tmp_path):
    """Give a project that tells its metadata without a build."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0"\n')
    return folder


@pytest.mark.parametrize("form", ["json", "html", "links"])
@pytest.mark.parametrize("suffix", SDIST_SUFFIXES)
def test_each_format_is_found(static, tmp_path, suffix, form):
    name, data = f"demo-1.0{suffix}", pack(static, suffix, "demo-1.0")
    if form == "links":
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / name).write_bytes(data)
        kit = envkit.Kit(indexes=(), find_links=tmp_path / "links", cache_dir=tmp_path / "cache")
        assert [one.filename for one in kit.resolve("demo", target=HERE).pins["demo"].artifacts] == [name]
        return
    with LoopbackIndex({name: data}, html=form == "html") as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache")
        assert [one.filename for one in kit.resolve("demo", target=HERE).pins["demo"].artifacts] == [name]


@pytest.mark.parametrize("suffix", [".tar.bz2", ".txz", ".tar"])
def test_one_is_built_and_installed(project, tmp_path, suffix):
    with LoopbackIndex({f"demo-1.0{suffix}": pack(project, suffix, "demo-1.0")}) as index:
        build = BuildSettings(variables={"BUILD_LOG": str(tmp_path / "ran.txt")})
        with envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache", build=build) as kit:
            env = kit.create(tmp_path / "env")
            kit.install(env, "demo")
            assert kit.freeze(env) == ("demo==1.0",)
            (package,) = kit.lock("demo").packages
            assert [one.filename for one in package.artifacts] == [f"demo-1.0{suffix}"]


def test_the_usual_ones_are_preferred(static, tmp_path):
    files = {f"demo-1.0{suffix}": pack(static, suffix, "demo-1.0") for suffix in reversed(SDIST_SUFFIXES)}
    with LoopbackIndex(files) as index:
        found = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache").resolve("demo", target=HERE)
    assert found.pins["demo"].artifacts[0].filename == "demo-1.0.tar.gz"


@pytest.mark.parametrize(
    "name", [f"demo-1.0{suffix}" for suffix in (*SDIST_SUFFIXES, ".egg", ".exe", ".rpm", ".gz", ".bz2")]
)
def test_as_pip_says(name):
    """All that we take pip takes; of what pip takes only LZMA without a container is missing, which has no checks."""
    assert bool(sdist_suffix(name)) == (splitext(name)[1] in SUPPORTED_EXTENSIONS)


def test_only_lzma_is_missing():
    assert set(SUPPORTED_EXTENSIONS) - set(SDIST_SUFFIXES) <= {".whl", ".tar.lz", ".tlz", ".tar.lzma"}
