"""What a requirement can name besides a project."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from envkit.cache import Cache
from envkit.errors import EnvkitError, HashMismatch, InvalidSource, RequirementError
from envkit.index.client import IndexClient
from envkit.index.vcs import VcsClient
from envkit.model.source import Origin
from envkit.testing.wheels import make_sdist, make_wheel
from envkit.wheels.settings import BuildSettings
from envkit.wheels.sources import Sources
from tests.wheels.doubles import sdist_of, write_project

FACTS = {"name": "demo", "version": "1.0"}


@pytest.fixture
def sources(tmp_path):
    cache = Cache(tmp_path / "cache")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    client = IndexClient((), cache=cache)
    yield Sources(
        client,
        lambda: VcsClient(cache, environ=environ),
        notes=cache.bucket("built-metadata"),
        settings=BuildSettings(),
    )
    client.close()


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_local_wheel(tmp_path, sources):
    path = make_wheel(tmp_path, "demo", "1.0")
    found = sources.direct(path.as_uri())
    assert found.wheel == str(path)
    assert found.artifact.hashes == {"sha256": sha256(path)}
    assert found.origin.to_direct_url() == {"url": path.as_uri(), "archive_info": {"hashes": {"sha256": sha256(path)}}}


def test_a_local_archive_with_a_subdirectory_and_a_hash(tmp_path, sources):
    path = sdist_of(tmp_path, FACTS)
    digest = sha256(path)
    found = sources.direct(f"{path.as_uri()}#subdirectory=tools&sha256={digest}")
    assert found.origin.to_direct_url() == {
        "url": path.as_uri(),
        "archive_info": {"hashes": {"sha256": digest}},
        "subdirectory": "tools",
    }
    with found.tree.open() as root:
        assert os.listdir(root) == ["own.py"]
    assert not os.path.exists(root)
    again = sources.of_origin(found.origin, found.artifact, name="demo", version="1.0")
    assert again.identity == found.tree.identity


@pytest.mark.parametrize("subdirectory", ["..", "../..", "/etc", "missing", "facts.json", "a%00b"])
def test_a_subdirectory_stays_inside(tmp_path, sources, subdirectory):
    path = sdist_of(tmp_path, FACTS)
    with pytest.raises(InvalidSource), sources.direct(f"{path.as_uri()}#subdirectory={subdirectory}").tree.open():
        pass


def test_a_wrong_hash_is_refused(tmp_path, sources):
    path = sdist_of(tmp_path, FACTS)
    with pytest.raises(HashMismatch):
        sources.direct(f"{path.as_uri()}#sha256={'0' * 64}")


def test_a_folder_and_an_editable_one(tmp_path, sources):
    folder = write_project(tmp_path / "pro ject", FACTS)
    plain = sources.direct(folder.as_uri())
    assert plain.origin.to_direct_url() == {"url": folder.as_uri(), "dir_info": {}}
    editable = sources.direct(folder.as_uri(), editable=True)
    assert editable.origin.to_direct_url() == {"url": folder.as_uri(), "dir_info": {"editable": True}}
    assert (plain.tree.identity is None, editable.tree.identity is None) == (False, True)
    assert sources.of_origin(plain.origin, None, name="demo", version="1.0").identity == plain.tree.identity
    (folder / "module.py").write_text("value = 2\n")
    assert sources.direct(folder.as_uri()).tree.identity != plain.tree.identity


@pytest.mark.parametrize("editable", [False, True])
def test_a_folder_that_is_no_project_is_refused_before_it_is_read(tmp_path, sources, monkeypatch, editable):
    monkeypatch.setattr("envkit.wheels.inputs.folder_identity", lambda *_, **__: pytest.fail("it was read"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "large.bin").write_bytes(b"x")
    with pytest.raises(InvalidSource, match="is no project"):
        sources.direct((tmp_path / "photos").as_uri(), editable=editable)


def test_a_checkout_is_copied_for_each_build(tmp_path, sources):
    folder = write_project(tmp_path / "repo", FACTS)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@x.example", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=environ, check=True)
    found = sources.direct(f"git+{folder.as_uri()}")
    with found.tree.open() as root:
        Path(root, "module.py").write_text("changed")
        status = subprocess.run(
            ["git", "status", "--porcelain"], cwd=root, env=environ, check=True, capture_output=True
        )
        assert status.stdout == b" M module.py\n"
    with found.tree.open() as root:
        assert Path(root, "module.py").read_text() == "value = 1\n"
    again = sources.of_origin(found.origin, None, name="demo", version="1.0")
    assert again.identity == found.tree.identity
    assert found.origin.commit
    with pytest.raises(RequirementError, match="no folder for editable clones"):
        sources.direct(f"git+{folder.as_uri()}", editable=True)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host.example/a.zip",
        "data:application/zip;base64,AAAA",
        "javascript:alert(1)",
        "https://host.example/a.exe",
        "https://host.example/",
        "https://host.example/a%2F..%2Fb.zip",
        "https://host.example/a%5Cb.zip",
        "https://[::1/a.zip",
        "file://host.example/a.zip",
        "file:relative.zip",
        "file:///nowhere/at/all.zip",
        "https://host.example/" + "x" * 9000 + ".zip",
    ],
)
def test_what_cannot_be_a_source_is_refused(sources, url):
    with pytest.raises(EnvkitError):
        sources.direct(url)


def test_an_absolute_path_serves_as_its_url(tmp_path, sources):
    path = make_sdist(tmp_path / "", "demo", "1.0")
    assert sources.direct(f"{path}#subdirectory=x").origin == sources.direct(f"{path.as_uri()}#subdirectory=x").origin
    assert sources.direct(str(path)).origin.url == path.as_uri()
    with pytest.raises(RequirementError, match="absolute path") as caught:
        sources.direct("./demo-1.0.tar.gz")
    assert "pathlib" in (caught.value.hint or "")


def test_only_a_folder_can_be_editable(tmp_path, sources):
    path = make_sdist(tmp_path, "demo", "1.0")
    with pytest.raises(RequirementError, match="editable"):
        sources.direct(path.as_uri(), editable=True)


def test_an_origin_of_an_archive_without_its_file_is_an_error(sources):
    with pytest.raises(InvalidSource):
        sources.of_origin(Origin(url="https://host.example/a.zip", kind="archive"), None, name="a", version="1")
