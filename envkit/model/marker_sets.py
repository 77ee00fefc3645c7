"""Sets of environments, described by markers: union, intersection, difference, and the shortest marker again.

A marker is kept as a binary decision diagram over yes-or-no questions ("is Python older than 3.11?", "is sys_platform
win32?"), so equal sets are the same object and nothing needs a solver. That 3.9 is older than 3.10, and that a variable has
one value, is built in; what is known of several variables (Windows is told by three) is put in where it matters: for
emptiness, and as freedom when a marker is written. Python versions are compared by release, so a pre-release counts as
its final release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from envkit.errors import LockError

Atom: TypeAlias = tuple[str, ...]
"""A question: ("python", "0003", "0011", "0000") asks for an older Python, (variable, "==", value) for a value,
("extras" or "dependency_groups", "has", name) for a member, (variable, operator, value, side) for anything else."""

Node: TypeAlias = int
"""A set of environments; only a `MarkerSets` knows what it means."""

EMPTY: Final = 0
ALL: Final = 1
MAX_NODES = 100_000
MAX_STEPS = 1_000_000
MAX_CUBES = 2_000
MAX_ATOMS = 250
"""Calculations go as deep as there are questions, so their number is bounded."""

# what goes together: a platform of the first kind is always one of the second
_IMPLIED = {
    ("sys_platform", "win32"): (("os_name", "nt"), ("platform_system", "Windows")),
    ("sys_platform", "linux"): (("os_name", "posix"), ("platform_system", "Linux")),
    ("sys_platform", "darwin"): (("os_name", "posix"), ("platform_system", "Darwin")),
    ("platform_system", "Windows"): (("os_name", "nt"), ("sys_platform", "win32")),
    ("os_name", "nt"): (("sys_platform", "win32"), ("platform_system", "Windows")),
    ("platform_system", "Linux"): (("os_name", "posix"),),
    ("platform_system", "Darwin"): (("os_name", "posix"),),
    ("platform_python_implementation", "CPython"): (("implementation_name", "cpython"),),
    ("platform_python_implementation", "PyPy"): (("implementation_name", "pypy"),),
    ("implementation_name", "cpython"): (("platform_python_implementation", "CPython"),),
    ("implementation_name", "pypy"): (("platform_python_implementation", "PyPy"),),
}


class MarkerSets:
    """The sets of one calculation. Not thread-safe; make one for each.

    Methods raise `LockError` when all calculations together grow beyond `MAX_NODES` or `MAX_STEPS`, or a marker that is to
    be written beyond `MAX_CUBES` alternatives.
    """

    def __init__(self) -> None:
        self._nodes: list[tuple[Atom, Node, Node]] = [(("~",), 0, 0), (("~",), 1, 1)]
        self._index: dict[tuple[Atom, Node, Node], Node] = {}
        self._memo: dict[tuple[Node, Node, Node], Node] = {}
        self.texts: dict[tuple[str, str | None], Node] = {}
        self._asked: set[Atom] = set()
        self._theories: dict[frozenset[Atom], Node] = {}
        self._atoms_of: dict[Node, frozenset[Atom]] = {EMPTY: frozenset(), ALL: frozenset()}

    def atom(self, atom: Atom) -> Node:
        """Give the environments for which the answer to *atom* is yes."""
        self._asked.add(atom)
        if len(self._asked) > MAX_ATOMS:
            raise LockError(f"the markers are too complex: more than {MAX_ATOMS} different conditions")
        return self._node(atom, ALL, EMPTY)

    def _node(self, atom: Atom, yes: Node, no: Node) -> Node:
        if yes == no:
            return yes
        key = (atom, yes, no)
        found = self._index.get(key)
        if found is None:
            if len(self._nodes) >= MAX_NODES:
                raise LockError(f"the markers are too complex: more than {MAX_NODES} cases")
            found = self._index[key] = len(self._nodes)
            self._nodes.append(key)
        return found

    def choose(self, condition: Node, yes: Node, no: Node) -> Node:
        """Give *yes* where *condition* holds, *no* elsewhere."""
        if condition == ALL or yes == no:
            return yes
        if condition == EMPTY:
            return no
        if yes == ALL and no == EMPTY:
            return condition
        key = (condition, yes, no)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MAX_STEPS:
                raise LockError(f"the markers are too complex: more than {MAX_STEPS} steps")
            top = min(self._nodes[node][0] for node in key if node > 1)
            high = self.choose(*(self._yes(node, top) for node in key))
            low = self.choose(*(self._no(node, top) for node in key))
            found = self._memo[key] = self._node(top, high, low)
        return found

    def _yes(self, node: Node, atom: Atom) -> Node:
        """Give the set where the answer to *atom*, which comes before all questions of *node*, is yes.

        It answers the questions that follow at once: a variable has one value, and who is older than 3.9 is older than 3.10.
        """
        top, high, low = self._nodes[node]
        if node > 1 and top == atom:
            return high
        if atom[0] == "python":
            while node > 1 and top[0] == "python":
                node = high
                top, high, low = self._nodes[node]
        elif atom[1] == "==":
            while node > 1 and top[:2] == atom[:2]:
                node = low
                top, high, low = self._nodes[node]
        return node

    def _no(self, node: Node, atom: Atom) -> Node:
        top, _, low = self._nodes[node]
        return low if node > 1 and top == atom else node

    def both(self, one: Node, other: Node) -> Node:
        """Give the intersection."""
        return self.choose(one, other, EMPTY)

    def either(self, one: Node, other: Node) -> Node:
        """Give the union."""
        return self.choose(one, ALL, other)

    def outside(self, one: Node) -> Node:
        """Give the complement."""
        return self.choose(one, EMPTY, ALL)

    def any_of(self, sets: Iterable[Node]) -> Node:
        """Give the union of many."""
        found = EMPTY
        for one in sets:
            found = self.either(found, one)
        return found

    def atoms(self, node: Node) -> frozenset[Atom]:
        """Give the questions on which membership depends."""
        known = self._atoms_of.get(node)
        if known is None:
            atom, high, low = self._nodes[node]
            known = self._atoms_of[node] = self.atoms(high) | self.atoms(low) | {atom}
        return known

    def fix(self, node: Node, atom: Atom, answer: bool) -> Node:  # noqa: FBT001
        """Give the set when the answer to *atom* is known."""
        memo: dict[Node, Node] = {}

        def walk(one: Node) -> Node:
            if one < 2 or self._nodes[one][0] > atom:
                return one
            if one not in memo:
                top, high, low = self._nodes[one]
                if top == atom:
                    memo[one] = high if answer else low
                else:
                    memo[one] = self._node(top, walk(high), walk(low))
            return memo[one]

        return walk(node)

    def decide(self, node: Node, answer: Callable[[Atom], bool]) -> bool:
        """Whether an environment is in the set, by its answers."""
        while node > 1:
            atom, high, low = self._nodes[node]
            node = high if answer(atom) else low
        return node == ALL

    def is_empty(self, node: Node) -> bool:
        """Whether no environment that can exist is in the set."""
        return node == EMPTY or self.both(node, self._theory(self.atoms(node))) == EMPTY

    def is_within(self, one: Node, other: Node) -> bool:
        """Whether every environment of *one* is in *other*."""
        return self.is_empty(self.both(one, self.outside(other)))

    def _theory(self, atoms: frozenset[Atom]) -> Node:
        """Give the answers that can occur together: what is known of all environments, for these questions."""
        found = self._theories.get(atoms)
        if found is not None:
            return found
        found = ALL
        values = [atom for atom in sorted(atoms) if len(atom) == 3 and atom[1] == "=="]
        parts = [atom for atom in sorted(atoms) if atom[1] == "in"]
        for one in values:
            implied: tuple[tuple[str, str], ...] = _IMPLIED.get((one[0], one[2]), ())
            for variable, value in implied:
                for equal in (other for other in values if other[0] == variable):
                    found = self.both(found, self._rule(one, equal, holds=equal[2] == value))
            for variable, value in ((one[0], one[2]), *implied):
                for part in (other for other in parts if other[0] == variable):
                    found = self.both(found, self._rule(one, part, holds=_is_part(part, value)))
        self._theories[atoms] = found
        return found

    def _rule(self, one: Atom, other: Atom, *, holds: bool) -> Node:
        then = self.atom(other)
        return self.either(self.outside(self.atom(one)), then if holds else self.outside(then))

    def cubes(self, node: Node, within: Node = ALL) -> list[dict[Atom, bool]] | None:
        """Give the set as alternatives, each a conjunction of answers, as few and short as can be had cheaply.

        Environments outside *within*, and those that cannot exist, may come out either way. None means all.
        """
        care = self.both(within, self._theory(self.atoms(node) | self.atoms(within)))
        lower, upper = self.both(node, care), self.either(node, self.outside(care))
        if upper == ALL:
            return None
        return self._cover(lower, upper, {})[1]

    def _cover(
        self, lower: Node, upper: Node, memo: dict[tuple[Node, Node], tuple[Node, list[dict[Atom, bool]]]]
    ) -> tuple[Node, list[dict[Atom, bool]]]:
        """Minato and Morreale's irredundant cover of a set between *lower* and *upper*."""
        if lower == EMPTY:
            return EMPTY, []
        if upper == ALL:
            return ALL, [{}]
        known = memo.get((lower, upper))
        if known is not None:
            return known
        top = min(self._nodes[node][0] for node in (lower, upper) if node > 1)
        lower_yes, lower_no = self._yes(lower, top), self._no(lower, top)
        upper_yes, upper_no = self._yes(upper, top), self._no(upper, top)
        only_no, cubes_no = self._cover(self.both(lower_no, self.outside(upper_yes)), upper_no, memo)
        only_yes, cubes_yes = self._cover(self.both(lower_yes, self.outside(upper_no)), upper_yes, memo)
        rest = self.either(self.both(lower_yes, self.outside(only_yes)), self.both(lower_no, self.outside(only_no)))
        shared, cubes_shared = self._cover(rest, self.both(upper_yes, upper_no), memo)
        covered = self.either(self._node(top, only_yes, only_no), shared)
        cubes = [{top: False, **cube} for cube in cubes_no] + [{top: True, **cube} for cube in cubes_yes] + cubes_shared
        if len(cubes) > MAX_CUBES:
            raise LockError(f"a marker is too complex: more than {MAX_CUBES} alternatives")
        memo[lower, upper] = covered, cubes
        return memo[lower, upper]


def _is_part(atom: Atom, value: str) -> bool:
    """Answer a question with "in": is *value* in the text, or the text in *value*?"""
    return atom[2] in value if atom[3] == "r" else value in atom[2]
