"""The served index: consistent with itself, and with what a real client makes of it."""

import hashlib
import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pytest
from packaging.utils import parse_wheel_filename

from benchmarks.metadata_fields import MetadataFields
from benchmarks.peers import PEERS, Uv
from benchmarks.recording import RecordedFile, RecordedProject, write_recording
from benchmarks.server import JSON_TYPE
from benchmarks.serving import served
from benchmarks.workloads import Workload


def wheel(name, version, requires=(), *, python=None, yanked=False):
    digest = hashlib.sha256(f"{name}{version}".encode()).digest()
    file = RecordedFile(f"{name}-{version}-py3-none-any.whl", digest, 1000, 1_600_000_000, python, yanked)
    return file, (version, MetadataFields("2.1", python, tuple(requires), ()))


def project(name, *wheels):
    return RecordedProject(name, tuple(file for file, _ in wheels), dict(facts for _, facts in wheels))


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording")
    write_recording(
        folder,
        [
            project("app", wheel("app", "1.0", ["lib<2"]), wheel("app", "2.0", ["lib<2; os_name == 'nothing'", "lib"])),
            project(
                "lib",
                wheel("lib", "1.5"),
                wheel("lib", "2.0", yanked="broken & bad"),
                wheel("lib", "3.0", python=">=99"),
            ),
        ],
    )
    with served(folder) as running:
        yield running


def get(url, **headers):
    with urlopen(Request(url, headers=headers), timeout=120) as response:
        return response.status, response.headers, response.read()


def test_all_that_a_page_promises_is_served(index):
    _, headers, body = get(urljoin(index.url, "lib/"), Accept=JSON_TYPE)
    page = json.loads(body)
    assert headers["Content-Type"] == JSON_TYPE
    assert page["versions"] == ["1.5", "2.0", "3.0"]
    assert [file["yanked"] for file in page["files"]] == [False, "broken & bad", False]
    for file in page["files"]:
        _, version, _, _ = parse_wheel_filename(file["filename"])
        address = urljoin(urljoin(index.url, "lib/"), file["url"])
        _, _, sidecar = get(address + ".metadata")
        assert hashlib.sha256(sidecar).hexdigest() == file["core-metadata"]["sha256"]
        assert f"Version: {version}\n".encode() in sidecar


def test_html_and_json_say_the_same(index):
    page = json.loads(get(urljoin(index.url, "lib/"), Accept=JSON_TYPE)[2])
    text = get(urljoin(index.url, "lib/"), Accept="text/html")[2].decode()
    links = re.findall(r'<a href="([^"#]*)#sha256=(\w+)".*?data-core-metadata="sha256=(\w+)"', text)
    assert links == [(f["url"], f["hashes"]["sha256"], f["core-metadata"]["sha256"]) for f in page["files"]]
    assert 'data-yanked="broken &amp; bad"' in text
    assert 'data-requires-python="&gt;=99"' in text


def test_a_known_etag_gives_304_and_gzip_the_same_page(index):
    import gzip

    _, headers, body = get(urljoin(index.url, "app/"), Accept=JSON_TYPE)
    _, _, packed = get(urljoin(index.url, "app/"), Accept=JSON_TYPE, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed) == body
    with pytest.raises(Exception, match="304"):
        get(urljoin(index.url, "app/"), Accept=JSON_TYPE, **{"If-None-Match": headers["ETag"]})


def test_what_is_not_there_is_told(index):
    with pytest.raises(Exception, match="404"):
        get(urljoin(index.url, "nothing/"))
    stats = index.stats()
    assert stats["misses"]["/simple/nothing/"] >= 1


def test_wheels_of_a_folder_are_served_whole_and_in_part(tmp_path):
    from envkit.testing.wheels import make_wheel

    make_wheel(tmp_path, "thing", "1.0")
    (path,) = tmp_path.glob("*.whl")
    with served(tmp_path / "none", wheels=tmp_path) as index:
        page = json.loads(get(urljoin(index.url, "thing/"), Accept=JSON_TYPE)[2])
        address = urljoin(urljoin(index.url, "thing/"), page["files"][0]["url"])
        assert get(address)[2] == path.read_bytes()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == page["files"][0]["hashes"]["sha256"]
        status, headers, tail = get(address, Range="bytes=-20")
        assert (status, tail) == (206, path.read_bytes()[-20:])
        assert headers["Content-Range"].endswith(f"/{path.stat().st_size}")
        assert get(address, Range="bytes=3-7")[2] == path.read_bytes()[3:8]


def test_an_index_ends_with_the_process_that_started_it():
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-m', 'benchmarks.server', '--recording', 'none'],\n"
        "                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(p.stdout.readline().decode().strip(), p.pid)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=300, check=True
    )
    url, pid = done.stdout.split()
    command = Path(f"/proc/{pid}/cmdline")
    until = time.monotonic() + 60
    with suppress(OSError):  # it may end between two looks
        while command.read_bytes():
            assert time.monotonic() < until, f"{url} is still served"
            time.sleep(0.05)


@pytest.mark.parametrize("peer", ["uv", "pip"])
def test_a_real_client_resolves_it(index, tmp_path, peer):
    if peer == "uv":
        pytest.importorskip("uv", reason="uv is a benchmark dependency")
    outcome = PEERS[peer](index.url, tmp_path).resolve(Workload("small", ("app",)))
    assert outcome.pins == {"app": "2.0", "lib": "1.5"}, outcome.error
    assert outcome.peak > 1_000_000


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the metadata is recorded that Python 3.11 leads to")
def test_uv_resolves_the_recording_identically_twice_and_misses_nothing(tmp_path):
    pytest.importorskip("uv", reason="uv is a benchmark dependency")
    from benchmarks.recording import read_recording
    from benchmarks.verify import Judge
    from benchmarks.workloads import ALL

    workload = ALL["web"]
    with served() as index:
        first = Uv(index.url, tmp_path / "a").resolve(workload)
        second = Uv(index.url, tmp_path / "b").resolve(workload)
        assert first.pins, first.error
        assert first.pins == second.pins
        assert not index.stats()["misses"]
    assert len(first.pins) == 51
    assert Judge(read_recording()).problems(workload, first.pins) == []
