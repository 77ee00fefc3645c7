"""Random small dependency graphs, and brute force over them: the oracle of the solvers."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from envkit.model.target import Target
from envkit.testing.source import MemorySource, Release

MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.4",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6.0",
    "platform_system": "Linux",
    "platform_version": "1",
    "python_full_version": "3.11.4",
    "python_version": "3.11",
    "sys_platform": "linux",
}
TARGET = Target(python="3.11.4", markers=MARKERS, tags=("cp311-cp311-manylinux_2_17_x86_64", "py3-none-any"))

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1", "2", "3a1", "3")
EXTRAS = ("x", "y")
SPECIFIERS = ("", "==1", "==2", ">=2", "<2", "<3", "!=2", ">=2,<3", "==3", "==3a1", ">1", "~=2.0", "==9")


def requirements(names=NAMES):
    """Requirement texts over the given projects."""
    return st.builds(
        lambda name, extra, specifier, marker: name + extra + specifier + marker,
        st.sampled_from(names),
        st.sampled_from(("", "", "", "[x]", "[y]", "[x,y]", "[unknown]")),
        st.sampled_from(SPECIFIERS),
        st.sampled_from(("", "", "", "", "; sys_platform == 'win32'", "; python_version >= '3.8'")),
    )


def extra_requirements():
    """Requirement texts that hold for an extra only."""
    return st.builds(
        lambda text, extra: text.partition(";")[0] + f"; extra == '{extra}'", requirements(), st.sampled_from(EXTRAS)
    )


def releases(*, yanked=True):
    """Descriptions of one version."""
    return st.builds(
        lambda requires, more, yank: Release(
            requires=(*requires, *more), extras=EXTRAS, yanked="bad" if yank and yanked else None
        ),
        st.lists(requirements(), max_size=2),
        st.lists(extra_requirements(), max_size=1),
        st.integers(0, 5).map(lambda number: number == 0),
    )


def indexes(**options):
    """Whole indexes: project to version to release."""
    return st.dictionaries(
        st.sampled_from(NAMES),
        st.dictionaries(st.sampled_from(VERSIONS), releases(**options), min_size=1, max_size=4),
        min_size=2,
        max_size=4,
    )


def _holds(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**MARKERS, "extra": extra})


def problems(index, roots, choice, pinned_yanks):
    """Yield each way in which *choice* (project to version) breaks a rule, judging with nothing but packaging."""
    active = [Requirement(text) for text in roots if _holds(Requirement(text))]
    seen = set()
    queue = list(active)
    needed = set()
    while queue:
        requirement = queue.pop()
        name = requirement.name
        needed.add(name)
        if name not in choice:
            yield f"{name} is missing"
            return
        version = choice[name]
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{name} {version} does not fit {requirement}"
            return
        release = index[name][version]
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in release.requires:
                other = Requirement(text)
                if _holds(other, extra) and (extra == "" or not _holds(other)):
                    queue.append(other)
    for name in needed:
        if index[name][choice[name]].yanked is not None and (name, choice[name]) not in pinned_yanks:
            yield f"{name} {choice[name]} is yanked"


def pinned_yanks(index, roots):
    """Give the yanked versions that count: those that some root or some release pins exactly."""
    found = set()
    texts = [*roots, *(t for versions in index.values() for release in versions.values() for t in release.requires)]
    for text in texts:
        requirement = Requirement(text)
        for clause in requirement.specifier:
            if clause.operator == "==" and not clause.version.endswith(".*"):
                for version in index.get(requirement.name, ()):
                    if Version(version) == Version(clause.version):
                        found.add((requirement.name, version))
    return found


def solvable(index, roots, yanks):
    """Whether any choice at all satisfies *roots*."""
    names = sorted(index)
    return any(
        not any(problems(index, roots, dict(zip(names, versions, strict=True)), yanks))
        for versions in itertools.product(*(index[name] for name in names))
    )


def source(index) -> MemorySource:
    """Serve *index*; projects without versions are unknown."""
    return MemorySource(index)
