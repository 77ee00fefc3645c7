"""Read the links of an HTML page, each character once.

Tags are split as HTML's standard splits them, errors included. The standard library's parser looks again from each "<" for
an end that may not be there: five megabytes of "<a " keep it busy for hours.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from envkit.dataclass import dataclass
from envkit.errors import TransportError

_CHARSET = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
_MOST_TAGS = 200_000
"""Links and ``<meta>`` of one page; the largest pages of links have some ten thousand."""
_NEXT = re.compile(r"<(?:[a-z]|!--|[!?/])", re.IGNORECASE)
# A quote that never ends is a part of a name; nothing is ever given back, so that no text is looked at twice.
_ATTRIBUTE = r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+|(?=>))))?+"""
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_TAG = re.compile(rf"<([a-z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE})*+)>", re.IGNORECASE)
_RAW = frozenset(("script", "style", "textarea", "title"))
"""Elements whose content holds no tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """The attributes of every ``<a>``, the ``<base href>``, and the ``<meta>`` texts of the simple API."""

    anchors: tuple[Mapping[str, str | None], ...]
    base: str | None
    meta: Mapping[str, str]
    tracks: tuple[str, ...]
    alternates: tuple[str, ...]


def read_anchors(data: bytes) -> Anchors:
    """Read *data*. Raises `TransportError` for what no index writes."""
    charset = _CHARSET.search(data[:2048])
    try:
        text = data.decode(charset[1].decode() if charset else "utf-8", "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    anchors: list[dict[str, str | None]] = []
    base: str | None = None
    meta: list[tuple[str, str]] = []
    for name, inside in _tags(text):
        if len(anchors) + len(meta) >= _MOST_TAGS:
            raise TransportError(f"the page has more than {_MOST_TAGS} links")
        attributes = _attributes(inside)
        if name == "a":
            if attributes.get("href"):
                anchors.append(attributes)
        elif name == "meta":
            meta.append((attributes.get("name") or "", attributes.get("content") or ""))
        elif base is None:
            base = attributes.get("href")
    return Anchors(
        anchors=tuple(anchors),
        base=base,
        meta={name: content for name, content in reversed(meta) if name.startswith("pypi:")},
        tracks=tuple(content for name, content in meta if name == "pypi:tracks"),
        alternates=tuple(content for name, content in meta if name == "pypi:alternate-locations"),
    )


def _tags(text: str) -> Iterator[tuple[str, str]]:
    """Give the name and the rest of each ``<a>``, ``<base>`` and ``<meta>`` outside of comments and scripts."""
    at = 0
    while (found := _NEXT.search(text, at)) is not None:
        start = found.start()
        if not found[0][1].isalpha():
            end = "-->" if found[0] == "<!--" else ">"
            at = text.find(end, start + 2) + len(end)
            if at < len(end):
                return  # it goes on to the end of the page
            continue
        tag = _TAG.match(text, start)
        if tag is None:
            return  # likewise
        at = tag.end()
        name, inside = tag[1].lower(), tag[2]
        if name in ("a", "base", "meta"):
            yield name, inside
        elif name in _RAW and not inside.endswith("/"):
            close = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, at)
            if close is None:
                return
            at = close.end()


def _attributes(inside: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for match in _ATTRIBUTES.finditer(inside):
        name, *values = match.groups()
        value = next((value for value in values if value is not None), None)
        try:
            found[name.lower()] = html.unescape(value) if value and "&" in value else value
        except ValueError as error:  # a number of thousands of digits
            raise TransportError("the page is not HTML: a character's number is too long") from error
    return found
