"""The cache: versioned buckets of entries that are published atomically and shared by any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envkit.cache.bucket import Bucket as Bucket
    from envkit.cache.store import Cache as Cache

__all__ = ["Bucket", "Cache"]


def __getattr__(name: str) -> Any:
    if name == "Bucket":
        from envkit.cache.bucket import Bucket

        return Bucket
    if name == "Cache":
        from envkit.cache.store import Cache

        return Cache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
