"""The same answer whatever the order of the input, the state of the cache, or what other threads do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from envkit.errors import EnvkitError
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource

from .graphs import TARGET
from .test_brute_force import larger

SOLVERS = ("pubgrub", "resolvelib")
SEEDS = range(40)


class Fickle(MemorySource):
    """A source whose cache is in another state at each look: pages seem stale, digests are gone, by chance."""

    def __init__(self, index, seed):
        super().__init__(index)
        self.random = Random(seed)

    def page_identity(self, name):
        return super().page_identity(name) if self.random.random() < 0.5 else None

    def load_digest(self, key):
        return super().load_digest(key) if self.random.random() < 0.5 else None


def answer(source, roots, solver="pubgrub", **options):
    try:
        resolution = Resolver(TARGET, source, solver=solver).resolve(roots, **options)
    except EnvkitError as error:
        return error.message
    return {name: str(pin.version) for name, pin in resolution.pins.items()}


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_state_of_the_cache_does_not_matter(solver):
    for seed in SEEDS:
        index, roots = larger(seed)
        expected = answer(MemorySource(index), roots, solver)
        fickle = Fickle(index, seed)
        assert [answer(fickle, roots, solver) for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_order_of_input_and_index_does_not_matter(solver):
    for seed in SEEDS:
        index, roots = larger(seed)
        constraints = [f"{name}<5" for name in sorted(index)]
        expected = answer(MemorySource(index), roots, solver, constraints=constraints)
        random = Random(seed)
        for _ in range(3):
            names = random.sample(sorted(index), len(index))
            shuffled = {name: dict(random.sample(list(index[name].items()), len(index[name]))) for name in names}
            mixed = random.sample(roots, len(roots))
            rows = random.sample(constraints, len(constraints))
            assert answer(MemorySource(shuffled), mixed, solver, constraints=rows) == expected


def test_threads_that_share_a_source_do_not_matter():
    index, roots = {}, []
    for seed in SEEDS:
        graph, wanted = larger(seed)
        index |= {
            f"s{seed}-{name}": {
                version: [f"s{seed}-{text}" for text in requires] for version, requires in versions.items()
            }
            for name, versions in graph.items()
        }
        roots.append([f"s{seed}-{name}" for name in wanted])
    expected = [answer(MemorySource(index), wanted) for wanted in roots]
    shared = MemorySource(index)
    jobs = [(number % len(roots)) for number in range(3 * len(roots))]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda job: answer(shared, roots[job]), jobs))
    assert found == [expected[job] for job in jobs]
