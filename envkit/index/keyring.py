"""Ask keyring for a password: the package where it is installed, else its command."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from envkit.index.login import KeyringProvider, Login
from envkit.model.secret import Secret

_SECONDS = 30.0


def ask_keyring(url: str, username: str | None, provider: KeyringProvider, env: Mapping[str, str]) -> Login | None:
    """Give the login that keyring holds for *url*, else for its host; None where it has none or fails.

    The command needs a user name: without one in the URL it is asked for ``__token__``, as PyPI-like indexes use it.
    """
    services = (url, urlsplit(url).netloc)
    if provider in ("auto", "import"):
        try:
            module: Any = importlib.import_module("keyring")
        except ImportError:
            if provider == "import":
                return None
        else:
            return _from_module(module, services, username)
    return _from_command(services, username or "__token__", env)


def _from_module(module: Any, services: tuple[str, ...], username: str | None) -> Login | None:
    for service in services:
        try:
            found = module.get_credential(service, username)
        except Exception:  # noqa: BLE001  a backend may raise anything, and then has nothing to give
            return None
        if found is not None and found.password is not None:
            return Login(str(found.username or username or ""), Secret(str(found.password)))
    return None


def _from_command(services: tuple[str, ...], username: str, env: Mapping[str, str]) -> Login | None:
    import shutil
    import subprocess

    command = shutil.which("keyring", path=env.get("PATH"))
    if command is None:
        return None
    for service in services:
        try:
            done = subprocess.run(
                [command, "get", service, username],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                env=dict(env),
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        if done.returncode == 0 and done.stdout:
            return Login(username, Secret(done.stdout.decode("utf-8", "replace").rstrip("\r\n")))
    return None
