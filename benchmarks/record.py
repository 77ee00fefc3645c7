"""Make or fill the recording from the live index: ``python -m benchmarks record``.

1. Each workload is resolved by the peers through a served index that asks the live one for what it lacks. What they ask
   for is recorded.
2. A bounded crawl adds what other solvers might ask for: metadata of the newest versions of each project (before each
   workload's cut-off too, all versions of the few projects that solvers walk through), the pages of what these depend on,
   and a little of their metadata.
3. The shards are written. What is recorded already stays.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from benchmarks.live import LiveIndex, default_database
from benchmarks.live_source import LiveSource
from benchmarks.metadata_fields import MetadataFields
from benchmarks.recording import DEFAULT, read_recording, write_recording
from benchmarks.serving import served
from benchmarks.workloads import ALL, Workload

EDGE_FILES = 400
PYTHON = Version("3.11.7")


def record(
    workloads: Iterable[Workload],
    folder: Path,
    database: Path,
    peers: Iterable[str],
    versions: int,
    timeout: float,
    lock: str | None = None,
) -> None:
    """Record *workloads* into *folder*, keeping what is there; *lock* is a range of Pythons to lock them for as well."""
    from benchmarks.peers import PEERS

    live = LiveIndex(database)
    source = LiveSource(live)
    kept = set(read_recording(folder)) if folder.is_dir() and any(folder.glob("*.rec")) else set()
    cutoffs: dict[str, set[int]] = {}
    deep: set[str] = set()
    for workload in workloads:
        with served(fill=database) as index, tempfile.TemporaryDirectory() as cache:
            for peer in peers:
                start = time.perf_counter()
                outcome = PEERS[peer](index.url, Path(cache) / peer, timeout).resolve(workload)
                print(
                    f"{workload.name} by {peer}: {outcome.summary()} in {time.perf_counter() - start:.1f} s", flush=True
                )
            if lock is not None:
                _lock(workload, index.url, Path(cache), lock)
            asked = {path.split("/")[2] for path in index.stats()["asked"]}
        newest = int(datetime.fromisoformat(workload.exclude_newer).timestamp()) if workload.exclude_newer else 2**32
        for name in asked:
            cutoffs.setdefault(name, set()).add(newest)
        deep |= set(workload.deep)
    crawl = Crawl(source, versions)
    if versions:
        crawl.run(cutoffs, deep)
    names = kept | set(cutoffs) | crawl.names
    found = [project for name in sorted(names) if (project := source.project(name)) is not None]
    # Hashes cannot be compressed: a large page that no peer asked for is not worth its place.
    asked_for = kept | set(cutoffs)
    projects = [project for project in found if project.name in asked_for or len(project.files) <= EDGE_FILES]
    size = write_recording(folder, projects)
    files = sum(len(project.files) for project in projects)
    metadata = sum(len(project.metadata) for project in projects)
    print(
        f"{len(projects)} projects, {files} files, {metadata} metadata files: {size / 1e6:.1f} MB; {live.fetched} fetches"
    )
    live.close()


def _lock(workload: Workload, url: str, cache: Path, requires_python: str) -> None:
    """Let both lockers ask for what a lock for all platforms needs."""
    from benchmarks.lockers import UvLock
    from benchmarks.locking import PLATFORMS
    from benchmarks.workers import Worker

    theirs = UvLock(url, cache / "uv-lock", cache / "project", requires_python, PLATFORMS, timeout=900)
    print(f"{workload.name} by uv lock: {theirs.resolve(workload).summary()}", flush=True)
    with Worker(url, cache / "envkit-lock") as worker:
        ours = worker.lock(workload, {"requires_python": requires_python, "environments": list(PLATFORMS)})
    print(f"{workload.name} by envkit's lock: {ours.summary()}", flush=True)


class Crawl:
    """Fetch what solvers other than those that were run might ask for, within bounds."""

    def __init__(self, source: LiveSource, versions: int) -> None:
        self._source, self._versions = source, versions
        self._tags = frozenset(sys_tags())
        self.names: set[str] = set()

    def run(self, cutoffs: dict[str, set[int]], deep: set[str]) -> None:
        """Crawl from the projects of *cutoffs* (name -> times before which the newest versions matter)."""
        every = max((cut for cuts in cutoffs.values() for cut in cuts), default=2**32)
        wanted = {
            (name, file)
            for name, cuts in cutoffs.items()
            for cut in {every, *cuts}
            for file in self._newest(name, cut, 10**6 if name in deep else self._versions)
        }
        dependencies = self._fetch(wanted)
        edge = dependencies - set(cutoffs)
        print(
            f"{len(wanted)} metadata files of {len(cutoffs)} projects, {len(edge)} more projects at the edge",
            flush=True,
        )
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._source.project, sorted(edge)))
        self._fetch({(name, file) for name in edge for file in self._newest(name, 2**32, 3)})
        self.names = edge

    def _newest(self, name: str, cutoff: int, count: int) -> list[str]:
        """Name the best wheel of each of the newest *count* usable versions that are older than *cutoff*."""
        project = self._source.project(name)
        best: dict[Version, str] = {}
        for file in project.files if project is not None else ():
            if not file.is_wheel or file.time > cutoff or file.yanked or not _fits(file.requires_python):
                continue
            try:
                _, version, _, tags = parse_wheel_filename(file.filename)
            except InvalidWheelFilename:
                continue
            if not tags.isdisjoint(self._tags):
                best.setdefault(version, file.filename)
        stable = [version for version in sorted(best, reverse=True) if not version.is_prerelease]
        return [best[version] for version in (stable or sorted(best, reverse=True))[:count]]

    def _fetch(self, wanted: set[tuple[str, str]]) -> set[str]:
        """Fetch metadata, and name the projects it depends on by default on this platform."""
        found: set[str] = set()
        with ThreadPoolExecutor(8) as pool:
            for fields in pool.map(lambda pair: self._source.fields(*pair), sorted(wanted)):
                found.update(_dependencies(fields))
        return found


def _fits(requires_python: str | None) -> bool:
    if not requires_python:
        return True
    try:
        return PYTHON in SpecifierSet(requires_python)
    except InvalidSpecifier:
        return False


def _dependencies(fields: MetadataFields | None) -> Iterator[str]:
    for text in fields.requires_dist if fields is not None else ():
        try:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                yield canonicalize_name(requirement.name)
        except (InvalidRequirement, UndefinedEnvironmentName):
            continue


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks record", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(ALL)}; all if none is named")
    parser.add_argument("--folder", type=Path, default=DEFAULT)
    parser.add_argument("--database", type=Path, default=default_database())
    parser.add_argument("--peers", default="uv", help="who resolves while recording, with commas")
    parser.add_argument(
        "--versions", type=int, default=60, help="newest versions of a project whose metadata is recorded"
    )
    parser.add_argument("--timeout", type=float, default=100.0, help="seconds for each peer and workload")
    parser.add_argument("--lock", help="lock for this range of Pythons and three platforms too, as >=3.10,<3.13")
    parser.add_argument("--fill", action="store_true", help="no crawl: add what the peers ask for, and nothing else")
    options = parser.parse_args(arguments)
    versions = 0 if options.fill else options.versions
    chosen = [ALL[name] for name in options.workloads] or list(ALL.values())
    peers = [peer for peer in options.peers.split(",") if peer]
    record(chosen, options.folder, options.database, peers, versions, options.timeout, options.lock)


if __name__ == "__main__":
    main()
