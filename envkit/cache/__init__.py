"""The cache: versioned buckets of entries that are published atomically and shared by any number of processes."""

from envkit.cache.bucket import Bucket
from envkit.cache.store import Cache

__all__ = ["Bucket", "Cache"]
