"""Inline metadata of scripts (PEP 723): read it, and write it without touching the rest of the script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from envkit.dataclass import dataclass, field, replace
from envkit.errors import RequirementError
from envkit.formats.requirement_line import parse_entry
from envkit.formats.text import decode_text, read_bounded
from envkit.formats.toml import as_table, as_text, as_texts, load_toml
from envkit.model.identity import parse_specifier
from envkit.model.requested import RequirementEntry
from envkit.model.values import Value

# The reference expression's meaning, in linear time: the start, lines that begin with a number sign, the end.
_START = re.compile(r"# /// (?P<type>[a-zA-Z0-9-]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptMetadata(Value):
    """The ``script`` block: what the script needs. *tool* is the ``[tool]`` table as it is."""

    dependencies: tuple[RequirementEntry, ...] = ()
    requires_python: str | None = None
    tool: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Block:
    type: str
    first: int  # index of the line that starts it
    last: int  # index of the line that ends it
    content: str


def _blocks(lines: list[str]) -> list[_Block]:
    """Find blocks as the reference expression does: each runs to the last ``# ///`` of its run of comment lines."""
    found: list[_Block] = []
    at = 0
    while at < len(lines):
        match = _START.match(lines[at])
        end = last = at
        if match:
            last = at + 1
            while last < len(lines) and (lines[last] == "#" or lines[last].startswith("# ")):
                if lines[last] == "# ///" and last > at + 1:
                    end = last
                last += 1
        if match and end > at:
            content = "".join((line[2:] if line.startswith("# ") else line[1:]) + "\n" for line in lines[at + 1 : end])
            found.append(_Block(match["type"], at, end, content))
            at = end + 1
        else:
            at = max(last, at + 1)  # where one start has no end, those after it in the same run have none
    return found


def _script_block(text: str, path: str) -> _Block | None:
    blocks = [block for block in _blocks(text.split("\n")) if block.type == "script"]
    if len(blocks) > 1:
        line = blocks[1].first + 1
        raise RequirementError(f"{path}, line {line}: there is more than one script block", file=path, line=line)
    return blocks[0] if blocks else None


def read_script(path: str | Path) -> ScriptMetadata | None:
    """Read the block of a script file, or give None where it has none. Raises `RequirementError`."""
    place = str(path)
    return parse_script(decode_text(read_bounded(place), place), path=place)


def parse_script(text: str, *, path: str = "script.py") -> ScriptMetadata | None:
    """Read the block of a script's text. See `read_script`."""
    text = text.replace("\r\n", "\n")
    block = _script_block(text, path)
    if block is None:
        return None
    line = block.first + 1

    def fail(message: str) -> RequirementError:
        return RequirementError(f"{path}, line {line}: {message}", file=path, line=line)

    try:
        data = load_toml(block.content)
    except ValueError as error:
        raise fail(f"the script block is not TOML: {error}") from error
    texts = as_texts(data.get("dependencies", []))
    if texts is None:
        raise fail("dependencies is not a list of texts")
    requires_python = as_text(data.get("requires-python"))
    if "requires-python" in data and requires_python is None:
        raise fail("requires-python is not a text")

    try:
        if requires_python is not None:
            parse_specifier(requires_python)
        entries = tuple(replace(parse_entry(one), file=path, line=line) for one in texts)
    except RequirementError as error:
        raise fail(error.message) from error
    tool = as_table(data.get("tool", {}))
    if tool is None:
        raise fail("tool is not a table")
    return ScriptMetadata(dependencies=entries, requires_python=requires_python, tool=dict(tool))


def write_script(
    text: str, *, dependencies: Iterable[str], requires_python: str | None = None, tool: Mapping[str, Any] | None = None
) -> str:
    """Give the script with its block replaced, or with a new one after the lines that must come first.

    *tool* None keeps the table that is there. Everything outside the block, and its line ends, stay as they are. Raises
    `RequirementError` for requirements that are none and for more than one block.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    old = parse_script(plain)
    kept = dict(old.tool) if tool is None and old is not None else dict(tool or {})
    content = _content([str(one) for one in dependencies], requires_python, kept)
    comment = [f"# {line}" if line else "#" for line in content.split("\n")]
    block = ["# /// script", *comment, "# ///"]
    lines = plain.split("\n")
    found = _script_block(plain, "script.py")
    if found is not None:
        lines[found.first : found.last + 1] = block
    else:
        at = _after_head(lines)
        lines[at:at] = [*block, ""] if at < len(lines) and lines[at] else block
    return newline.join(lines)


def _content(dependencies: list[str], requires_python: str | None, tool: Mapping[str, Any]) -> str:
    import tomli_w

    for one in dependencies:
        parse_entry(one)
    data: dict[str, Any] = {}
    if requires_python is not None:
        parse_specifier(requires_python)
        data["requires-python"] = requires_python
    data["dependencies"] = dependencies
    if tool:
        data["tool"] = tool
    return tomli_w.dumps(data).rstrip("\n")


def _after_head(lines: list[str]) -> int:
    """Give the place after a ``#!`` line and a coding comment, which have to stay at the top."""
    at = 1 if lines and lines[0].startswith("#!") else 0
    return at + 1 if at < len(lines) and re.match(r"#.*coding[:=]", lines[at][:200]) else at
