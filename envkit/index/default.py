"""The address of PyPI, which is written nowhere in envkit: distlib knows it, and is needed for nothing else."""

from __future__ import annotations

import functools
import os
import re
from importlib.machinery import PathFinder
from urllib.parse import urljoin

_HEAD_BYTES = 16 * 1024
_CONSTANT = re.compile(rb"^DEFAULT_INDEX\s*=\s*(['\"])([^'\"\\]+)\1", re.MULTILINE)


@functools.cache
def default_index_url() -> str:
    """Give the root of PyPI's simple index; loads what it needs on first use, and only if no index is configured."""
    return urljoin(_stated() or _imported(), "/simple/")


def _stated() -> str | None:
    """Read the constant off distlib's source: importing it loads a good part of the standard library for one line."""
    spec = PathFinder.find_spec("distlib")
    if spec is None or not spec.submodule_search_locations:
        return None
    try:
        with open(os.path.join(spec.submodule_search_locations[0], "index.py"), "rb") as stream:
            found = _CONSTANT.search(stream.read(_HEAD_BYTES))
    except OSError:
        return None
    return found[2].decode("ascii", "replace") if found else None


def _imported() -> str:
    from distlib.index import DEFAULT_INDEX

    return str(DEFAULT_INDEX)
