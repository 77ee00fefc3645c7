"""Sources from outside land inside their folder, or not at all."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.errors import EnvkitError, InvalidSource
from envkit.wheels.archive import archive_kind, archive_stem, extract_archive
from envkit.wheels.bounds import ArchiveBounds
from envkit.wheels.reading import read_pkg_info
from tests.wheels import hostile_sources as hostile

BOUNDS = ArchiveBounds(entries=2000)


def unpack(tmp_path, filename, data, bounds=BOUNDS):
    path = tmp_path / filename
    path.write_bytes(data)
    return extract_archive(str(path), str(tmp_path / "inner" / "out"), bounds=bounds)


def tree(root):
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                found[os.path.relpath(path, root).replace(os.sep, "/")] = stream.read()
    return found


@pytest.mark.parametrize("filename", sorted(hostile.CASES))
def test_hostile_archives_are_refused_and_leave_nothing(tmp_path, filename):
    data = hostile.CASES[filename]()
    began = time.thread_time()  # of the processor, as the machine may be busy
    with pytest.raises(InvalidSource) as caught:
        unpack(tmp_path, filename, data)
    assert time.thread_time() - began < 20
    assert filename in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == sorted([filename, "inner"] if (tmp_path / "inner").exists() else [filename])
    if (tmp_path / "inner").exists():
        assert os.listdir(tmp_path / "inner") == []


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read as Linux counts it")
@pytest.mark.parametrize("filename", ["bomb.tar.gz", "huge-pax-header.tar.gz", "zeros-after-end.tar.gz", "bomb.zip"])
def test_bombs_stay_inside_half_a_gigabyte(tmp_path, filename):
    (tmp_path / filename).write_bytes(hostile.CASES[filename]())
    code = f"""
from envkit.wheels.archive import extract_archive
try:
    extract_archive({str(tmp_path / filename)!r}, {str(tmp_path / "out")!r})
except Exception as error:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(type(error).__name__, int(peak.split()[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    name, peak = done.stdout.split()
    assert name == "InvalidSource"
    assert int(peak) < 150


FILES = {"p-1/a.py": b"x = 1\n", "p-1/sub/dir/b.bin": bytes(range(256)) * 2000, "p-1/empty": b"", "p-1/\xfc.txt": b"u"}
LONG = {f"p-1/{'n' * 90}/{'m' * 120}.txt": b"long"}


@pytest.mark.parametrize(
    ("filename", "mode"),
    [("p.tar.gz", "w:gz"), ("p.tgz", "w:gz"), ("p.tar.bz2", "w:bz2"), ("p.tar.xz", "w:xz"), ("p.tar", "w:")],
)
@pytest.mark.parametrize("fmt", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_honest_tar_archives_are_unpacked_whole(tmp_path, filename, mode, fmt):
    files = {**FILES, **LONG} if fmt != tarfile.USTAR_FORMAT else FILES
    top = unpack(tmp_path, filename, hostile.plain_tar(files, mode, fmt))
    assert tree(os.path.dirname(top)) == files
    assert os.path.basename(top) == "p-1"
    assert int(os.stat(os.path.join(top, "a.py")).st_mtime) == 1_500_000_000


def test_what_system_tar_and_git_write_is_read(tmp_path):
    source = tmp_path / "source" / "p-1"
    source.mkdir(parents=True)
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    (source / "data").write_bytes(b"d" * 100_000)
    os.link(source / "data", source / "twin")
    (source / "link").symlink_to("data")
    subprocess.run(["tar", "czf", tmp_path / "p.tar.gz", "-C", tmp_path / "source", "p-1"], check=True)
    top = extract_archive(str(tmp_path / "p.tar.gz"), str(tmp_path / "out"))
    assert tree(top) == {
        "run.sh": b"#!/bin/sh\n",
        "data": b"d" * 100_000,
        "twin": b"d" * 100_000,
        "link": b"d" * 100_000,
    }
    assert os.readlink(os.path.join(top, "link")) == "data"
    assert os.stat(os.path.join(top, "run.sh")).st_mode & 0o100
    assert not os.stat(os.path.join(top, "data")).st_mode & 0o111


def test_an_honest_zip_archive_is_unpacked_whole(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
        archive.writestr("p-1/folder/", b"")
        link = zipfile.ZipInfo("p-1/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, b"sub/dir")
    top = unpack(tmp_path, "p.zip", raw.getvalue())
    assert tree(os.path.dirname(top)) == FILES
    assert os.path.isfile(os.path.join(top, "link", "b.bin"))


def test_a_zip_written_as_a_stream_is_read(tmp_path):
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self):
            return True

        def write(self, piece):
            Pipe.data += bytes(piece)
            return len(piece)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    assert tree(os.path.dirname(unpack(tmp_path, "p.zip", Pipe.data))) == FILES


def test_files_from_before_zip_archives_can_be_put_into_wheels(tmp_path):
    top = unpack(tmp_path, "p.tar.gz", hostile.tar())
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.write(os.path.join(top, "ok.txt"), "ok.txt")


def test_special_bits_are_dropped(tmp_path):
    data = hostile.tar(hostile.member("p-1/suid", b"x", mode=0o6777))
    top = unpack(tmp_path, "p.tar.gz", data)
    assert stat.S_IMODE(os.stat(os.path.join(top, "suid")).st_mode) & 0o7022 == 0


def test_a_member_told_twice_with_one_content_is_one(tmp_path):
    top = unpack(tmp_path, "p.tar.gz", hostile.tar(hostile.member("p-1/ok.txt", b"fine")))
    assert tree(top) == {"ok.txt": b"fine"}


def test_an_archive_without_one_folder_is_its_own_top(tmp_path):
    top = unpack(tmp_path, "p.tar.gz", hostile.plain_tar({"a/x": b"1", "b/y": b"2"}))
    assert top == os.path.realpath(tmp_path / "inner" / "out")


def test_padding_after_the_last_gzip_stream_is_no_archive(tmp_path):
    assert tree(unpack(tmp_path, "p.tar.gz", hostile.tar() + b"\0" * 1000)) == {"ok.txt": b"fine"}


def test_names_tell_kinds():
    assert [archive_kind(name) for name in ("a.TAR.GZ", "a.zip", "a.tar.zst", "a.whl")] == ["gz", "zip", None, None]
    assert archive_stem("pkg-1.0.tar.gz") == "pkg-1.0"


SAMPLE = (
    hostile.OK + hostile.member("p-1/x/y", b"data" * 300) + hostile.pax([("path", "p-1/z")]) + hostile.member("z", b"z")
)


@settings(max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_archives_never_write_outside_and_never_raise_anything_else(tmp_path_factory, changes):
    data = bytearray(SAMPLE)
    for at, value in changes:
        data[at] = value
    for start in range(0, len(data), 512):  # make the checksums right again, so that the parser sees the damage
        if data[start + 257 : start + 262] == b"ustar":
            block = data[start : start + 148] + b" " * 8 + data[start + 156 : start + 512]
            data[start + 148 : start + 156] = f"{sum(block):06o}\0 ".encode()
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        unpack(folder, "p.tar", bytes(data) + hostile.END)
    except EnvkitError:
        assert not (folder / "inner" / "out").exists()
    assert set(os.listdir(folder)) <= {"p.tar", "inner"}
    assert not (folder / "inner").exists() or set(os.listdir(folder / "inner")) <= {"out"}


ZIP = hostile.zipped(("p-1/x/y", b"data" * 300, 0o100644), ("p-1/PKG-INFO", b"Name: p\n" * 50, 0o100644))


@settings(max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(ZIP) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_zip_archives_never_raise_anything_else(tmp_path_factory, changes):
    data = bytearray(ZIP)
    for at, value in changes:
        data[at] = value
    folder = tmp_path_factory.mktemp("fuzz")
    for read in (lambda: unpack(folder, "p.zip", bytes(data)), lambda: read_pkg_info(str(folder / "p.zip"), "p.zip")):
        try:
            read()
        except InvalidSource:
            pass
    assert set(os.listdir(folder)) <= {"p.zip", "inner"}


names = st.lists(st.text("abcé", min_size=1, max_size=30), min_size=1, max_size=4).map("/".join)


@settings(max_examples=60, deadline=None)
@given(files=st.dictionaries(names, st.binary(max_size=2000), max_size=8), fmt=st.sampled_from([0, 1, 2]))
def test_reads_what_the_standard_library_writes(tmp_path_factory, files, fmt):
    files = {f"p-1/{name}": data for name, data in files.items()}
    if any(other.startswith(f"{name}/") for name in files for other in files) or len({n.lower() for n in files}) != len(
        files
    ):
        return
    folder = tmp_path_factory.mktemp("plain")
    unpack(folder, "p.tar", hostile.plain_tar(files, "w:", fmt))
    assert tree(folder / "inner" / "out") == files
