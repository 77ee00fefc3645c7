"""How PubGrub searches: what it decides first, how far it looks, and that none of it depends on chance."""

from __future__ import annotations

from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource

from .graphs import TARGET


def resolve(source, roots):
    resolution = Resolver(TARGET, source, solver="pubgrub").resolve(roots)
    return {name: str(pin.version) for name, pin in resolution.pins.items()}


def test_what_keeps_clashing_is_decided_before_what_it_clashes_with():
    # "b" is met first and decided at its newest, which no version of "z" but ancient ones can live with.
    index = {
        "a": {"1": ["b", "y"]},
        "b": {"1": [], "2": []},
        "y": {"1": ["z"]},
        "z": {**{str(n): [f"b<2,>0.{n}"] for n in range(10, 200)}, "1": []},
    }
    source = MemorySource(index)
    assert resolve(source, ["a"]) == {"a": "1", "b": "1", "y": "1", "z": "199"}
    assert sum(call[0] == "metadata" for call in source.calls) < 30
