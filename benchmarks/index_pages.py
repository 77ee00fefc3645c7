"""Project pages: cold from a loopback index with latency against other clients, and warm from the cache.

    python -m benchmarks.index_pages --peers /path/to/python/with/clients

Every client reads and decodes (JSON) the same pages with at most 50 requests at a time, each in a process of its own that
times itself after its imports; rounds are interleaved. envkit also checks each file's name and specifiers and stores the
page, with the extra ``speed`` where it is installed, and as "no extra" without. Without ``--peers`` only what this Python
can import is compared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ACCEPT = {"Accept": "application/vnd.pypi.simple.v1+json", "Accept-Encoding": "gzip"}
AT_ONCE = 50
FASTER = ("msgspec", "isal.isal_zlib")
"""What the extra `speed` brings; not for warm pages, which are read without."""


def read_with_envkit(url: str, names: Sequence[str]) -> float:
    from envkit.cache import Cache
    from envkit.index import auth, bodies, freshness, http11, session, simple_api, stored_page  # noqa: F401
    from envkit.index.client import IndexClient
    from envkit.model import candidate  # noqa: F401  imports are not what is timed, here as with the others

    for name in FASTER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder, IndexClient([url], cache=Cache(folder)) as client:
        start = time.perf_counter()
        client.prefetch_pages(names)
        pages = [client.project(name) for name in names]
        elapsed = time.perf_counter() - start
        assert all(page.artifacts for page in pages)
    return elapsed


def read_without_extra(url: str, names: Sequence[str]) -> float:
    sys.modules.update(dict.fromkeys(FASTER))  # as if they were not installed
    return read_with_envkit(url, names)


def read_warm(url: str, names: Sequence[str]) -> float:
    from envkit.cache import Cache
    from envkit.index.client import IndexClient

    with tempfile.TemporaryDirectory() as folder:
        with IndexClient([url], cache=Cache(folder)) as client:
            client.prefetch_pages(names)
            for name in names:
                client.project(name)
        with IndexClient([url], cache=Cache(folder)) as client:
            start = time.perf_counter()
            for name in names:
                assert client.page_identity(name)
            identities = time.perf_counter() - start
        with IndexClient([url], cache=Cache(folder)) as client:
            start = time.perf_counter()
            for name in names:
                client.project(name)
            opened = time.perf_counter() - start
        with IndexClient([url], cache=Cache(folder)) as client:
            start = time.perf_counter()
            for name in names:
                for artifact in client.project(name).artifacts:
                    assert artifact.url
            touched = time.perf_counter() - start
        print(json.dumps({"opened": opened, "touched": touched}), file=sys.stderr)
    return identities


def _threads(get: Callable[[str], bytes], url: str, names: Sequence[str]) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = list(pool.map(lambda name: json.loads(get(f"{url}{name}/")), names))
    elapsed = time.perf_counter() - start
    assert all(page["files"] for page in pages)
    return elapsed


def read_with_urllib3(url: str, names: Sequence[str]) -> float:
    import urllib3

    pool = urllib3.PoolManager(maxsize=AT_ONCE, headers=ACCEPT)
    return _threads(lambda address: pool.request("GET", address).data, url, names)


def read_with_requests(url: str, names: Sequence[str]) -> float:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
    return _threads(lambda address: session.get(address, headers=ACCEPT).content, url, names)


def read_with_niquests(url: str, names: Sequence[str]) -> float:
    import niquests

    with niquests.Session(pool_connections=AT_ONCE, pool_maxsize=AT_ONCE) as session:
        return _threads(lambda address: session.get(address, headers=ACCEPT).content or b"", url, names)


def read_with_httpx(url: str, names: Sequence[str]) -> float:
    import httpx

    async def main() -> float:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(limits=limits, headers=ACCEPT, timeout=60) as client:
            start = time.perf_counter()
            pages = await asyncio.gather(*(client.get(f"{url}{name}/") for name in names))
            assert all(page.json()["files"] for page in pages)
            return time.perf_counter() - start

    return asyncio.run(main())


def read_with_aiohttp(url: str, names: Sequence[str]) -> float:
    import aiohttp

    async def main() -> float:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=AT_ONCE), headers=ACCEPT, auto_decompress=True
        ) as session:

            async def one(name: str) -> Any:
                async with session.get(f"{url}{name}/") as response:
                    return json.loads(await response.read())

            start = time.perf_counter()
            pages = await asyncio.gather(*(one(name) for name in names))
            assert all(page["files"] for page in pages)
            return time.perf_counter() - start

    return asyncio.run(main())


READERS: dict[str, Callable[[str, Sequence[str]], float]] = {
    "envkit": read_with_envkit,
    "no extra": read_without_extra,
    "aiohttp": read_with_aiohttp,
    "httpx": read_with_httpx,
    "niquests": read_with_niquests,
    "urllib3": read_with_urllib3,
    "requests": read_with_requests,
    "warm": read_warm,
}


def _one(reader: str, python: str, url: str, names: Sequence[str]) -> Any:
    from benchmarks.timing import Timed

    done = subprocess.run(
        [python, __file__, "--child", reader, url],
        input=json.dumps(list(names)),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    return Timed(float(done.stdout), done.stderr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.03)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        names = record_pages(Path(folder), options.pages)
        compare(Path(folder), names, options)


def record_pages(folder: Path, pages: int) -> list[str]:
    """Make up *pages* projects, of 10 to 600 files as real ones have, and give their names."""
    from benchmarks.recording import RecordedFile, RecordedProject, write_recording

    projects: list[RecordedProject] = []
    for at in range(pages):
        name = f"project-{at}"
        releases = (10, 15, 20, 30, 40, 60, 80, 300)[at % 8]
        files: list[RecordedFile] = []
        for release in range(releases):
            for suffix in ("-py3-none-any.whl", ".tar.gz"):
                filename = f"project_{at}-{release // 10}.{release % 10}.0{suffix}"
                digest = hashlib.sha256(filename.encode()).digest()
                files.append(RecordedFile(filename, digest, 10_000, 1_600_000_000 + release, ">=3.8"))
        projects.append(RecordedProject(name, tuple(files)))
    write_recording(folder, projects)
    return [project.name for project in projects]


def compare(folder: Path, names: Sequence[str], options: argparse.Namespace) -> None:
    """Time all clients in turns, and print a line for each."""
    from benchmarks.serving import served
    from benchmarks.timing import Subject, interleave

    peers = [
        name
        for name in ("aiohttp", "httpx", "niquests", "urllib3", "requests")
        if not subprocess.run([options.peers, "-c", f"import {name}"], capture_output=True, check=False).returncode
    ]
    with served(folder, latency=options.latency) as index:
        _one(
            "urllib3", sys.executable, index.url, names
        )  # the server makes each page once; not the first subject's cost
        subjects = {
            ours: Subject(lambda ours=ours: _one(ours, sys.executable, index.url, names))
            for ours in ("envkit", "no extra")
        }
        for peer in peers:
            subjects[peer] = Subject(lambda peer=peer: _one(peer, options.peers, index.url, names))
        table = interleave(subjects, rounds=options.rounds)
        for name in subjects:
            row = table.rows[name]
            ratios = [f"{ours}/{name} {table.ratio(ours, name):.2f}" for ours in ("envkit", "no extra")]
            print(f"{name:10} cold {row.median * 1000:7.1f} ms  {'  '.join(ratios)}")
        warm = [_one("warm", sys.executable, index.url, names) for _ in range(options.rounds)]
        print(f"envkit     warm {min(item.seconds for item in warm) * 1000:7.1f} ms for {len(names)} identities")
        told = [json.loads(item.result) for item in warm]
        opened, touched = (min(one[what] for one in told) for what in ("opened", "touched"))
        print(f"envkit     warm {opened * 1000:7.1f} ms for {len(names)} whole pages")
        print(f"envkit     warm {touched * 1000:7.1f} ms for the same, with every file looked at as a value")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.path.insert(0, str(ROOT))
        print(READERS[sys.argv[2]](sys.argv[3], json.load(sys.stdin)))
    else:
        main()
