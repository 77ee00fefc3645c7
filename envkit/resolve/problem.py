"""The problem that solvers solve: nodes with candidates as bits, and what each candidate needs as masks over them.

Nodes are made as they are met, so that only pages and metadata which matter are read. Some candidates are *conditional*: a
yanked version, or a direct reference, counts only where somebody asks for exactly it. When the first such wish is met
after the project, everything made so far is void, and the search begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from envkit.model.identity import normalize, parse_version
from envkit.resolve.dependencies import Dependency, Unusable, VersionDependencies
from envkit.resolve.digest import Releases
from envkit.resolve.node import ROOT, YES, Need, Node
from envkit.resolve.versions import ABSENT
from envkit.resolve.wishes import Wishes, matters

if TYPE_CHECKING:
    from envkit.model.policy import Prereleases
    from envkit.resolve.catalog import Catalog
    from envkit.resolve.inputs import Inputs
    from envkit.resolve.ports import DirectCandidate


class Restart(Exception):
    """A candidate that did not count before counts now: what was learned without it is void."""


class Problem:
    """Nodes made as they are met. ``wishes`` outlive a restart, everything else is made anew by `reset`."""

    def __init__(self, catalog: Catalog, inputs: Inputs) -> None:
        self.catalog = catalog
        self.inputs = inputs
        self.wishes = Wishes(inputs)
        self.unknown_extras = False
        policy = catalog.rules.policy
        self._prereleases: dict[str, Prereleases] = {
            normalize(name): value for name, value in policy.prereleases_by_project.items()
        }
        self._direct_names = frozenset(row.name for row in inputs.roots)
        self._direct_roots = frozenset(row.name for root in inputs.roots for row in self._replace(root) if row.url)
        self._alone = not policy.dependencies
        self._constraints: dict[str, list[Dependency]] = {}
        for row in inputs.constraints:
            self._constraints.setdefault(row.name, []).append(row)
        self.reset()

    def reset(self) -> None:
        """Forget every node, for a new start with the wishes that are known by now."""
        self.nodes: list[Node] = [Node(index=ROOT, name="")]
        self._by_name: dict[str, Node] = {}
        self._needs: dict[tuple[int, int], Sequence[Need] | Unusable] = {}
        self._rows: dict[Dependency, tuple[Need, ...]] = {}
        self._expanded: dict[int, Sequence[Need]] = {}

    # -- nodes

    def project(self, name: str) -> Node:
        """Give the node of a project, reading its page where it is new."""
        node = self._by_name.get(name)
        if node is None:
            node = self._by_name[name] = self._make(name)
        return node

    def _make(self, name: str) -> Node:
        node = Node(index=len(self.nodes), name=name)
        self.nodes.append(node)
        node.direct = self.wishes.direct(name)
        releases = Releases.of(name, "", []) if name in self._direct_roots else self.catalog.releases(name)
        node.releases = releases
        line = releases.line
        node.full = (1 << (len(line.texts) + 1 + len(node.direct))) - 1
        asked = 0
        for specifier in self.wishes.exact(name):
            asked |= line.mask(specifier)
        preferred = self.inputs.preferences.get(name)
        at = line.index(preferred) if preferred is not None else None
        if at is not None:
            node.preferred = 2 << at
            asked |= node.preferred
        node.usual = node.stable = node.full & ~ABSENT & ~node.conditional
        node.eligible = (node.usual | (releases.yanked & asked) | (node.full & ~line.full)) & ~self.wishes.banned(name)
        policy = self.catalog.rules.policy
        mode = self.prereleases(name)
        if mode != "allow":
            node.stable &= ~releases.prereleases
            if mode == "disallow":
                node.eligible &= ~releases.prereleases
        tell = getattr(self.catalog.source, "second_choices", None)
        node.later = tell(name, line.texts) if tell is not None else 0
        if policy.prefer_binary:
            node.later |= self.catalog.without_wheels(name) & ~node.preferred
        node.lowest = policy.strategy == "lowest" or (policy.strategy == "lowest-direct" and name in self._direct_names)
        node.allowed = node.full
        for row in self._constraints.get(name, ()):
            node.allowed &= self.mask(node, row) | ABSENT
        return node

    def prereleases(self, name: str) -> Prereleases:
        """Tell what the policy says of a project's pre-releases."""
        return self._prereleases.get(name, self.catalog.rules.policy.prereleases)

    def extra_node(self, base: Node, extra: str) -> Node:
        """Give the node of an extra."""
        index = base.extras.get(extra)
        if index is None:
            index = base.extras[extra] = len(self.nodes)
            self.nodes.append(Node(index=index, name=base.name, extra=extra, base=base.index))
        return self.nodes[index]

    def mask(self, node: Node, row: Dependency) -> int:
        """Give the candidates of a project's *node* that *row* allows."""
        assert node.releases is not None
        line = node.releases.line
        if row.url is not None:
            from envkit.resolve.places import meets

            return sum(line.full + 1 << at for at, request in enumerate(node.direct) if meets(row.url, request.url))
        mask = line.mask(row.specifier)
        for at, request in enumerate(node.direct):
            if not row.specifier or _fits(row.specifier, self.catalog.direct(request)):
                mask |= line.full + 1 << at
        return mask

    def version(self, node: Node, bit: int) -> str:
        """Give the version text at *bit*."""
        request = node.request(bit)
        if request is not None:
            return str(self.catalog.direct(request).version)
        assert node.releases is not None
        return node.releases.line.texts[bit - 1]

    # -- needs

    def root_needs(self) -> Sequence[Need]:
        """Give what the user asks for, in name order, so that the order of the input does not matter."""
        return self._expand(sorted({row for root in self.inputs.roots for row in self._replace(root)}, key=in_order))

    def needs(self, node: Node, bit: int) -> Sequence[Need] | Unusable:
        """Give what the candidate at *bit* of a project's *node* needs, without any extra."""
        key = (node.index, bit)
        known = self._needs.get(key)
        if known is None:
            found = self._dependencies(node, bit)
            if isinstance(found, Unusable):
                known = found
            elif self._alone:
                known = ()
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
            rows = () if self._alone or isinstance(found, Unusable) else found.extras.get(node.extra or "", ())
            self._needs[key] = known = self._expand_all(rows)
        assert not isinstance(known, Unusable)
        return known

    def has_extra(self, node: Node, bit: int) -> bool:
        """Whether the candidate at *bit* provides the extra of *node*."""
        found = self._dependencies(self.nodes[node.base], bit)
        return not isinstance(found, Unusable) and node.extra in found.extras

    def knows(self, node: Node, bit: int) -> bool:
        """Whether what the candidate at *bit* of a project's *node* needs is at hand."""
        if node.request(bit) is not None:
            return False
        assert node.releases is not None
        return node.releases.knows(bit - 1)

    def prefetch(self, node: Node, bits: Sequence[int]) -> None:
        """Hint that what the candidates at *bits* need will be asked for."""
        self.catalog.prefetch_metadata(node.name, [bit - 1 for bit in bits if node.request(bit) is None])

    def _dependencies(self, node: Node, bit: int) -> VersionDependencies | Unusable:
        request = node.request(bit)
        if request is not None:
            return self.catalog.direct_dependencies(request)
        return self.catalog.dependencies(node.name, bit - 1)

    def _expand_all(self, rows: Sequence[Dependency]) -> Sequence[Need]:
        return self._expand([new for row in rows for new in self._replace(row)])

    def _replace(self, row: Dependency) -> Iterable[Dependency]:
        if row.name in self.inputs.excluded:
            return ()
        replacement = self.inputs.overrides.get(row.name)
        if replacement is None:
            return (row,)
        # An override says which version; the extras that were asked for are still wanted.
        return [new._replace(extras=tuple(sorted({*new.extras, *row.extras}))) for new in replacement]

    def _expand(self, rows: Sequence[Dependency]) -> Sequence[Need]:
        if self.catalog.scout is None:  # until the scout has walked, nothing was missing
            self.catalog.prefetch([row.name for row in rows if row.url is None and row.name not in self._by_name])
        needs: list[Need] = []
        for row in rows:
            known = self._rows.get(row)
            if known is None:
                known = self._rows[row] = self._need(row)
            needs += known
        return needs

    def _need(self, row: Dependency) -> tuple[Need, ...]:
        node = self._by_name.get(row.name)
        if self.wishes.note(row) and node is not None and matters(node, row):
            raise Restart
        node = node or self.project(row.name)
        text = row.text
        first = Need(node.index, self.mask(node, row), text)
        if not row.extras:
            return (first,)
        return (first, *(Need(self.extra_node(node, extra).index, YES, text) for extra in row.extras))


def _fits(specifier: str, candidate: DirectCandidate) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(parse_version(str(candidate.version)), prereleases=True)


def in_order(row: Dependency) -> tuple[str, tuple[str, ...], str, str]:
    """Give what requirements are sorted by, so that the order of the input does not matter."""
    return (row.name, row.extras, row.specifier, row.url or "")
