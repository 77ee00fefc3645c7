"""Where the bounds end a search: who fought most, how far it came, and what may still be asked."""

from __future__ import annotations

import pytest

from envkit.errors import Cancelled, EnvkitError, ResolutionError, ResolutionTooDeep, WheelBuildError
from envkit.events import CancelToken
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET
from .test_brute_force import larger


def too_deep(index, roots, rounds, solver="pubgrub"):
    with pytest.raises(ResolutionTooDeep) as caught:
        Resolver(TARGET, MemorySource(index), ResolutionPolicy(max_rounds=rounds), solver).resolve(roots)
    return caught.value


def test_who_fought_most_is_named_first():
    index, roots = larger(217)
    error = too_deep(index, roots, 30)
    counts = error.context["conflicts"]
    named = error.message.partition("; ")[2].removesuffix(" conflicted most").split(", ")
    assert named == sorted(counts, key=lambda name: (-counts[name], name))[:5]
    assert counts[named[0]] > counts[named[-1]]


def test_the_best_that_was_reached_is_told_though_it_was_given_up():
    shorter = 0
    for seed in (217, 243, 287, 344):
        index, roots = larger(seed)
        far = 0
        for rounds in range(1, 40):
            try:
                Resolver(TARGET, MemorySource(index), ResolutionPolicy(max_rounds=rounds)).resolve(roots)
            except ResolutionTooDeep as error:
                best = error.context["best"]
                assert len(best) >= far, (seed, rounds)
                assert all(version in index[name] for name, version in best.items())
                shorter += len(best) == far
                far = len(best)
            except EnvkitError:
                break
            else:
                break
    assert shorter  # some searches do go back


def test_what_was_decided_so_far_is_the_best_of_a_search_without_conflicts():
    index = {"a": {"1": ["b"]}, "b": {"1": ["c"]}, "c": {"1": []}}
    assert too_deep(index, ["a"], 2).context["best"] == {"a": "1", "b": "1"}


@pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])
def test_cancelling_in_the_middle_ends_a_search(solver):
    index, roots = larger(65)
    cancel, seen = CancelToken(), []

    def watch(event):
        seen.append(event)
        if len(seen) == 10:
            cancel.cancel()

    with pytest.raises(Cancelled):
        Resolver(TARGET, MemorySource(index), None, solver, watch, cancel).resolve(roots)
    assert len(seen) < 20


def test_as_many_builds_may_fail_as_the_policy_says():
    for limit, built in ((2, 2), (3, 3), (9, 4)):
        source = MemorySource({"a": {str(at): Release(files=[f"a-{at}.tar.gz"]) for at in range(4)}})
        asked = []

        def metadata(name, version, artifacts):
            asked.append(str(version))  # noqa: B023  called before the next turn
            raise WheelBuildError("there is no compiler")

        source.metadata = metadata
        with pytest.raises(ResolutionError):
            Resolver(TARGET, source, ResolutionPolicy(max_failed_builds=limit)).resolve(["a"])
        assert len(set(asked)) == built
