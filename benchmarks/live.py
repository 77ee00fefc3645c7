"""The default index, read politely: few connections, each thing fetched once and kept in a local database.

What is kept is raw pages and the fields of metadata files. The database is a working file of the recorder and lives in
the user's cache folder; the recordings in the repository are made from it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from benchmarks.metadata_fields import MetadataFields, read_fields
from benchmarks.remote_wheel import wheel_metadata

CONNECTIONS = 8
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


def default_index() -> str:
    """Give the address of the default simple index, as distlib knows it."""
    from distlib.index import DEFAULT_INDEX

    return urljoin(DEFAULT_INDEX, "/simple/")


def default_database() -> Path:
    """Give the place of the recorder's database."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("envkit-benchmarks")) / "raw.sqlite"


class LiveIndex:
    """Pages and metadata of the live index through the database; thread-safe. ``offline`` never asks the index."""

    def __init__(self, database: Path, *, offline: bool = False) -> None:
        import urllib3

        database.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("create table if not exists pages (name text primary key, body text)")
        self._db.execute(
            "create table if not exists metadata (name text, file text, fields text, primary key (name, file))"
        )
        self._lock = threading.Lock()
        self._gate = threading.BoundedSemaphore(CONNECTIONS)
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=urllib3.Retry(4, backoff_factor=0.5))
        self._offline = offline
        self.fetched = 0

    def page(self, name: str) -> dict[str, Any] | None:
        """Give a project page (the JSON form of the simple API), or None for an unknown project."""
        with self._lock:
            row = self._db.execute("select body from pages where name = ?", (name,)).fetchone()
        if row is None:
            if self._offline:
                return None
            body = self._get(urljoin(default_index(), f"{name}/"), accept=JSON_PAGE)
            row = (body.decode() if body is not None else None,)
            with self._lock:
                self._db.execute("insert or replace into pages values (?, ?)", (name, row[0]))
        return json.loads(row[0]) if row[0] is not None else None

    def pages(self) -> list[str]:
        """Name the known projects whose pages are kept."""
        with self._lock:
            return [name for (name,) in self._db.execute("select name from pages where body is not null order by name")]

    def kept(self, name: str) -> dict[str, MetadataFields | None]:
        """Give the metadata kept of a project: file name -> fields, None where the index had none."""
        with self._lock:
            rows = self._db.execute("select file, fields from metadata where name = ?", (name,)).fetchall()
        return {file: _decode(fields) for file, fields in rows}

    def metadata(self, name: str, file: str, url: str) -> MetadataFields | None:
        """Give the fields of the metadata file beside a wheel, or None where the index has none."""
        with self._lock:
            row = self._db.execute("select fields from metadata where name = ? and file = ?", (name, file)).fetchone()
        if row is not None or self._offline:
            return _decode(row[0]) if row is not None else None
        address = urljoin(urljoin(default_index(), f"{name}/"), url)
        body = self._get(address + ".metadata")
        if body is None:
            body = self._from_wheel(address)
        fields = read_fields(body) if body is not None else None
        with self._lock:
            self._db.execute("insert or replace into metadata values (?, ?, ?)", (name, file, _encode(fields)))
        return fields

    def _get(self, url: str, accept: str = "*/*") -> bytes | None:
        for attempt in range(4):
            with self._gate:
                response = self._pool.request(
                    "GET", url, headers={"Accept": accept, "Accept-Encoding": "gzip"}, timeout=60
                )
            self.fetched += 1
            if response.status == 200:
                return response.data
            if response.status in (403, 404, 410):
                return None
            time.sleep(2.0**attempt)
        raise RuntimeError(f"the index answered {response.status} again and again")

    def _from_wheel(self, url: str) -> bytes | None:
        try:
            return wheel_metadata(lambda first, last: self._range(url, first, last))
        except (FileNotFoundError, zipfile.BadZipFile):
            return None

    def _range(self, url: str, first: int | None, last: int) -> tuple[bytes, int]:
        span = f"bytes=-{last}" if first is None else f"bytes={first}-{last}"
        for attempt in range(4):
            with self._gate:
                response = self._pool.request("GET", url, headers={"Range": span}, timeout=60)
            self.fetched += 1
            if response.status == 206:
                return response.data, int(response.headers["Content-Range"].rpartition("/")[2])
            if response.status == 200:
                data = response.data
                return (data[-last:] if first is None else data[first : last + 1]), len(data)
            if response.status == 404:
                raise FileNotFoundError("the index lists a wheel that it does not have")
            time.sleep(2.0**attempt)
        raise RuntimeError(f"the index answered {response.status} again and again")

    def close(self) -> None:
        """Close the database and the connections."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        self._pool.clear()


def _encode(fields: MetadataFields | None) -> str | None:
    if fields is None:
        return None
    return json.dumps([fields.metadata_version, fields.requires_python, fields.requires_dist, fields.provides_extra])


def _decode(text: str | None) -> MetadataFields | None:
    if text is None:
        return None
    version, requires_python, requires, extras = json.loads(text)
    return MetadataFields(version, requires_python, tuple(requires), tuple(extras))
