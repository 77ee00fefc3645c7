"""What is asked for ahead of the solver, and in which order."""

from __future__ import annotations

from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource

from .graphs import TARGET

PROJECTS = {
    "quick": {"1.0": ["below"], "0.9": ["never"]},
    "late": {"1.0": ["below[more]"]},
    "below": {"1.0": ["end"]},
    "end": {"1.0": []},
    "never": {"1.0": []},
}


class SlowSource(MemorySource):
    """Pages arrive a few questions after they were asked for, that of ``late`` only when it is waited for."""

    def __init__(self):
        super().__init__(PROJECTS)
        self.log = []
        self.patience = {}

    def prefetch_pages(self, names):
        for name in names:
            self.log.append(f"ask {name}")
            self.patience[name] = 10_000 if name == "late" else 2

    def page_identity(self, name):
        left = self.patience.get(name, 1)
        self.patience[name] = left - 1
        return super().page_identity(name) if left <= 0 else None

    def page(self, name):
        if self.patience.get(name, 1) > 0:
            self.log.append(f"wait {name}")
        self.patience[name] = 0
        return super().page(name)

    def prefetch_metadata(self, artifacts):
        self.log += [f"metadata {artifact.filename.split('-')[0]}" for artifact in artifacts]


def test_a_late_page_holds_up_only_what_hangs_on_it():
    source = SlowSource()
    resolution = Resolver(TARGET, source).resolve(["quick", "late"])
    assert sorted(resolution.pins) == ["below", "end", "late", "quick"]
    log = source.log
    # What the quick one needs is on its way before the late one is waited for.
    assert log.index("metadata quick") < log.index("ask below") < log.index("wait late") < log.index("ask end")
    assert not [line for line in log if "never" in line]
    assert len(log) == len(set(log))
