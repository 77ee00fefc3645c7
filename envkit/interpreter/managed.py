"""The marker file by which a distributor claims an installation for itself (PEP 668)."""

from __future__ import annotations

import os

_MAX_BYTES = 64 * 1024
_DEFAULT = "this Python installation is managed by another package manager"


def read_marker(stdlib: str) -> str | None:
    """Give the message of ``EXTERNALLY-MANAGED`` in the folder of the standard library, None where there is none.

    A marker that cannot be read still counts, with a message of ours, as the PEP asks.
    """
    path = os.path.join(stdlib, "EXTERNALLY-MANAGED")
    if not os.path.lexists(path):
        return None
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path, "rb") as stream:
            parser.read_string(stream.read(_MAX_BYTES).decode("utf-8", "replace"))
        return parser["externally-managed"]["Error"]
    except (OSError, configparser.Error, KeyError):
        return _DEFAULT
