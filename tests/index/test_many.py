"""Many processes with many threads on one empty cache; memory under hostile answers; the real default index."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from envkit.cache import Cache
from envkit.index.bounds import Limits, Timeouts
from envkit.index.client import IndexClient
from envkit.model.source import PYPI
from envkit.testing.loopback import JSON_TYPE, LoopbackAnswer, LoopbackIndex
from envkit.testing.wheels import wheel_bytes

CROWD = """
import json, sys, threading
from envkit.cache import Cache
from envkit.events import DownloadStarted, Emitter
from envkit.index.client import IndexClient

url, root, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
started, errors = [], []
note = lambda event: started.append(event.filename) if isinstance(event, DownloadStarted) else None
client = IndexClient([url], cache=Cache(root), emitter=Emitter(note))
names = [f"p{at}" for at in range(count)]

def work(offset):
    try:
        mine = names[offset:] + names[:offset]
        client.prefetch_pages(mine)
        for name in mine:
            page = client.project(name)
            client.prefetch_metadata(page.artifacts)
            for artifact in page.artifacts:
                assert client.metadata(artifact).count(name.encode()) == 1
                assert client.fetch(artifact).stat().st_size == artifact.size
    except BaseException as error:
        errors.append(repr(error))

threads = [threading.Thread(target=work, args=(at * count // 8,)) for at in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
client.close()
print(json.dumps({"errors": errors, "started": started}))
"""


def crowd(tmp_path: Path, *, processes: int, projects: int) -> None:
    files = dict(wheel_bytes(f"p{at}", f"{version}.0") for at in range(projects) for version in (1, 2))
    root = tmp_path / "cache"
    with LoopbackIndex(files) as index:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", CROWD, index.url, str(root), str(projects)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(processes)
        ]
        for process in running:
            result = json.loads(process.communicate(timeout=300)[0])
            assert result["errors"] == []
            assert len(result["started"]) == len(set(result["started"])), "a process downloaded a file twice"
        asked = len(index.requests)
        with IndexClient([index.url], cache=Cache(root), offline=True) as client:
            for at in range(projects):
                for artifact in client.project(f"p{at}").artifacts:
                    assert client.fetch(artifact).read_bytes() == files[artifact.filename]
        assert len(index.requests) == asked
    assert not list(root.rglob(".*.tmp"))


def test_a_few_processes_share_a_cache(tmp_path: Path) -> None:
    crowd(tmp_path, processes=3, projects=12)


@pytest.mark.slow
def test_eight_processes_of_eight_threads_share_a_cache(tmp_path: Path) -> None:
    crowd(tmp_path, processes=8, projects=100)


PEAK = """
import sys
from envkit.cache import Cache
from envkit.errors import EnvkitError
from envkit.index.client import IndexClient
from envkit.index.transport import Timeouts
client = IndexClient([sys.argv[1]], cache=Cache(None), timeouts=Timeouts(page=20, file=20))
try:
    client.project("demo")
    outcome = "read"
except EnvkitError as error:
    outcome = error.code
client.close()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(outcome, int(status["VmHWM"].split()[0]) // 1024)
"""


def endless(sock: Any) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: " + JSON_TYPE.encode() + b"\r\n\r\n")
    piece = b" " * (1 << 20)
    while True:
        sock.sendall(piece)


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packer.compress(bytes(1 << 24)) for _ in range(64)]) + packer.flush()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("case", ["endless", "bomb", "nested", "long text", "objects", "texts", "numbers"])
def test_memory_stays_flat(case: str) -> None:
    headers = {"Content-Type": JSON_TYPE}
    answers = {
        "endless": lambda: LoopbackAnswer(send=endless),
        "bomb": lambda: LoopbackAnswer(headers={**headers, "Content-Encoding": "gzip"}, body=bomb()),
        "nested": lambda: LoopbackAnswer(headers=headers, body=b"[" * 40_000_000),
        "long text": lambda: LoopbackAnswer(headers=headers, body=b'{"a": "' + b"x" * 40_000_000),
        "objects": lambda: LoopbackAnswer(headers=headers, body=b"[" + b"{}," * 15_000_000 + b"1]"),
        "texts": lambda: LoopbackAnswer(headers=headers, body=b"[" + b'"ab",' * 9_000_000 + b"1]"),
        "numbers": lambda: LoopbackAnswer(headers=headers, body=b"[" + b"1.5," * 11_000_000 + b"1]"),
    }
    answer = answers[case]()
    with LoopbackIndex(hook=lambda _: answer) as index:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, index.url], capture_output=True, text=True, timeout=300, check=True
        )
    outcome, peak = done.stdout.split()
    assert outcome == "transport"
    assert int(peak) < 300, f"{peak} MB"


@pytest.mark.live
def test_the_default_index(tmp_path: Path) -> None:
    env = {key: os.environ[key] for key in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy") if key in os.environ}
    ca_file = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    patience: dict[str, Any] = {"timeouts": Timeouts(read=60, page=600), "limits": Limits(retries=10)}
    with IndexClient([PYPI], cache=Cache(tmp_path), env=env, ca_file=ca_file, **patience) as client:
        page = client.project("Flask")
        assert page.index == "pypi"
        artifact = next(artifact for artifact in page.artifacts if artifact.filename == "flask-3.0.0-py3-none-any.whl")
        assert b"Name: Flask" in client.metadata(artifact)
        assert client.fetch(artifact).stat().st_size > 50_000
        assert client.page_identity("flask") == page.identity
