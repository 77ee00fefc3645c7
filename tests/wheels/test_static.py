"""Metadata without running code, and only where it is promised."""

import os
import tomllib

import pytest
from packaging.requirements import Requirement

from envkit.errors import InvalidSource
from envkit.model.metadata import parse_metadata
from envkit.testing.wheels import make_sdist
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.reading import read_file, read_pkg_info
from envkit.wheels.static import declared_name, from_pkg_info, from_pyproject, read_pyproject, tree_metadata
from tests.wheels import hostile_sources as hostile

HEAD = b"Name: demo\nVersion: 1.0\n"


@pytest.mark.parametrize(
    ("head", "promised"),
    [
        (b"Metadata-Version: 2.1\n", False),
        (b"Metadata-Version: 2.2\n", True),
        (b"Metadata-Version: 2.4\nRequires-Dist: a\n", True),
        (b"Metadata-Version: 3.0\n", True),
        (b"Metadata-Version: 2.2\nDynamic: Requires-Dist\n", False),
        (b"Metadata-Version: 2.2\nDynamic: requires-python\n", False),
        (b"Metadata-Version: 2.2\nDynamic: Provides-Extra\n", False),
        (b"Metadata-Version: 2.2\nDynamic: Description\nDynamic: License-File\n", True),
        (b"Metadata-Version: x\n", False),
        (b"", False),
    ],
)
def test_pkg_info_counts_from_2_2_with_nothing_dynamic(head, promised):
    assert (from_pkg_info(head + HEAD) is not None) is promised


def test_pyproject_is_told_as_core_metadata():
    data = from_pyproject(
        tomllib.loads("""
[project]
name = "Demo.Project"
version = "1.0.post1"
requires-python = ">=3.8"
dynamic = ["readme"]
dependencies = ["a[x]>=1; python_version<'3.9' or os_name=='nt'", "b @ https://files.example/b.zip"]
[project.optional-dependencies]
Some_Extra = ["c>2; sys_platform=='linux' or os_name=='nt'", "d"]
""")
    )
    assert data is not None
    metadata = parse_metadata(data)
    assert (metadata.name, metadata.version, metadata.requires_python) == ("Demo.Project", "1.0.post1", ">=3.8")
    assert metadata.provides_extra == ("some-extra",)
    parsed = [Requirement(text) for text in metadata.requires_dist]
    assert [(str(r.name), r.extras, str(r.specifier), r.url) for r in parsed] == [
        ("a", {"x"}, ">=1", None),
        ("b", set(), "", "https://files.example/b.zip"),
        ("c", set(), ">2", None),
        ("d", set(), "", None),
    ]
    marker = parsed[2].marker
    assert marker.evaluate({"sys_platform": "linux", "os_name": "posix", "extra": "some-extra"})
    assert not marker.evaluate({"sys_platform": "linux", "os_name": "posix", "extra": ""})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[project]\nname='a'",
        "[project]\nname='a'\nversion='x y'",
        "[project]\nname='-a'\nversion='1'",
        "[project]\nname='a'\nversion='1'\ndynamic=['dependencies']",
        "[project]\nname='a'\ndynamic=['version']",
        "[project]\nname='a'\nversion='1'\ndependencies='b'",
        "[project]\nname='a'\nversion='1'\ndependencies=['???']",
        "[project]\nname='a'\nversion='1'\noptional-dependencies=['b']",
        "[project]\nname='a'\nversion='1'\nrequires-python='three'",
        '[project]\nname="a\\nRequires-Dist: evil"\nversion="1"',
        "project = 3",
    ],
)
def test_what_is_dynamic_or_malformed_is_left_to_a_build(text):
    assert from_pyproject(tomllib.loads(text)) is None


def test_a_left_over_pkg_info_in_a_working_folder_does_not_count(tmp_path):
    (tmp_path / "PKG-INFO").write_bytes(b"Metadata-Version: 2.2\n" + HEAD)
    assert tree_metadata(str(tmp_path), sdist=False) is None
    assert tree_metadata(str(tmp_path), sdist=True) is not None


def test_pkg_info_is_read_from_the_archive(tmp_path):
    path = make_sdist(tmp_path, "demo", "1.0", requires=["a>1"], files={"x/PKG-INFO": b"not this"})
    data = read_pkg_info(str(path), path.name)
    assert data is not None
    assert parse_metadata(data).requires_dist == ("a>1",)
    bare = make_sdist(tmp_path, "bare", "1.0", pkg_info=False)
    assert read_pkg_info(str(bare), bare.name) is None


def test_pkg_info_is_read_from_a_zip(tmp_path):
    (tmp_path / "p.zip").write_bytes(hostile.zipped(("p-1/PKG-INFO", "Name: p", 0o100644)))
    assert read_pkg_info(str(tmp_path / "p.zip"), "p.zip") == b"Name: p"


def test_damaged_metadata_in_a_zip_is_a_typed_error(tmp_path):
    data = bytearray(hostile.zipped(("p-1/PKG-INFO", "Name: p\n" * 500, 0o100644)))
    at = data.find(b"p-1/PKG-INFO") + len(b"p-1/PKG-INFO")
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "p.zip").write_bytes(data)
    with pytest.raises(InvalidSource, match="cannot be unpacked"):
        read_pkg_info(str(tmp_path / "p.zip"), "p.zip")


@pytest.mark.parametrize(
    "filename",
    ["many.zip", "prefixed.zip", "two-names.zip", "bomb.tar.gz", "cut-inside.tar.gz", "checksum.tar.gz", "pipe.tar.gz"],
)
def test_hostile_archives_do_not_get_past_the_reader(tmp_path, filename):
    (tmp_path / filename).write_bytes(hostile.CASES[filename]())
    with pytest.raises(InvalidSource):
        read_pkg_info(str(tmp_path / filename), filename, bounds=ArchiveBounds(entries=2000))


@pytest.mark.skipif(os.name != "posix", reason="pipes and links as POSIX has them")
def test_traps_in_the_place_of_files_are_refused(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    os.mkfifo(project / "pyproject.toml")
    with pytest.raises(InvalidSource, match="no regular file"):
        read_pyproject(str(project))
    (project / "pyproject.toml").unlink()
    (project / "pyproject.toml").mkdir()
    with pytest.raises(InvalidSource, match="no regular file"):
        read_pyproject(str(project))
    (project / "pyproject.toml").rmdir()
    (project / "pyproject.toml").symlink_to("/dev/zero")
    with pytest.raises(InvalidSource, match="outside"):
        read_pyproject(str(project))
    with pytest.raises(InvalidSource, match="no regular file"):
        read_pyproject(str(project), confined=False)
    (tmp_path / "secret").write_text("x")
    (project / "PKG-INFO").symlink_to("../secret")
    with pytest.raises(InvalidSource, match="outside"):
        read_file(str(project), "PKG-INFO")
    (project / "big").write_bytes(b"x" * 100)
    with pytest.raises(InvalidSource, match="larger"):
        read_file(str(project), "big", limit=99)


@pytest.mark.parametrize("text", [b"[", b"\xff\xfe", b"a=" + b"[" * 100_000])
def test_a_pyproject_that_is_no_toml_is_refused(tmp_path, text):
    (tmp_path / "pyproject.toml").write_bytes(text)
    with pytest.raises(InvalidSource, match=r"pyproject\.toml"):
        read_pyproject(str(tmp_path))


def test_the_declared_name(tmp_path):
    assert declared_name(str(tmp_path)) is None
    (tmp_path / "pyproject.toml").write_text("[project]\nname='Demo'")
    assert declared_name(str(tmp_path)) == "Demo"
