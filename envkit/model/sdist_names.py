"""What files of sdists are called."""

from __future__ import annotations

# The best first. PyPI takes only the first two (PEP 527); old indexes and folders have the others, which pip takes too.
SDIST_SUFFIXES = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar")


def sdist_suffix(filename: str) -> str:
    """Give the suffix of an sdist's name, "" for any other."""
    return next((suffix for suffix in SDIST_SUFFIXES if filename.endswith(suffix)), "")
