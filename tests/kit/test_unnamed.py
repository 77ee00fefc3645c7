"""What files name by place alone: URLs, repositories and folders, with extras and markers behind them."""

from __future__ import annotations

import subprocess

import pytest

import envkit
from envkit.errors import InvalidSource
from envkit.formats.requirements_txt import read_requirements
from envkit.model.editable import Editable
from envkit.testing.wheels import make_wheel
from envkit.wheels.settings import BuildSettings
from tests.wheels.doubles import write_project


@pytest.fixture
def place(tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    make_wheel(links, "lib", "1.0")
    make_wheel(tmp_path, "direct", "1.0", extras={"more": ["lib"]})
    facts = {"version": "1.0", "requires": ["lib; extra == 'More-Lib'"], "extras": ["More-Lib"]}
    write_project(tmp_path / "folder", {"name": "in-folder", **facts})
    write_project(tmp_path / "repo", {"name": "in-repo", **facts})
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(tmp_path / "repo"), *command], check=True)
    return tmp_path


@pytest.fixture
def kit(place):
    build = BuildSettings(variables={"BUILD_LOG": str(place / "ran.txt")})
    with envkit.Kit(indexes=(), find_links=(place / "links",), cache_dir=place / "cache", build=build) as kit:
        yield kit


def names(kit, place, wanted) -> list[str]:
    if isinstance(wanted, str):
        (place / "r.txt").write_text(wanted + "\n")
        wanted = read_requirements(place / "r.txt")
    env = kit.create(place / "env")
    kit.install(env, wanted)
    return [one.name for one in kit.list(env)]


@pytest.mark.parametrize(
    ("line", "installed"),
    [
        ("{base}/direct-1.0-py3-none-any.whl", ["direct"]),
        ("{base}/direct-1.0-py3-none-any.whl ; python_version < '3'", []),
        ("git+{base}/repo", ["in-repo"]),
        ("git+{base}/repo ; python_version < '3'", []),
        ("git+{base}/repo#egg=in-repo", ["in-repo"]),
        ("./folder", ["in-folder"]),
        ("./folder[more_lib]", ["in-folder", "lib"]),
        ("./folder[more-lib]; python_version < '3'", []),
        ("-e ./folder", ["in-folder"]),
        ("-e ./folder[More.Lib]", ["in-folder", "lib"]),
        ('-e "in-repo @ git+{base}/repo"', ["in-repo"]),
        ("-e \"In.Repo[more-lib] @ git+{base}/repo ; python_version >= '3'\"", ["in-repo", "lib"]),
        ("-e \"in-repo @ git+{base}/repo ; python_version < '3'\"", []),
        ("./direct-1.0-py3-none-any.whl[more]", ["direct", "lib"]),
    ],
)
def test_lines_of_files(kit, place, line, installed):
    assert names(kit, place, line.format(base=place.as_uri())) == installed


def test_a_named_editable_project_has_to_be_what_it_is_called(kit, place):
    with pytest.raises(InvalidSource, match=r"in-repo.*other"):
        names(kit, place, f'-e "other @ git+{place.as_uri()}/repo"')


def test_text_of_an_editable_project(place):
    (place / "r.txt").write_text("-e \"a[x] @ git+https://u:secret@git.example/a ; os_name == 'nt'\"\n")
    (entry,) = read_requirements(place / "r.txt").requirements
    assert str(entry) == '-e a[x] @ git+https://****@git.example/a ; os_name == "nt"'


def test_without_a_file(kit, place):
    assert names(kit, place, [f"git+{(place / 'repo').as_uri()}"]) == ["in-repo"]


def test_an_editable_with_extras(kit, place):
    assert names(kit, place, [Editable(f"{place / 'folder'}[more-lib]")]) == ["in-folder", "lib"]
    env = envkit.Environment.open(place / "env")
    assert kit.freeze(env)[1] == f"-e {place / 'folder'}"


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ("", "1.0"),
        ("--pre\n", "2.0rc1"),
        ("--all-releases lib\n", "2.0rc1"),
        ("--all-releases other\n", "1.0"),
        ("--pre\n--only-final Lib\n", "1.0"),
        ("--all-releases lib\n--only-final :all:\n", "1.0"),
    ],
)
def test_options_about_releases(kit, place, options, version):
    make_wheel(place / "links", "lib", "2.0rc1")
    (place / "r.txt").write_text(f"{options}lib\n")
    env = kit.create(place / "env")
    kit.install(env, read_requirements(place / "r.txt"))
    assert kit.freeze(env) == (f"lib=={version}",)
