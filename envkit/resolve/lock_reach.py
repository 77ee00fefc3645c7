"""Follow the real dependencies, with their real markers, through one outcome: where is each pin needed?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from packaging.version import Version

from envkit.dataclass import dataclass
from envkit.model.candidate import Artifact, CoreMetadata
from envkit.model.identity import normalize
from envkit.model.marker_sets import ALL, EMPTY, MarkerSets, Node
from envkit.model.marker_text import set_of, set_of_python
from envkit.model.requirement import parse_requirement
from envkit.model.resolution import Pin, Resolution
from envkit.resolve.lock_conditions import FORK_PREFIX
from envkit.resolve.lock_coverage import Coverage
from envkit.resolve.lock_files import original
from envkit.resolve.ports import CandidateSource, DirectRequest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN = re.compile(r"[\w.-]++(?:\s*+\[([\w\s.,-]*+)\])?+[\w\s.,<>=!~*+()-]*+(?:;(.*))?")

Key = tuple[str, Version, str]
_Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a pin in whatever space: *rows* are its requirements, each with the name before it."""

    metadata: CoreMetadata
    rows: Sequence[_Row]


class Reaching:
    """Keeps what it read, so that the next outcome, which is nearly the same, costs little."""

    def __init__(
        self, source: CandidateSource, sets: MarkerSets, roots: Sequence[str], overrides: Sequence[str]
    ) -> None:
        self._source = source
        self._sets = sets
        self._overrides: dict[str, list[str]] = {}
        for text in overrides:
            self._overrides.setdefault(normalize(parse_requirement(text).name), []).append(text)
        self._roots = self._rows(roots)
        self._facts: dict[Key, Facts] = {}
        self._files: dict[tuple[str | None, str], Artifact] = {}
        self._edges: dict[tuple[str, str], tuple[Node, tuple[str, ...]]] = {}

    def reach(self, resolution: Resolution, space: Node) -> dict[str, Node]:
        """Give the environments of *space* in which each pin is needed; those that nobody needs are left out."""
        sets, pins = self._sets, resolution.pins
        known = {
            name: [row for row in self.facts(pin, resolution).rows if row[0] in pins]
            for name, pin in pins.items()
            if not name.startswith(FORK_PREFIX)
        }
        reach: dict[tuple[str, str], Node] = {}
        waiting: dict[tuple[str, str], None] = {}

        def arrive(rows: Iterable[_Row], within: Node, extra: str) -> None:
            for child, text in rows:
                condition, extras = self._edge(text, extra)
                node = sets.both(within, condition)
                for wanted in extras:
                    key = (child, wanted)
                    before = reach.get(key, EMPTY)
                    united = sets.either(before, node)
                    if united != before:
                        reach[key] = united
                        waiting[key] = None

        arrive((row for row in self._roots if row[0] in pins), space, "")
        while waiting:
            key = next(iter(waiting))
            del waiting[key]
            arrive(known[key[0]], reach[key], key[1])
        return {name: node for (name, extra), node in reach.items() if not extra and not sets.is_empty(node)}

    def pythons(self, pin: Pin, resolution: Resolution) -> Node:
        """Give the environments whose Python the files and the metadata of a pin accept."""
        specifiers = {self.facts(pin, resolution).metadata.requires_python}
        if pin.origin is None:
            specifiers |= {self.file(artifact).requires_python for artifact in pin.artifacts}
        found = ALL
        for specifier in specifiers:
            if specifier:
                found = self._sets.both(found, set_of_python(self._sets, specifier))
        return found

    def served(self, pin: Pin, coverage: Coverage) -> Node:
        """Give the environments for which one of the usable files of a pin is."""
        return coverage.of(pin.name, [self.file(artifact).filename for artifact in pin.artifacts])

    def file(self, artifact: Artifact) -> Artifact:
        """Give the artifact as the index has it."""
        key = (artifact.provenance, artifact.url)
        known = self._files.get(key)
        if known is None:
            known = self._files[key] = original(artifact)
        return known

    def facts(self, pin: Pin, resolution: Resolution) -> Facts:
        """Give what is known of a pin, reading its metadata once."""
        key = pin_key(pin)
        known = self._facts.get(key)
        if known is None:
            metadata = self._metadata(pin, resolution)
            known = self._facts[key] = Facts(metadata, self._rows(metadata.requires_dist))
        return known

    def _metadata(self, pin: Pin, resolution: Resolution) -> CoreMetadata:
        if pin.origin is None:
            return self._source.metadata(pin.name, pin.version, [self.file(artifact) for artifact in pin.artifacts])
        for edge in resolution.edges:
            url = parse_requirement(edge.requirement).url if edge.child == pin.name else None
            if url:
                request = DirectRequest(url=url, name=pin.name, editable=pin.origin.editable)
                return self._source.direct(request).metadata
        return self._source.direct(DirectRequest(url=pin.origin.url, name=pin.name)).metadata

    def _edge(self, text: str, extra: str) -> tuple[Node, tuple[str, ...]]:
        key = (text, extra)
        known = self._edges.get(key)
        if known is None:
            marker, extras = _parts(text)
            known = self._edges[key] = set_of(self._sets, marker, extra=extra), ("", *map(normalize, extras))
        return known

    def _rows(self, texts: Iterable[str]) -> list[_Row]:
        """Pair texts with names; most are for extras that nobody asks for, and parsing is what costs."""
        rows: list[_Row] = []
        for text in texts:
            start = _NAME.match(text.strip())
            name = normalize(start[0]) if start is not None else ""
            news = self._overrides.get(name)
            if news is None:
                rows.append((name, text))
            else:
                marker = str(parse_requirement(text).marker or "")
                rows += [(name, _and(new, marker)) for new in news]
        return rows


def _parts(text: str) -> tuple[str | None, Sequence[str]]:
    """Give the marker and the extras of a requirement. Those of plain shape, nearly all, are only cut."""
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return plain[2], [one for extra in (plain[1] or "").split(",") if (one := extra.strip())]
    requirement = parse_requirement(text)
    return (str(requirement.marker) if requirement.marker is not None else None), sorted(requirement.extras)


def pin_key(pin: Pin) -> Key:
    """Tell pins of one project apart: by version, and by where they come from."""
    return pin.name, pin.version, pin.origin.url if pin.origin is not None else ""


def _and(text: str, marker: str) -> str:
    if not marker:
        return text
    requirement = parse_requirement(text)
    own = f"({requirement.marker}) and " if requirement.marker is not None else ""
    return f"{text.partition(';')[0].strip()} ; {own}({marker})"
