"""Freeze in the order of requirements files, with their comments and options kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from envkit.errors import RequirementError
from envkit.events import Reporter, Warned, new_operation
from envkit.formats.line_options import parse_options, split_line
from envkit.formats.logical import strip_comment
from envkit.formats.requirement_line import parse_editable, parse_entry
from envkit.formats.text import decode_text, read_bounded
from envkit.inspection.lines import Frozen
from envkit.model.secret import mask_credentials

ADDED = "## The following requirements were added by pip freeze:"


def in_order_of(files: Sequence[str | Path], frozen: dict[str, Frozen], reporter: Reporter | None) -> Iterator[str]:
    """Yield the lines for what *files* name, and take them out of *frozen*; the last line introduces the rest.

    A comment, an empty line or an option comes once, however often it is written. What a file names and is not
    installed is left out and told to *reporter*. Raises `RequirementError`.
    """
    kept: set[str] = set()
    done: set[str] = set()
    operation = new_operation("freeze")
    for file in files:
        path = str(file)
        for number, line in _lines(decode_text(read_bounded(path), path)):
            if _is_kept(line):
                text = line.rstrip()
                if text not in kept:
                    kept.add(text)
                    yield mask_credentials(text)
                continue
            name = _project(line, path, number)
            if name is None:
                continue
            if name in frozen:
                yield from frozen.pop(name).lines
                done.add(name)
            elif name not in done and reporter is not None:
                message = f"{path}, line {number}: {name} is not installed"
                reporter(Warned(operation=operation, code="not-installed", message=message))
    yield ADDED


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines; a requirement that goes on over several is one, comments and options stay as they are."""
    parts: list[str] = []
    first = 0
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        del lines[-1]  # what follows the last line end is no line
    for number, line in enumerate(lines, start=1):
        first = number if not parts else first
        parts.append(line)
        if not line.endswith("\\") or line.lstrip().startswith("#"):
            yield first, parts[0] if len(parts) == 1 else _join(parts)
            parts = []
    if parts:
        yield first, _join(parts)


def _join(parts: list[str]) -> str:
    return "\n".join(parts) if _is_kept(parts[0]) else "".join(part.rstrip("\\") for part in parts)


def _is_kept(line: str) -> bool:
    text = line.strip()
    if not text or text.startswith("#"):
        return True
    return line.startswith("-") and not line.startswith(("-e", "--editable"))


def _project(line: str, file: str, number: int) -> str | None:
    def fail(message: str) -> RequirementError:
        text = mask_credentials(f"{file}, line {number}: {message}")
        return RequirementError(text, file=file, line=number)

    wanted, rest = split_line(strip_comment(line).strip())
    base = Path(file).absolute().parent
    try:
        if wanted:
            return parse_entry(wanted.strip(), base=base).name
        editable = parse_options(rest, fail).get("editable")
        return parse_editable(editable[0], base=base).name if editable else None
    except RequirementError as error:
        if error.line is not None:
            raise
        raise fail(error.message) from error
