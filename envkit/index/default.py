"""The address of the default index, PyPI."""

from __future__ import annotations


def default_index_url() -> str:
    """Give the root of PyPI's simple API, ending in ``/``.

    It is distlib's constant, which names the legacy interface of the same host; the simple API is its sibling.
    """
    from distlib.index import DEFAULT_INDEX

    root = str(DEFAULT_INDEX).rstrip("/")
    if root.endswith("/pypi"):
        root = root[: -len("/pypi")] + "/simple"
    return root + "/"
