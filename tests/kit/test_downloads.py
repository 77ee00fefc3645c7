"""Files saved into a folder, as they are or as wheels."""

import pytest

from envkit.errors import HashMismatch, InstallError
from envkit.kit.downloads import save_files
from envkit.model.policy import ResolutionPolicy
from envkit.testing.wheels import make_wheel
from tests.kit.test_builds import World, tool_sdist, toolkit
from tests.wheels.doubles import write_project


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    toolkit(made.folder)
    make_wheel(made.folder, "other", "2.0")
    tool_sdist(made.folder, {"name": "demo", "version": "1.0", "requires": ["other"]})
    yield made
    made.builds.close()
    made.client.close()


def save(world, dest, *requirements, **options):
    resolution = world.resolve(*requirements)
    return [path.name for path in save_files(resolution, dest, client=world.client, builds=world.builds, **options)]


def test_files_are_saved_as_the_index_has_them(world, tmp_path):
    dest = tmp_path / "new" / "folder"
    assert save(world, dest, "demo") == ["demo-1.0.tar.gz", "other-2.0-py3-none-any.whl"]
    assert (dest / "demo-1.0.tar.gz").read_bytes() == (world.folder / "demo-1.0.tar.gz").read_bytes()
    assert "wheel" not in world.ran()


def test_or_all_as_wheels(world, tmp_path):
    assert save(world, tmp_path / "d", "demo", wheels=True) == [
        "demo-1.0-py3-none-any.whl",
        "other-2.0-py3-none-any.whl",
    ]
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        "demo-1.0-py3-none-any.whl",
        "other-2.0-py3-none-any.whl",
    ]


def test_a_folder_becomes_a_wheel(world, tmp_path):
    folder = write_project(tmp_path / "p", {"name": "local", "version": "3"})
    assert save(world, tmp_path / "d", folder) == ["local-3-py3-none-any.whl"]


def test_what_is_there_is_replaced_and_a_wrong_file_is_not_saved(world, tmp_path):
    dest = tmp_path / "d"
    dest.mkdir()
    (dest / "other-2.0-py3-none-any.whl").write_text("old")
    resolution = world.resolve("other")
    save_files(resolution, dest, client=world.client, builds=world.builds)
    assert (dest / "other-2.0-py3-none-any.whl").stat().st_size > 3
    import dataclasses

    pin = resolution.pins["other"]
    wrong = dataclasses.replace(pin, artifacts=(dataclasses.replace(pin.artifacts[0], hashes={"sha256": "0" * 64}),))
    damaged = dataclasses.replace(resolution, pins={"other": wrong})
    with pytest.raises(HashMismatch):
        save_files(damaged, tmp_path / "e", client=world.client, builds=world.builds)
    assert list((tmp_path / "e").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_typed_error(world, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallError):
        save_files(world.resolve("other"), tmp_path / "file" / "d", client=world.client, builds=world.builds)


def test_never_builds_no_wheel(tmp_path):
    world = World(tmp_path, policy=ResolutionPolicy(builds="never"))
    make_wheel(world.folder, "other", "2.0")
    assert save(world, tmp_path / "d", "other", wheels=True) == ["other-2.0-py3-none-any.whl"]
