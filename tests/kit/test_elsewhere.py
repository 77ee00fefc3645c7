"""Folders that are no environments, with the wheels of a kit: what ``pip install --target`` is used for."""

from __future__ import annotations

import pytest

import envkit
from envkit.testing.wheels import make_wheel


@pytest.fixture
def kit(tmp_path):
    make_wheel(tmp_path, "lib", "1.0", files={"lib.py": ""})
    make_wheel(tmp_path, "app", "1.0", requires=["lib"], files={"app.py": ""})
    return envkit.Kit(indexes=(), find_links=tmp_path, cache_dir=tmp_path / "cache")


def test_a_folder_is_a_target(kit, tmp_path):
    env = kit.create(tmp_path / "env")
    kit.install(env, "lib")
    installer = kit.installer(env, target=tmp_path / "folder")
    report = installer.apply(installer.plan(kit.resolve("app", target=env)))
    assert [change.name for change in report.installed] == ["lib", "app"]
    assert (tmp_path / "folder/app.py").is_file()
    assert kit.freeze(env) == ("lib==1.0",)
    installer.uninstall(["app", "lib"])
    assert installer.installed() == ()


def test_an_installer_of_the_environment_and_other_places(kit, tmp_path):
    env = kit.create(tmp_path / "env")
    resolution = kit.resolve("lib", target=env)
    for places in ({}, {"prefix": tmp_path / "prefix"}, {"root": tmp_path / "root"}):
        installer = kit.installer(env, **places)
        installer.apply(installer.plan(resolution))
        assert [dist.name for dist in installer.installed()] == ["lib"]
    assert kit.freeze(env) == ("lib==1.0",)
    with pytest.raises(envkit.InstallError):
        kit.installer(env, target=tmp_path / "one", prefix=tmp_path / "two")
