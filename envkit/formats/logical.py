"""Physical lines of a requirements file to logical ones: joined, without comments, with variables put in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envkit.errors import RequirementError

MAX_LINE_LENGTH = 512 * 1024
"""No logical line is longer than this many characters."""

_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


def strip_comment(line: str) -> str:
    """Take off a comment: a number sign at the start or after white space, with the white space before it."""
    start = line.find("#")
    while start > 0 and not line[start - 1].isspace():
        start = line.find("#", start + 1)
    return line if start < 0 else line[:start].rstrip()


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def logical_lines(text: str, file: str, environ: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield (number of the first physical line, text) for each line that says something.

    ``${NAME}`` is replaced where *environ* has a non-empty value; only capitals, digits and underscores name variables.
    Raises `RequirementError` for a line that is too long.
    """
    for number, line in joined_lines(text):
        if len(line) > MAX_LINE_LENGTH:
            raise RequirementError(
                f"{file}, line {number}: the line has more than {MAX_LINE_LENGTH} characters", file=file, line=number
            )
        line = strip_comment(line).strip()
        if line:
            yield number, _expand(line, file, number, environ)


def joined_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (first physical number, joined line): a backslash at the end continues, except in a comment."""
    first = 0
    parts: list[str] = []
    length = 0
    for number, line in enumerate(text.splitlines(), start=1):
        comment = _is_comment(line)
        if line.endswith("\\") and not comment:
            if not parts:
                first = number
            if length <= MAX_LINE_LENGTH:  # what follows only has to be known as too long
                parts.append(line.strip("\\"))
            length += len(line)
            continue
        if comment:
            line = f" {line}"  # so that it is seen as a comment after joining
        if parts:
            parts.append(line)
            yield first, "".join(parts)
            parts, length = [], 0
        else:
            yield number, line
    if parts:
        yield first, "".join(parts)


def _expand(line: str, file: str, number: int, environ: Mapping[str, str]) -> str:
    if "${" not in line:
        return line
    for name in _VARIABLE.findall(line):
        value = environ.get(name)
        if value:
            reference = f"${{{name}}}"
            if len(line) + line.count(reference) * len(value) > MAX_LINE_LENGTH:
                raise RequirementError(
                    f"{file}, line {number}: with ${{{name}}} put in, the line is too long", file=file, line=number
                )
            line = line.replace(reference, value)
    return line
