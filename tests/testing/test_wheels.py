"""The wheel maker is judged by the `installer` and `packaging` libraries and by pip."""

from __future__ import annotations

import subprocess
import sys
import tarfile

from installer.sources import WheelFile
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from envkit.testing.wheels import make_sdist, make_wheel, wheel_bytes


def test_a_wheel_passes_the_installer_librarys_own_validation(tmp_path):
    path = make_wheel(
        tmp_path,
        "Some.Name",
        "1.0",
        files={"pkg/__init__.py": "x = 1\n", "{dist}.data/scripts/run": "#!python\n"},
        requires=["other>=1"],
        extras={"more": ["third; python_version > '3'"]},
        entry_points="[console_scripts]\nhello = pkg:main\n",
        executable=["{dist}.data/scripts/run"],
    )
    name, version, _, _ = parse_wheel_filename(path.name)
    assert (name, str(version)) == ("some-name", "1.0")
    with WheelFile.open(path) as wheel:
        wheel.validate_record()
        modes = {element[0]: is_executable for element, _stream, is_executable in wheel.get_contents()}
        assert modes["some_name-1.0.data/scripts/run"]
        metadata = Metadata.from_email(wheel.read_dist_info("METADATA"))
    assert [str(text) for text in metadata.requires_dist] == [
        "other>=1",
        'third; python_version > "3" and extra == "more"',
    ]


def test_equal_arguments_give_equal_bytes():
    assert wheel_bytes("a", "1", requires=["b"]) == wheel_bytes("a", "1", requires=["b"])


def test_pythons_zipimport_can_use_the_module(tmp_path):
    path = make_wheel(tmp_path, "modest", "2.5")
    code = f"import sys; sys.path.insert(0, {str(path)!r}); import modest; print(modest.__version__)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2.5\n"


def test_an_sdist_has_one_folder_with_its_metadata(tmp_path):
    path = make_sdist(tmp_path, "thing", "3", files={"pyproject.toml": "[project]\n"}, requires=["x"])
    assert parse_sdist_filename(path.name)[0] == "thing"
    with tarfile.open(path) as archive:
        assert sorted(archive.getnames()) == ["thing-3/PKG-INFO", "thing-3/pyproject.toml"]
