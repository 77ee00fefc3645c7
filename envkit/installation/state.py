"""What the environment looks like now: a fingerprint for plans, and the RECORDs that we wrote ourselves."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from envkit.installation.layout import Layout, inside
from envkit.transaction import STATE_DIR

RECORDS = "records"
METADATA = (".dist-info", ".egg-info", ".egg-link", ".egg")


def fingerprint(libraries: Iterable[str]) -> str:
    """Name the set of distributions in *libraries*: it changes whenever one comes, goes or is installed again."""
    rows: list[tuple[str, str, int, int]] = []
    for folder in libraries:
        try:
            entries = os.scandir(folder)
        except OSError:
            continue
        with entries:
            for entry in entries:
                if entry.name.endswith(METADATA):
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    rows.append((folder, entry.name, facts.st_ino, facts.st_mtime_ns))
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()[:32]


def read_attested(layout: Layout) -> dict[str, tuple[int, int]]:
    """Give mtime (ns) and size of each RECORD that we wrote, by metadata folder.

    A file that is older than such a RECORD and has the recorded size is as it was installed, without reading it.
    """
    try:
        with open(os.path.join(layout.root, STATE_DIR, RECORDS), "rb") as file:
            data: Any = json.loads(file.read())
        return {os.path.join(layout.root, *key.split("/")): (int(row[0]), int(row[1])) for key, row in data.items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError, KeyError):
        return {}


def encode_attested(records: Mapping[str, tuple[int, int]], layout: Layout) -> bytes:
    """Give the content of the file that `read_attested` reads; what lies outside the root is left out."""
    data = {inside(path, layout.root): row for path, row in sorted(records.items()) if inside(path, layout.root)}
    return json.dumps(data, separators=(",", ":")).encode()
