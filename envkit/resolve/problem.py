"""The problem that solvers solve: nodes with candidates as bits, and dependencies as masks over them.

A node is the root, a project, or an extra of a project. A project's bits are those of its `VersionLine`, followed by one
for each direct reference to it; an extra has one bit, "asked for", and no version of its own, so that a project is decided
once however many extras are wanted. Bit 0 always means "not in the solution".

Some candidates are *conditional*: a yanked version, or a direct reference, counts only where somebody asks for exactly it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from envkit.model.identity import normalize, parse_version
from envkit.model.policy import Prereleases
from envkit.resolve.catalog import Catalog
from envkit.resolve.dependencies import Dependency, Unusable, VersionDependencies
from envkit.resolve.digest import Releases
from envkit.resolve.ports import DirectCandidate, DirectRequest
from envkit.resolve.versions import ABSENT, is_exact

ROOT = 0
YES = 2


@dataclass(slots=True, eq=False)
class Node:
    """One thing to decide. All integers are masks; *order* is when it was first met."""

    index: int
    name: str
    extra: str | None = None
    base: int = -1
    full: int = ABSENT | YES
    eligible: int = YES
    stable: int = YES
    usual: int = YES
    preferred: int = 0
    lowest: bool = False
    releases: Releases | None = None
    direct: list[DirectRequest] = field(default_factory=list[DirectRequest])
    extras: dict[str, int] = field(default_factory=dict[str, int])
    allowed: int = -1

    @property
    def label(self) -> str:
        """The name, with the extra in brackets."""
        return f"{self.name}[{self.extra}]" if self.extra is not None else self.name


class Need(NamedTuple):
    """*node* must be within *mask*, because of *text*."""

    node: int
    mask: int
    text: str


class Restart(Exception):
    """A candidate that did not count before counts now: what was learned without it is void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a resolution is asked for, in rows.

    *roots* are requirements whose markers hold; *constraints* apply to projects that are pulled in; *overrides* replace
    every requirement of their name (an empty tuple drops it); *preferences* are versions by name.
    """

    roots: tuple[Dependency, ...]
    constraints: tuple[Dependency, ...] = ()
    overrides: Mapping[str, tuple[Dependency, ...]] = field(default_factory=dict[str, tuple[Dependency, ...]])
    excluded: frozenset[str] = frozenset()
    preferences: Mapping[str, str] = field(default_factory=dict[str, str])
    editables: frozenset[str] = frozenset()


class Problem:
    """Nodes made as they are met. ``asked`` outlives a restart, everything else is made anew by `reset`."""

    def __init__(self, catalog: Catalog, inputs: Inputs) -> None:
        self.catalog = catalog
        self.inputs = inputs
        self.asked: dict[str, set[str]] = {}
        self.direct: dict[str, list[DirectRequest]] = {}
        self.banned: dict[str, set[int]] = {}
        self.unknown_extras = False
        policy = catalog.rules.policy
        self._prereleases: dict[str, Prereleases] = {
            normalize(name): value for name, value in policy.prereleases_by_project.items()
        }
        self._direct_names = frozenset(row.name for row in inputs.roots)
        self._constraints: dict[str, list[Dependency]] = {}
        for row in inputs.constraints:
            self._constraints.setdefault(row.name, []).append(row)
        for row in (*inputs.roots, *inputs.constraints, *(row for rows in inputs.overrides.values() for row in rows)):
            self._note(row)
        self.reset()

    def reset(self) -> None:
        """Forget every node, for a new start with what ``asked`` and ``direct`` hold by now."""
        self.nodes: list[Node] = [Node(index=ROOT, name="", full=ABSENT | YES)]
        self._by_name: dict[str, Node] = {}
        self._needs: dict[tuple[int, int], Sequence[Need] | Unusable] = {}
        self._rows: dict[Dependency, tuple[Need, ...]] = {}
        self._expanded: dict[int, Sequence[Need]] = {}

    def _note(self, row: Dependency) -> bool:
        """Make the conditional candidates that *row* asks for count; true where that is new."""
        if row.url is not None:
            request = DirectRequest(url=row.url, name=row.name, editable=row.url in self.inputs.editables)
            known = self.direct.setdefault(row.name, [])
            if request not in known:
                known.append(request)
                return True
        elif "=" in row.specifier and is_exact(row.specifier):
            asked = self.asked.setdefault(row.name, set())
            if row.specifier not in asked:
                asked.add(row.specifier)
                return True
        return False

    def project(self, name: str) -> Node:
        """Give the node of a project, reading its page where it is new."""
        node = self._by_name.get(name)
        if node is None:
            node = self._by_name[name] = self._make(name)
        return node

    def _make(self, name: str) -> Node:
        node = Node(index=len(self.nodes), name=name)
        self.nodes.append(node)
        node.direct = self.direct.get(name, [])
        only_direct = any(row.name == name and row.url for row in self.inputs.roots)
        releases = Releases.of(name, "", []) if only_direct else self.catalog.releases(name)
        node.releases = releases
        count = len(releases.line.texts)
        node.full = (1 << (count + 1 + len(node.direct))) - 1
        asked = 0
        for specifier in self.asked.get(name, ()):
            asked |= releases.line.mask(specifier)
        preferred = self.inputs.preferences.get(name)
        at = releases.line.index(preferred) if preferred is not None else None
        if at is not None:
            node.preferred = 2 << at
            asked |= node.preferred
        node.usual = node.full & ~ABSENT & ~self.conditional(node)
        node.eligible = node.usual | (releases.yanked & asked) | (node.full & ~releases.line.full)
        for bit in self.banned.get(name, ()):
            node.eligible &= ~(1 << bit)
        node.stable = node.usual
        mode = self._prereleases.get(name, self.catalog.rules.policy.prereleases)
        if mode != "allow":
            node.stable &= ~releases.prereleases
            if mode == "disallow":
                node.eligible &= ~releases.prereleases
        strategy = self.catalog.rules.policy.strategy
        node.lowest = strategy == "lowest" or (strategy == "lowest-direct" and name in self._direct_names)
        node.allowed = node.full
        for row in self._constraints.get(name, ()):
            node.allowed &= self.mask(node, row) | ABSENT
        return node

    def conditional(self, node: Node) -> int:
        """Give the candidates of a project's *node* that count only where exactly they are asked for."""
        assert node.releases is not None
        return node.releases.yanked | (node.full & ~node.releases.line.full)

    def extra_node(self, base: Node, extra: str) -> Node:
        """Give the node of an extra."""
        index = base.extras.get(extra)
        if index is None:
            index = base.extras[extra] = len(self.nodes)
            self.nodes.append(Node(index=index, name=base.name, extra=extra, base=base.index, allowed=-1))
        return self.nodes[index]

    def mask(self, node: Node, row: Dependency) -> int:
        """Give the candidates of a project's *node* that *row* allows."""
        assert node.releases is not None
        line = node.releases.line
        if row.url is not None:
            return sum(line.full + 1 << at for at, request in enumerate(node.direct) if request.url == row.url)
        mask = line.mask(row.specifier)
        for at, request in enumerate(node.direct):
            if not row.specifier or _fits(row.specifier, self.catalog.direct(request)):
                mask |= line.full + 1 << at
        return mask

    def choose(self, node: Node, mask: int) -> int:
        """Give the position of the most wanted bit among *mask*, or 0 where no candidate counts."""
        mask &= node.eligible
        wanted = mask & node.preferred or mask & node.stable or mask & node.usual or mask
        if not wanted:
            return 0
        if not node.lowest:
            return wanted.bit_length() - 1
        bit = (wanted & -wanted).bit_length() - 1
        if node.releases is not None and node.releases.line.has_local and bit <= len(node.releases.line.texts):
            # A local version lies below its public twin, which is preferred also from below.
            texts = node.releases.line.texts
            public = texts[bit - 1].partition("+")[0]
            for at in range(bit, len(texts)):
                if texts[at].partition("+")[0] != public:
                    break
                if texts[at] == public and wanted >> (at + 1) & 1:
                    return at + 1
        return bit

    def order(self, node: Node, mask: int, limit: int) -> list[int]:
        """Give the positions of *mask* that count, the most wanted first, at most *limit*."""
        found: list[int] = []
        while len(found) < limit and (bit := self.choose(node, mask)):
            found.append(bit)
            mask &= ~(1 << bit)
        return found

    def worse(self, node: Node, mask: int, bit: int) -> int:
        """Give the part of *mask* that lies beyond *bit* in the direction in which versions are tried."""
        return mask & -(2 << bit) if node.lowest else mask & ((1 << bit) - 1)

    def prefetch(self, node: Node, bits: Sequence[int]) -> None:
        """Hint that what the candidates at *bits* need will be asked for."""
        self.catalog.prefetch_metadata(node.name, [bit - 1 for bit in bits if self.request(node, bit) is None])

    def root_needs(self) -> Sequence[Need]:
        """Give what the user asks for, in name order, so that the order of the input does not matter."""
        rows = sorted({row for root in self.inputs.roots for row in self._replace(root)}, key=_order)
        self.catalog.prefetch([row.name for row in rows if row.url is None])
        return self._expand(rows)

    def needs(self, node: Node, bit: int) -> Sequence[Need] | Unusable:
        """Give what the candidate at *bit* of a project's *node* needs, without any extra."""
        key = (node.index, bit)
        known = self._needs.get(key)
        if known is None:
            found = self._dependencies(node, bit)
            if isinstance(found, Unusable):
                known = found
            else:
                # Versions with the same dependencies share one object in the digest, and so their needs.
                known = self._expanded.get(id(found.base))
                if known is None:
                    known = self._expanded[id(found.base)] = self._expand_all(found.base)
            self._needs[key] = known
        return known

    def extra_needs(self, node: Node, bit: int) -> Sequence[Need]:
        """Give what an extra's *node* adds where its project is at *bit*; nothing for an extra it does not have."""
        key = (node.index, bit)
        known = self._needs.get(key)
        if known is None:
            found = self._dependencies(self.nodes[node.base], bit)
            rows = () if isinstance(found, Unusable) else found.extras.get(node.extra or "", ())
            self._needs[key] = known = self._expand_all(rows)
        assert not isinstance(known, Unusable)
        return known

    def has_extra(self, node: Node, bit: int) -> bool:
        """Whether the candidate at *bit* provides the extra of *node*."""
        found = self._dependencies(self.nodes[node.base], bit)
        return not isinstance(found, Unusable) and node.extra in found.extras

    def _dependencies(self, node: Node, bit: int) -> VersionDependencies | Unusable:
        request = self.request(node, bit)
        if request is not None:
            return self.catalog.direct_dependencies(request)
        return self.catalog.dependencies(node.name, bit - 1)

    def request(self, node: Node, bit: int) -> DirectRequest | None:
        """Give the direct request behind *bit*, or None for a version of an index."""
        assert node.releases is not None
        at = bit - 1 - len(node.releases.line.texts)
        return node.direct[at] if at >= 0 else None

    def version(self, node: Node, bit: int) -> str:
        """Give the version text at *bit*."""
        request = self.request(node, bit)
        if request is not None:
            return str(self.catalog.direct(request).version)
        assert node.releases is not None
        return node.releases.line.texts[bit - 1]

    def _expand_all(self, rows: Sequence[Dependency]) -> Sequence[Need]:
        kept = [new for row in rows for new in self._replace(row)]
        self.catalog.prefetch([row.name for row in kept if row.url is None and row.name not in self._by_name])
        return self._expand(kept)

    def _replace(self, row: Dependency) -> Iterable[Dependency]:
        if row.name in self.inputs.excluded:
            return ()
        replacement = self.inputs.overrides.get(row.name)
        if replacement is None:
            return (row,)
        # An override says which version; the extras that were asked for are still wanted.
        return [new._replace(extras=tuple(sorted({*new.extras, *row.extras}))) for new in replacement]

    def _expand(self, rows: Sequence[Dependency]) -> Sequence[Need]:
        needs: list[Need] = []
        for row in rows:
            known = self._rows.get(row)
            if known is None:
                known = self._rows[row] = self._need(row)
            needs += known
        return needs

    def _need(self, row: Dependency) -> tuple[Need, ...]:
        node = self._by_name.get(row.name)
        if self._note(row) and node is not None and self._matters(node, row):
            raise Restart
        node = node or self.project(row.name)
        text = row.text
        first = Need(node.index, self.mask(node, row), text)
        return (first, *(Need(self.extra_node(node, extra).index, YES, text) for extra in row.extras))

    def _matters(self, node: Node, row: Dependency) -> bool:
        assert node.releases is not None
        if row.url is not None:
            return True
        return bool(node.releases.line.mask(row.specifier) & node.releases.yanked & ~node.eligible)


def _fits(specifier: str, candidate: DirectCandidate) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(parse_version(str(candidate.version)), prereleases=True)


def _order(row: Dependency) -> tuple[str, tuple[str, ...], str, str]:
    return (row.name, row.extras, row.specifier, row.url or "")
