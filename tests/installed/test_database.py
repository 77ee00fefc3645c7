"""What is installed, compared with the standard library's reading of it."""

from __future__ import annotations

import email.parser
import importlib.metadata
import json
import os
import sysconfig
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from envkit.errors import InstallError
from envkit.installed import database, record
from envkit.installed.database import scan
from envkit.installed.fields import read_fields

OURS = sysconfig.get_path("purelib")


def info(folder: Path, name: str, version: str, **files: str) -> Path:
    path = folder / f"{name}-{version}.dist-info"
    path.mkdir(parents=True)
    (path / "METADATA").write_text(
        files.pop("METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n")
    )
    for inner, text in files.items():
        (path / inner.replace("_json", ".json")).write_text(text)
    return path


def test_as_the_standard_library_reads_it():
    def key(name, version, requires):
        return canonicalize_name(name), version, tuple(" ".join(text.split()) for text in requires)

    expected = {
        key(found.metadata["Name"], found.version, found.requires or ())
        for found in importlib.metadata.distributions(path=[OURS])
        if found.metadata["Name"] and found.files is not None and str(found._path).endswith(".dist-info")
    }
    ours = {key(found.name, found.version, found.requires_dist) for found in scan([OURS]) if found.kind == "dist-info"}
    assert ours == expected
    assert len(ours) > 20


def test_files_are_read_as_the_standard_library_reads_them():
    for found in importlib.metadata.distributions(path=[OURS]):
        path = Path(found._path)
        if path.name.endswith(".dist-info") and found.files:
            assert [row.path for row in record.read(path)] == [str(file) for file in found.files]


def test_everything_about_one(tmp_path):
    direct = {"url": "file:///x", "dir_info": {"editable": True}}
    text = (
        "Metadata-Version: 2.1\r\nName: Some.Thing\r\nVersion: 1.0\r\nRequires-Python: >=3.8\r\n"
        "Requires-Dist: a>=1;\r\n  python_version>'3'\r\nProvides-Extra: x\r\nRequires-Dist: b; extra == 'x'\r\n\r\n"
        "Name: wrong\r\n"
    )
    path = info(
        tmp_path,
        "some_thing",
        "1.0",
        METADATA=text,
        INSTALLER="pip\n",
        REQUESTED="",
        direct_url_json=json.dumps(direct),
    )
    (found,) = scan([tmp_path, tmp_path])
    assert (found.name, found.version, found.path, found.location) == ("Some.Thing", "1.0", path, tmp_path)
    assert found.requires_dist == ("a>=1; python_version>'3'", "b; extra == 'x'")
    assert (found.requires_python, found.provides_extra) == (">=3.8", ("x",))
    assert (found.installer, found.requested, found.editable, found.direct_url) == ("pip", True, True, direct)
    assert type(found).from_dict(found.to_dict()) == found


FIELDS = st.tuples(
    st.sampled_from(
        ("Name", "version", "Requires-Dist", "REQUIRES-DIST", "requires-python", "Provides-Extra", "Summary")
    ),
    st.sampled_from((": ", ":", ":\t")),
    st.lists(st.sampled_from(("a", "b>=1", 'extra == "x"', "\u00e9", "Requires-Dist: c", "-")), min_size=1, max_size=4),
    st.sampled_from(("\n ", "\n\t", "\r\n  ", " ", "  ")),
    st.sampled_from(("\n", "\r\n")),
)


@given(st.lists(FIELDS, max_size=8), st.sampled_from(("", "\n", "\r\n", "\nRequires-Dist: no\n", "\r\nVersion: no")))
def test_heads_are_read_as_email_reads_them(fields, end):
    text = "".join(f"{name}{colon}{between.join(words)}{line}" for name, colon, words, between, line in fields)
    message = email.parser.Parser().parsestr(text + end, headersonly=True)
    with tempfile.NamedTemporaryFile() as file:
        file.write((text + end).encode())
        file.flush()
        found = read_fields(file.name)
    words = {name: [" ".join(value.split()) for value in values] for name, values in found.items()}
    expected = {name.lower(): [" ".join(one.split()) for one in message.get_all(name) or ()] for name in message}
    expected.pop("summary", None)
    assert words == expected


def test_alike_where_files_are_not_opened_relative_to_a_folder(monkeypatch):
    found = scan([OURS])
    monkeypatch.setattr(database, "_RELATIVE", False)
    assert scan([OURS]) == found


def opened_below(folder):
    """Give what this process has open in *folder*; elsewhere, threads of other tests come and go."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{name}"))
    return [path for path in found if path.startswith(str(folder))]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_no_descriptor_is_left_open(tmp_path):
    info(tmp_path, "thing", "1")
    for _ in range(3):
        scan([tmp_path, tmp_path / "missing"])
    assert opened_below(tmp_path) == []


def test_long_heads_are_read_to_their_end(tmp_path):
    requires = "".join(f"Requires-Dist: project{number}\n" for number in range(3000))
    info(
        tmp_path, "big", "1", METADATA=f"Metadata-Version: 2.1\nName: big\nVersion: 1\n{requires}\nRequires-Dist: no\n"
    )
    assert len(scan([tmp_path])[0].requires_dist) == 3000


def test_the_first_on_the_path_counts(tmp_path):
    for folder, version in (("a", "1"), ("b", "2")):
        info(tmp_path / folder, "thing", version)
    paths = [tmp_path / "a", tmp_path / "missing", tmp_path / "b"]
    assert [found.version for found in scan(paths)] == ["1"]
    assert [found.version for found in scan(paths, shadowed=True)] == ["1", "2"]


def test_broken_ones(tmp_path):
    (tmp_path / "~umpy-1.0.dist-info").mkdir()  # what pip leaves when it is killed
    (tmp_path / "half-1.0.dist-info").mkdir()
    (tmp_path / "file-1.0.dist-info").write_text("")
    info(tmp_path, "odd", "1", direct_url_json="{", METADATA="\xff\xfe\n")
    found = scan([tmp_path])
    assert [(each.name, each.version, each.direct_url) for each in found] == [("half", "1.0", None), ("odd", "1", None)]


def test_eggs(tmp_path):
    folder = tmp_path / "old-1.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1\n")
    (folder / "requires.txt").write_text(
        "a\nb>=1\n\n[x]\nc\n\n[y:python_version < '3']\nd\n\n[:sys_platform == 'win32']\ne\n"
    )
    (tmp_path / "flat-2.egg-info").write_text("Metadata-Version: 1.0\nName: flat\nVersion: 2\n")
    (tmp_path / "egg-3-py3.egg/EGG-INFO").mkdir(parents=True)
    (tmp_path / "egg-3-py3.egg/EGG-INFO/PKG-INFO").write_text("Metadata-Version: 1.0\nName: egg\nVersion: 3\n")
    (tmp_path / "dangling.egg-link").write_text("/nowhere\n.")
    found = {each.name: each for each in scan([tmp_path])}
    assert {(each.name, each.version, each.kind) for each in found.values()} == {
        ("old", "1", "egg-info"),
        ("flat", "2", "egg-info"),
        ("egg", "3", "egg"),
    }
    assert found["old"].requires_dist == (
        "a",
        "b>=1",
        'c ; extra == "x"',
        "d ; (python_version < '3') and extra == \"y\"",
        "e ; sys_platform == 'win32'",
    )


def test_nothing_is_imported_or_run(tmp_path):
    info(tmp_path, "thing", "1")
    (tmp_path / "trap.pth").write_text("import os; os.abort()\n")
    assert len(scan([tmp_path])) == 1


def test_a_hundred_are_listed_quickly(tmp_path):
    for number in range(100):
        requires = "".join(f"Requires-Dist: dep{each}>=1\n" for each in range(10))
        text = f"Metadata-Version: 2.1\nName: name{number}\nVersion: 1\n{requires}\n" + "long description\n" * 500
        info(tmp_path, f"name{number}", "1", METADATA=text, INSTALLER="envkit\n", RECORD="")
    times = []
    for _ in range(20):
        began = time.perf_counter()
        assert len(scan([tmp_path])) == 100
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05  # about 3 ms on an idle machine; this only notices something foolish


ROWS = st.lists(st.tuples(st.text(min_size=1), st.text(), st.text()), max_size=8)


@given(ROWS)
def test_records_are_read_as_csv_writes_them(rows):
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue()
    if any(c in data for c in "\0\r\v\f\x1c\x1d\x1e\x85\u2028\u2029") or any(
        "\n" in part for row in rows for part in row
    ):
        return
    try:
        encoded = data.encode()
    except UnicodeEncodeError:
        return
    assert [tuple(row) for row in record.parse(encoded)] == rows


@pytest.mark.parametrize("data", [b"\xff", b"a\0,,", b'"a",b,c,d'])
def test_records_that_make_no_sense(data):
    with pytest.raises(InstallError):
        record.parse(data)


def test_a_missing_record(tmp_path):
    with pytest.raises(InstallError, match="RECORD"):
        record.read(tmp_path)


def test_an_edit_in_place_is_seen_whatever_the_times_say(tmp_path):
    """What was read before is remembered by its content alone: size, times and inode may be as they were."""
    path = info(tmp_path, "thing", "1.0", INSTALLER="pip\n") / "METADATA"
    before = path.stat()
    (first,) = scan([tmp_path])
    assert scan([tmp_path])[0] is first
    path.write_text(path.read_text().replace("1.0", "2.0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert scan([tmp_path])[0].version == "2.0"
    (path.parent / "INSTALLER").write_text("uv\n")
    (path.parent / "REQUESTED").touch()
    (third,) = scan([tmp_path])
    assert (third.installer, third.requested) == ("uv", True)
    (path.parent / "REQUESTED").unlink()
    assert not scan([tmp_path])[0].requested


def test_what_a_caller_may_change_is_not_shared(tmp_path):
    info(tmp_path, "thing", "1.0", direct_url_json=json.dumps({"url": "file:///x", "dir_info": {}}))
    scan([tmp_path])[0].direct_url["url"] = "changed"
    assert scan([tmp_path])[0].direct_url["url"] == "file:///x"


def test_a_head_that_is_too_large_to_remember_is_read_all_the_same(tmp_path):
    long = "".join(f"Requires-Dist: project-{number}\n" for number in range(2000))
    info(tmp_path, "thing", "1.0", METADATA=f"Name: thing\nVersion: 1.0\n{long}\nRequires-Dist: no\n")
    for _ in range(2):
        assert len(scan([tmp_path])[0].requires_dist) == 2000
