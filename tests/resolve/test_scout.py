"""What is asked for ahead of the solver, and in which order."""

from __future__ import annotations

import pytest

from envkit.model.policy import ResolutionPolicy
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

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


@pytest.mark.parametrize(
    ("policy", "options", "expected"),
    [
        (ResolutionPolicy(), {}, "a-3"),
        (ResolutionPolicy(prereleases="allow"), {}, "a-4rc1"),
        (ResolutionPolicy(strategy="lowest"), {}, "a-1"),
        (ResolutionPolicy(), {"constraints": ["a<3"]}, "a-2"),
        (ResolutionPolicy(), {"overrides": ["a<3"]}, "a-2"),
        (ResolutionPolicy(), {"preferences": ["a==1"]}, "a-1"),
        (ResolutionPolicy(), {"preferences": ["a==4rc1"]}, "a-4rc1"),
    ],
)
def test_the_version_that_is_read_ahead_is_the_one_that_is_chosen(policy, options, expected):
    class Unread(MemorySource):
        """A source of which no page is at hand before it is read."""

        def page_identity(self, name):
            return super().page_identity(name) if ("page", name) in self.calls else None

        def prefetch_metadata(self, artifacts):
            ahead.extend(artifact.filename.removesuffix("-py3-none-any.whl") for artifact in artifacts)

    ahead = []
    index = {"a": {"1": [], "2": [], "3": [], "4rc1": [], "5": Release(yanked="")}}
    Resolver(TARGET, Unread(index), policy).resolve(["a"], **options)
    assert ahead == [expected]
