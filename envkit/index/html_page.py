"""Read the links of an HTML page, with the standard library's tolerant parser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from envkit.errors import TransportError

_CHARSET = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """The attributes of every ``<a>``, the ``<base href>``, and the ``<meta>`` texts of the simple API."""

    anchors: tuple[Mapping[str, str | None], ...]
    base: str | None
    meta: Mapping[str, str]
    tracks: tuple[str, ...]
    alternates: tuple[str, ...]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[dict[str, str | None]] = []
        self.base: str | None = None
        self.meta: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append(dict(attrs))
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")
        elif tag == "meta":
            attributes = dict(attrs)
            self.meta.append((attributes.get("name") or "", attributes.get("content") or ""))


def read_anchors(data: bytes) -> Anchors:
    """Read *data*. Raises `TransportError` where the parser gives up."""
    charset = _CHARSET.search(data[:2048])
    try:
        text = data.decode(charset[1].decode() if charset else "utf-8", "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    reader = _Reader()
    try:
        reader.feed(text)
        reader.close()
    except (ValueError, AssertionError, RecursionError, NotImplementedError) as error:
        raise TransportError(f"the page is not HTML: {str(error)[:100]}") from error
    anchors = tuple(anchor for anchor in reader.anchors if anchor.get("href"))
    return Anchors(
        anchors=anchors,
        base=reader.base,
        meta={name: content for name, content in reversed(reader.meta) if name.startswith("pypi:")},
        tracks=tuple(content for name, content in reader.meta if name == "pypi:tracks"),
        alternates=tuple(content for name, content in reader.meta if name == "pypi:alternate-locations"),
    )
