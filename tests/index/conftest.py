from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envkit.cache import Cache
from envkit.index.client import IndexClient
from envkit.index.transport import Limits, Timeouts

PATIENT = Timeouts(connect=20.0, read=60.0, page=60.0, file=60.0)
"""Tests of what ends by itself: a busy machine must not look like a fault of the network."""
SMALL = Limits(page_bytes=2_000_000, metadata_bytes=200_000, file_bytes=20_000_000, retries=2, retry_after=0.1)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def make_client(cache: Cache) -> Iterator[Callable[..., IndexClient]]:
    made: list[IndexClient] = []

    def make(*indexes: Any, **options: Any) -> IndexClient:
        options.setdefault("cache", cache)
        options.setdefault("timeouts", PATIENT)
        options.setdefault("limits", SMALL)
        client = IndexClient(indexes, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()
