"""Read netrc files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from envkit.index.login import Login
from envkit.model.secret import Secret

_MAX_BYTES = 1024 * 1024


def read_netrc(env: Mapping[str, str]) -> dict[str, Login]:
    """Give the users of the netrc file by host, ``""`` for the default; nothing where it is missing or broken.

    ``NETRC`` names the file, else ``.netrc`` or ``_netrc`` in the home folder that *env* names.
    """
    import netrc

    for path in _paths(env):
        with suppress(OSError, UnicodeDecodeError, netrc.NetrcParseError):
            if os.path.getsize(path) > _MAX_BYTES:
                continue
            found = netrc.netrc(path)
            return {
                "" if host == "default" else host.lower(): Login(entry[0] or "", Secret(entry[2] or ""))
                for host, entry in found.hosts.items()
            }
    return {}


def _paths(env: Mapping[str, str]) -> list[str]:
    if env.get("NETRC"):
        return [env["NETRC"]]
    home = env.get("HOME") or env.get("USERPROFILE")
    return [os.path.join(home, name) for name in (".netrc", "_netrc")] if home else []
