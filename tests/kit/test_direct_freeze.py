"""What was installed from repositories, archives, folders and indexes, as lines and as locks that bring it back."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

import envkit
from envkit.model.editable import Editable
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import make_wheel, sdist_bytes, wheel_bytes
from envkit.wheels.settings import BuildSettings
from tests.freeze.places import pip
from tests.kit.test_builds import tool_sdist, toolkit
from tests.wheels.doubles import write_project

OWN = {"RECORD", "INSTALLER", "REQUESTED", "envkit.json", "direct_url.json"}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def project(folder: Path, name: str, version: str = "1.0") -> Path:
    return write_project(folder, {"name": name, "version": version, "requires": ["lib>=1"]})


def repository(folder: Path, name: str) -> str:
    git(project(folder, name), "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


def tree(env: envkit.Environment) -> dict[str, str]:
    """Every installed file with its hash, but for bytecode and what the installer writes down."""
    site = Path(env.paths["purelib"])
    files = [path for path in site.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in OWN and ".envkit" not in path.parts
    }


@pytest.fixture
def links(tmp_path):
    folder = tmp_path / "links"
    folder.mkdir()
    toolkit(folder)
    make_wheel(folder, "lib", "1.5", extras={"more": ["extra-thing"]})
    make_wheel(folder, "extra-thing", "0.1")
    return folder


@pytest.fixture
def kit(links, tmp_path):
    build = BuildSettings(variables={"BUILD_LOG": str(tmp_path / "ran.txt")})
    made = envkit.Kit(indexes=(), find_links=(links,), cache_dir=tmp_path / "cache", build=build)
    yield made
    made.close()


def test_a_repository(kit, tmp_path):
    commit = repository(tmp_path / "source", "from-git")
    url = (tmp_path / "source").as_uri()
    env = kit.create(tmp_path / "env")
    kit.install(env, [f"from-git @ git+{url}@main"])
    assert kit.freeze(env) == (f"from-git @ git+{url}@{commit}", "lib==1.5")
    (package,) = kit.pylock(env).package("from-git")
    assert (package.origin.kind, package.origin.commit, package.origin.requested_revision) == ("vcs", commit, "main")

    (tmp_path / "source" / "module.py").write_text("value = 2\n")
    git(tmp_path / "source", "commit", "-aqm", "later")
    again = kit.create(tmp_path / "again")
    kit.sync(again, kit.pylock(env).to_pylock())  # the commit counts, not what the branch has become
    assert kit.freeze(again) == kit.freeze(env)
    assert tree(again) == tree(env)
    third = kit.create(tmp_path / "third")
    kit.install(third, kit.freeze(env))
    assert kit.freeze(third) == kit.freeze(env)


def test_an_archive(kit, links, tmp_path):
    archive = tool_sdist(tmp_path, {"name": "from-archive", "version": "2.0", "requires": ["lib"]})
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    wheel = make_wheel(tmp_path, "from-wheel", "3.0")
    env = kit.create(tmp_path / "env")
    kit.install(env, [f"from-archive @ {archive.as_uri()}", wheel])
    assert kit.freeze(env) == (
        f"from-archive @ {archive.as_uri()}#sha256={digest}",
        f"from-wheel @ {wheel.as_uri()}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}",
        "lib==1.5",
    )
    lock = kit.pylock(env)
    assert dict(lock.package("from-archive")[0].origin.hashes) == {"sha256": digest}
    again = kit.create(tmp_path / "again")
    kit.sync(again, lock.to_pylock())
    assert kit.freeze(again) == kit.freeze(env)
    assert tree(again) == tree(env)


def test_folders(kit, tmp_path):
    plain, followed = project(tmp_path / "plain", "a-plain"), project(tmp_path / "followed", "b-followed")
    env = kit.create(tmp_path / "env")
    kit.install(env, [plain, Editable(followed)])
    assert kit.freeze(env) == (
        f"a-plain @ {plain.as_uri()}",
        "# Editable install with no version control (b-followed==1.0)",
        f"-e {followed}",
        "lib==1.5",
    )
    origins = {package.name: package.origin for package in kit.pylock(env).packages}
    assert (origins["a-plain"].kind, origins["a-plain"].editable) == ("directory", False)
    assert (origins["b-followed"].kind, origins["b-followed"].editable) == ("directory", True)
    again = kit.create(tmp_path / "again")
    kit.sync(again, kit.pylock(env).to_pylock())
    assert kit.freeze(again) == kit.freeze(env)


def test_an_editable_of_a_repository(kit, tmp_path):
    commit = repository(tmp_path / "source", "edited")
    git(tmp_path / "source", "remote", "add", "origin", "https://git.example/edited.git")
    env = kit.create(tmp_path / "env")
    kit.install(env, [Editable(tmp_path / "source")])
    assert kit.freeze(env)[0] == f"-e git+https://git.example/edited.git@{commit}#egg=edited"


@pytest.fixture(scope="module")
def index():
    files = dict(
        [
            wheel_bytes("app", "1.0", requires=["lib"], files={"app.py": "import lib\n"}),
            sdist_bytes("app", "1.0"),
            wheel_bytes("lib", "1.5", files={"lib/__init__.py": "value = 1\n"}),
            wheel_bytes("lib", "1.5", build="2", files={"lib/__init__.py": "value = 2\n"}),
            wheel_bytes("lib", "1.6", files={"lib/__init__.py": "value = 3\n"}),
        ]
    )
    with LoopbackIndex(files) as running:
        yield running


def test_what_envkit_installed_from_an_index_is_recorded(index, tmp_path):
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app", "lib<1.6"])
    lock = envkit.Freezer(env).pylock()  # without asking anybody
    assert [(package.name, len(package.artifacts)) for package in lock.packages] == [("app", 1), ("lib", 1)]
    assert lock.package("lib")[0].artifacts[0].filename == "lib-1.5-2-py3-none-any.whl"
    again = kit.create(tmp_path / "again")
    kit.sync(again, lock.to_pylock())
    assert tree(again) == tree(env)
    hashes = {package.name: package.artifacts[0].hashes["sha256"] for package in lock.packages}
    lines = kit.freeze(env, hashes=True)
    assert lines == tuple(
        f"{name}=={version} --hash=sha256:{hashes[name]}" for name, version in (("app", "1.0"), ("lib", "1.5"))
    )
    (tmp_path / "r.txt").write_text("\n".join(lines))
    from envkit.formats.requirements_txt import read_requirements

    third = kit.create(tmp_path / "third")
    kit.install(third, read_requirements(tmp_path / "r.txt"))
    assert tree(third) == tree(env)


def test_what_pip_installed_is_looked_up_and_compared(index, tmp_path):
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    pip(env.executable, "install", "-q", "--no-deps", "--index-url", index.url, "app", "lib<1.6")
    with pytest.raises(envkit.LockError, match=r"app==1\.0"):
        envkit.Freezer(env).pylock()
    with pytest.raises(envkit.LockError, match="app"):
        kit.freeze(env, hashes=True)
    lock = kit.pylock(env)
    assert [package.artifacts[0].filename for package in lock.packages] == [
        "app-1.0-py3-none-any.whl",
        "lib-1.5-2-py3-none-any.whl",
    ]
    again = kit.create(tmp_path / "again")
    kit.sync(again, lock.to_pylock())
    assert tree(again) == tree(env)


def test_files_that_no_index_has_are_named(index, tmp_path):
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    (tmp_path / "links").mkdir()
    make_wheel(tmp_path / "links", "lib", "1.5", files={"lib/__init__.py": "value = 'other'\n"})
    make_wheel(tmp_path / "links", "nowhere", "1.0")
    pip(env.executable, "install", "-q", "--no-index", "-f", tmp_path / "links", "lib", "nowhere")
    with pytest.raises(envkit.LockError, match=r"2 distributions came from: lib==1\.5, nowhere==1\.0"):
        kit.pylock(env)


def test_what_was_built_is_locked_as_its_source(links, kit, tmp_path):
    tool_sdist(links, {"name": "demo", "version": "1.0"})
    env = kit.create(tmp_path / "env")
    kit.install(env, ["demo"])
    (package,) = kit.pylock(env).package("demo")
    assert package.artifacts[0].filename == "demo-1.0.tar.gz"
    again = kit.create(tmp_path / "again")
    kit.sync(again, kit.pylock(env).to_pylock())
    assert tree(again) == tree(env)
