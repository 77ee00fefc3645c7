"""A listing that runs beside another process's renames shows the old state or the new one, and takes no lock."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from envkit.environment.environment import Environment
from envkit.host import exchange
from envkit.host.gate import guarded

from .places import Workshop
from .test_kills import NAMES, make_workshop, run_child

FAR = 120.0
"""Seconds that no machine needs."""
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="another process is a forked one")


def rewrite_until(stop: Path, shop: Workshop, states: dict[str, tuple[str, ...]]) -> None:
    """Install everything in one version, then in the other; each third time the last rename but some fails."""
    until = time.monotonic() + FAR
    number = 0
    while not stop.exists() and time.monotonic() < until:
        number += 1
        requests = states["ones" if number % 2 else "twos"]
        if number % 3:
            shop.install(*requests, mode="sync")
            continue
        seen = 0

        def fail(name: str, path: str) -> None:
            nonlocal seen
            seen += name in ("rename", "exchange")
            time.sleep(0.0002 if name in ("rename", "exchange") else 0)
            if seen == 30:
                raise OSError(5, "Input/output error")

        try:
            with guarded(fail):
                shop.install(*requests, mode="sync")
        except Exception:  # noqa: BLE001  it was to fail
            pass


@pytest.mark.parametrize("exchangeable", [True, False], ids=["exchange", "two renames"])
def test_listings_beside_a_writer(tmp_path, exchangeable, monkeypatch):
    if not exchangeable:
        monkeypatch.setattr(exchange, "exchange", lambda source, target: False)
    shop, states = make_workshop(tmp_path)
    shop.install(*states["ones"], mode="sync")
    stop = tmp_path / "stop"
    writer = run_child(lambda: rewrite_until(stop, shop, states))
    installer, environment = shop.installer(), Environment.open(shop.environment.root)
    tally: Counter[str] = Counter()
    began = time.monotonic()
    try:
        while os.waitpid(writer, os.WNOHANG)[0] == 0:
            if (
                time.monotonic() - began > 5.0 and min(tally["1"], tally["2"]) > 10
            ):  # a busy machine needs longer for these
                stop.touch()
            for found in (installer.installed(), environment.distributions()):
                versions = {each.version for each in found}
                assert len(found) == len(NAMES), f"{len(found)} distributions"
                assert len(versions) == 1, "a mixture"
                tally[versions.pop()] += 1
    finally:
        stop.touch()
    assert min(tally["1"], tally["2"]) > 10
