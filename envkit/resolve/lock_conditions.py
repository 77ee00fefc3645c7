"""The requirements of a project as a whole *space* of environments sees them.

A requirement whose marker can hold somewhere in the space always counts. Requirements that exclude each other and never hold
together cannot be put to a solver: a name that stands for the division of the space takes their place, and is in the
outcome if they matter.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envkit.dataclass import dataclass
from envkit.model.identity import normalize
from envkit.model.marker_sets import MarkerSets, Node
from envkit.model.marker_text import marker_of, set_of
from envkit.model.requirement import parse_requirement

FORK_PREFIX = "envkit-fork-"
_EXTRA = re.compile(r"""\bextra [!=]= ["']([^"']+)|["']([^"']+)["'] [!=]= extra\b""")

Condition = tuple[str, str]
"""A marker, and the extra with which it is asked ("" for none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """A requirement without its marker: *node* holds where it counts, apart from extras; *condition* is its marker."""

    text: str
    name: str
    specifier: str
    url: str | None
    node: Node
    condition: Condition


class Conditions:
    """Evaluates requirements for one space, and knows what is needed in a part of it only."""

    def __init__(self, sets: MarkerSets, space: Node) -> None:
        self.sets = sets
        self.space = space
        self._partial: dict[str, dict[str, dict[Condition, None]]] = {}
        self._heads: dict[str, bytes] = {}

    def evaluate(self, name: str, texts: Iterable[str]) -> list[str]:
        """Give the requirements of *name* that count somewhere, without markers but for the extra that brings them."""
        base: list[Conditional] = []
        by_extra: dict[str, list[Conditional]] = {}
        for text in texts:
            requirement = parse_requirement(text)
            always = self._conditional(requirement, "")
            if self._counts(always):
                base.append(always)
                self._see(name, always)
                continue  # what counts somewhere without an extra is always there for the solver
            for extra in _extras_of(requirement):
                conditional = self._conditional(requirement, extra)
                if self._counts(conditional):
                    by_extra.setdefault(extra, []).append(conditional)
                    self._see(name, conditional)
        found = self._apart(base, ())
        for extra, added in by_extra.items():
            found += [f'{text} ; extra == "{extra}"' for text in self._apart(added, base)]
        return found

    def _counts(self, conditional: Conditional) -> bool:
        return not self.sets.is_empty(self.sets.both(conditional.node, self.space))

    def _see(self, name: str, conditional: Conditional) -> None:
        if not self.sets.is_within(self.space, conditional.node):
            self._partial.setdefault(name, {}).setdefault(conditional.name, {})[conditional.condition] = None

    def _conditional(self, requirement: Requirement, extra: str) -> Conditional:
        """Take the marker off, with *extra* asked for ("" for none)."""
        marker = str(requirement.marker) if requirement.marker is not None else None
        node = set_of(self.sets, marker, extra=extra)
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        what = f" @ {requirement.url}" if requirement.url else str(requirement.specifier)
        return Conditional(
            text=f"{requirement.name}{extras}{what}",
            name=normalize(requirement.name),
            specifier=str(requirement.specifier),
            url=requirement.url,
            node=node,
            condition=(marker or "", extra),
        )

    def _apart(self, rows: Sequence[Conditional], others: Sequence[Conditional]) -> list[str]:
        """Give *rows* for the solver; those that exclude each other, or *others*, give way to a division."""
        ours = {id(one) for one in rows}
        by_name: dict[str, list[Conditional]] = {}
        for one in (*others, *rows):
            by_name.setdefault(one.name, []).append(one)
        dropped: set[int] = set()
        forks: dict[str, None] = {}
        for one, other in (pair for group in by_name.values() for pair in itertools.combinations(group, 2)):
            if id(other) in ours and self._never_together(one, other) and _exclude_each_other(one, other):
                forks[self._fork(other.node)] = None
                dropped |= {id(one), id(other)}
        return [*(one.text for one in rows if id(one) not in dropped), *forks]

    def _never_together(self, one: Conditional, other: Conditional) -> bool:
        return self.sets.is_empty(self.sets.both(self.sets.both(one.node, other.node), self.space))

    def _fork(self, node: Node) -> str:
        return FORK_PREFIX + (marker_of(self.sets, node, self.space) or "").encode().hex()

    def fork_node(self, name: str) -> Node:
        """Give the set by which a name that stands for a division divides."""
        return set_of(self.sets, bytes.fromhex(name[len(FORK_PREFIX) :]).decode())

    def partial(self, name: str, child: str) -> list[Node]:
        """Give the sets of environments, parts of the space, for which *name* ("" for the roots) needs *child*."""
        conditions = dict(self._partial.get(name, {}).get(child, {}))
        for condition in self._stored(name).get(child, ()):
            conditions[condition[0], condition[1]] = None
        return [set_of(self.sets, marker, extra=extra) for marker, extra in conditions]

    def partials(self) -> list[Node]:
        """Give all the sets of environments for which somebody needs something."""
        pairs = [(name, child) for name, children in self._partial.items() for child in children]
        pairs += [(name, child) for name in self._heads for child in self._stored(name)]
        return [node for name, child in dict.fromkeys(pairs) for node in self.partial(name, child)]

    def _stored(self, name: str) -> dict[str, list[Condition]]:
        stored: dict[str, list[Condition]] = json.loads(self._heads.get(name, b"{}"))
        return stored

    def recall(self, name: str, head: bytes) -> None:
        """Take what `head` gave of *name* when its requirements were evaluated."""
        self._heads[name] = head

    def head(self, name: str) -> bytes:
        """Give what is known of *name*, in one line."""
        conditions = self._stored(name)
        for child, more in self._partial.get(name, {}).items():
            known = dict.fromkeys((marker, extra) for marker, extra in conditions.get(child, ()))
            conditions[child] = list(known | more)
        return json.dumps(conditions).encode()


def _extras_of(requirement: Requirement) -> tuple[str, ...]:
    if requirement.marker is None:
        return ()
    return tuple(
        dict.fromkeys(normalize(name) for pair in _EXTRA.findall(str(requirement.marker)) for name in pair if name)
    )


def _exclude_each_other(one: Conditional, other: Conditional) -> bool:
    if one.url != other.url:
        return one.url is not None or other.url is not None
    both = SpecifierSet(f"{one.specifier},{other.specifier}".strip(","))
    points = {"0", "99999"}
    for clause in both:
        version = clause.version.removesuffix(".*")
        points |= {version, f"{version}.0.1", f"{version}.post1", f"{version}.dev0", f"{version}.1"}
    return not any(both.contains(point, prereleases=True) for point in points if _is_version(point))


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except ValueError:
        return False
    return True
