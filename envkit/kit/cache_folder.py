"""Where things are kept that only cost time when they are lost."""

from __future__ import annotations


def default_cache_dir() -> str:
    """Give the user's cache folder for envkit, by the rules of the platform."""
    from platformdirs import user_cache_dir

    return user_cache_dir("envkit", appauthor=False)
