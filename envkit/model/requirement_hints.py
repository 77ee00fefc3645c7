"""What somebody probably meant who wrote a requirement that is none."""

from __future__ import annotations

import re

_PATH = re.compile(r"\.{0,2}[/\\]|\.\.?\Z|~|[A-Za-z]:[/\\]")
_NAME = r"[A-Za-z0-9][\w.\[\]-]*"
_SINGLE = re.compile(rf"{_NAME}\s*=\s*[0-9A-Za-z]")
_TURNED = re.compile(rf"{_NAME}\s*(?:=<|=>|=!|=~)")
_NO_VERSION = re.compile(rf"{_NAME}\s*(?:===?|[<>!~]=|[<>])\s*(?:,|;|\Z)")
_SEVERAL = re.compile(rf"{_NAME}(?:\s*(?:[=<>!~]=|[<>])\s*[\w.*]+)?\s*(?:,\s*|\s+){_NAME}")


def hint_for(text: str) -> str | None:
    """Say what would help, or None."""
    text = text.strip()
    if not text:
        return "an empty text asks for nothing: leave it out"
    if text.startswith("-"):
        return "options belong into files of requirements, which envkit.formats.requirements_txt reads"
    if "\n" in text:
        return "each requirement is a text of its own; envkit.formats.requirements_txt reads those of a file"
    head = text[:1000].partition(";")[0].strip()
    if _PATH.match(head):
        return "a path is given as pathlib.Path, or behind a name as a URL: name @ file:///..."
    if _TURNED.match(head):
        return "the sign comes last: <=, >=, != and ~= are operators"
    if _SINGLE.match(head):
        return "= is no operator; == is meant?"
    if _NO_VERSION.match(head):
        return "there is no version behind the operator"
    if _SEVERAL.match(head):
        return "several requirements are a list of texts, one for each"
    return None
