"""The wheels and sdists that tests are made of."""

import csv
import inspect
import io
import zipfile
from typing import get_type_hints

import pytest

from envkit.testing.wheels import SdistOptions, WheelOptions, sdist_bytes, wheel_bytes


def test_record_is_right_for_any_path() -> None:
    files = {'a,b "c".txt': "x", "plain.py": "y", 'quoted".txt': "z", "ä.txt": "ö"}
    with zipfile.ZipFile(io.BytesIO(wheel_bytes("demo", "1.0", files=files)[1])) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("demo-1.0.dist-info/RECORD").decode(), newline="")))
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())
        sizes = {row[0]: row[2] for row in rows}
        assert sizes.pop("demo-1.0.dist-info/RECORD") == ""
        assert sizes == {name: str(archive.getinfo(name).file_size) for name in sizes}


@pytest.mark.parametrize(("options", "function"), [(WheelOptions, wheel_bytes), (SdistOptions, sdist_bytes)])
def test_the_options_are_those_of_the_function(options: type, function: object) -> None:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    named = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    assert set(get_type_hints(options)) == named
