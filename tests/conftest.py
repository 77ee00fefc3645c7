"""Rules for every test: no network but loopback, no cache but its own."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples in each run, so that a run says something of the change alone; "long" is for finding new ones.
settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile("long", parent=settings.get_profile("default"), derandomize=False, max_examples=1500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a cache folder of its own, and only the hermetic tests unless others are asked for."""
    folder = tempfile.TemporaryDirectory(prefix="envkit-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["XDG_CACHE_HOME"] = folder.name
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "ENVKIT_CACHE"))]:
        # what the machine says about indexes must not reach hermetic tests; live ones read the files that remain
        if name != "PIP_CERT":
            del os.environ[name]
    if not config.option.markexpr:
        config.option.markexpr = "not live and not slow"


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple) or not address:
        return True  # a Unix socket
    try:
        return ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


@pytest.fixture(autouse=True)
def _hermetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave the machine, except in tests marked ``live``."""
    if request.node.get_closest_marker("live") is not None:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if not _is_local(address):
            raise OSError(f"a hermetic test tried to connect to {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
