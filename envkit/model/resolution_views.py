"""Texts made of a resolution's pins and edges: trees, graphs, tables, requirement lines. Deterministic, by name."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from envkit.errors import LockError
from envkit.model.pin import Edge, Pin
from envkit.model.secret import mask_credentials, strip_credentials

_STRONG = ("sha256", "sha384", "sha512")


def children(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """Give the names that each name needs, sorted, each once."""
    found: dict[str, set[str]] = {}
    for edge in edges:
        found.setdefault(edge.parent, set()).add(edge.child)
    return {parent: sorted(names) for parent, names in found.items()}


def tree_text(pins: Mapping[str, Pin], edges: Iterable[Edge]) -> str:
    """Give the dependency tree as indented lines; what was shown before ends in ``(*)`` and is not opened again."""
    below = children(edges)
    lines: list[str] = []
    shown: set[str] = set()
    stack = [(name, 0) for name in reversed(below.get("", []))]
    while stack:
        name, depth = stack.pop()
        pin = pins[name]
        again = name in shown and bool(below.get(name))
        lines.append(f"{'  ' * depth}{_label(pin)} {pin.version}{' (*)' if again else ''}")
        if not again:
            shown.add(name)
            stack.extend((child, depth + 1) for child in reversed(below.get(name, [])))
    return "\n".join(lines)


def unknown_extras(pins: Mapping[str, Pin]) -> dict[str, tuple[str, ...]]:
    """Give the extras that somebody asks for and that the pinned version does not have, by project."""
    from envkit.model.identity import normalize
    from envkit.model.requirement import parse_requirement

    asked: dict[str, set[str]] = {}
    for pin in pins.values():
        texts = [request.requirement for request in pin.requested_by]
        for text in (*texts, *pin.dependencies):  # a project may ask for extras of its own
            if "[" in text:
                parsed = parse_requirement(text)
                asked.setdefault(normalize(parsed.name), set()).update(map(normalize, parsed.extras))
    missing = {
        name: tuple(sorted(extras - {*pins[name].extras})) for name, extras in sorted(asked.items()) if name in pins
    }
    return {name: extras for name, extras in missing.items() if extras}


def path_to(name: str, edges: Iterable[Edge]) -> tuple[str, ...]:
    """Give a shortest way from a root to *name*, both included."""
    below = children(edges)
    before: dict[str, str] = dict.fromkeys(below.get("", ()), "")
    queue = list(before)
    for at in queue:
        for child in below.get(at, ()):
            if child not in before:
                before[child] = at
                queue.append(child)
    path: list[str] = []
    while name and name in before:
        path.append(name)
        name = before[name]
    return tuple(reversed(path))


def _label(pin: Pin) -> str:
    return f"{pin.name}[{','.join(pin.extras)}]" if pin.extras else pin.name


def dot_text(pins: Mapping[str, Pin], edges: Iterable[Edge]) -> str:
    """Give the graph in the DOT language."""
    lines = ["digraph resolution {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {_quoted(name)} [label={_quoted(f'{_label(pin)} {pin.version}')}];" for name, pin in pins.items()]
    for edge in edges:
        if edge.parent:
            text = _quoted(_condition(edge))
            lines.append(f"  {_quoted(edge.parent)} -> {_quoted(edge.child)} [label={text}];")
    return "\n".join([*lines, "}", ""])


def mermaid_text(pins: Mapping[str, Pin], edges: Iterable[Edge]) -> str:
    """Give the graph as a Mermaid flowchart."""
    numbers = {name: f"n{at}" for at, name in enumerate(pins)}
    lines = ["flowchart LR"]
    lines += [f'  {numbers[name]}["{_escaped(f"{_label(pin)} {pin.version}")}"]' for name, pin in pins.items()]
    for edge in edges:
        if edge.parent:
            condition = _escaped(_condition(edge))
            arrow = f' -- "{condition}" --> ' if condition else " --> "
            lines.append(f"  {numbers[edge.parent]}{arrow}{numbers[edge.child]}")
    return "\n".join([*lines, ""])


def _condition(edge: Edge) -> str:
    """Give the requirement without the name it begins with."""
    return mask_credentials(edge.requirement.removeprefix(edge.child))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    return html.escape(text).replace("&#x27;", "'")


def html_table(pins: Mapping[str, Pin], python: str) -> str:
    """Give the pins as an HTML table, for notebooks."""
    rows = "".join(
        f"<tr><td>{html.escape(_label(pin))}</td><td>{html.escape(str(pin.version))}</td>"
        f"<td>{html.escape(', '.join(sorted({one.by or 'you' for one in pin.requested_by})))}</td></tr>"
        for pin in pins.values()
    )
    return (
        f"<table><caption>{len(pins)} pins for Python {html.escape(python)}</caption>"
        f"<thead><tr><th>Project</th><th>Version</th><th>Asked for by</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def requirement_lines(pins: Iterable[Pin], *, hashes: bool) -> Sequence[str]:
    """Give one line of a requirements file for each pin. Raises `LockError` where *hashes* are wanted and missing."""
    return [_line(pin, hashes=hashes) for pin in pins]


def _line(pin: Pin, *, hashes: bool) -> str:
    if pin.origin is not None:
        return _origin_line(pin)
    line = f"{_label(pin)}=={pin.version}"
    if not hashes:
        return line
    found = sorted({_hash(pin, artifact.hashes) for artifact in pin.artifacts})
    if not found:
        raise LockError(f"{pin.name} {pin.version} has no file, so no hash")
    return " \\\n    ".join([line, *(f"--hash={one}" for one in found)])


def _hash(pin: Pin, hashes: Mapping[str, str]) -> str:
    for algorithm in _STRONG:
        if algorithm in hashes:
            return f"{algorithm}:{hashes[algorithm]}"
    raise LockError(f"the index gives no strong hash for a file of {pin.name} {pin.version}")


def _origin_line(pin: Pin) -> str:
    origin = pin.origin
    assert origin is not None
    url = strip_credentials(origin.url)
    if origin.kind == "vcs":
        url = f"{origin.vcs}+{url}@{origin.commit}"
    fragment = f"#subdirectory={origin.subdirectory}" if origin.subdirectory else ""
    if origin.editable:
        return f"-e {url}{fragment}"
    return f"{_label(pin)} @ {url}{fragment}"
